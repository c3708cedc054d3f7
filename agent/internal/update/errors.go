package update

import (
	"errors"
	"syscall"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"gourdian/agent/internal/engine"
	"gourdian/internal/bundle"
	"gourdian/internal/wire"
)

// refusal is why a model will not run: the step that stopped it.
type refusal struct {
	step wire.UpdateStep
	err  error
}

// Error implements error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap gives the cause.
func (r *refusal) Unwrap() error { return r.err }

func refuse(step wire.UpdateStep, err error) error {
	if err == nil {
		return nil
	}
	return &refusal{step, err}
}

// errHash: bytes that are not what their name says.
var errHash = errors.New("wrong hash")

// ofTrust says which step an error of signed lists belongs to. What is no fault
// of the lists, such as a cut line, stays as it is.
func ofTrust(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, &metadata.ErrExpiredMetadata{}):
		return refuse(wire.StepExpired, err)
	case errors.Is(err, &metadata.ErrRepository{}):
		return refuse(wire.StepSignature, err)
	}
	return err
}

// ofBundle says which step an error of a bundle belongs to.
func ofBundle(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrGolden):
		return refuse(wire.StepGolden, err)
	case errors.Is(err, engine.ErrSlow):
		return refuse(wire.StepSpeed, err)
	case errors.Is(err, engine.ErrShadow):
		return refuse(wire.StepShadow, err)
	case errors.Is(err, bundle.ErrPreprocess), errors.Is(err, bundle.ErrVersion):
		return refuse(wire.StepPreprocess, err)
	case errors.Is(err, bundle.ErrHash):
		return refuse(wire.StepHash, err)
	case errors.Is(err, bundle.ErrBundle):
		return refuse(wire.StepFormat, err)
	}
	return err
}

// ofPost says which step an error of asking belongs to.
func ofPost(err error) error {
	if errors.Is(err, errHash) {
		return refuse(wire.StepHash, err)
	}
	return err
}

// onDisk says of an error of writing that the disk is full where it is; any
// other may pass.
func onDisk(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return refuse(wire.StepDisk, err)
	}
	return err
}

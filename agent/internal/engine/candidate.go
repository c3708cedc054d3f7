package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gourdian/internal/worker"
)

// grace is how long a model goes on running after another one took its place:
// a camera that has begun a frame with it ends that frame with it.
const grace = 2 * scoreTimeout

// ErrGolden is wrapped where a candidate's worker refused it: its golden frames
// or its graph are wrong here.
var ErrGolden = errors.New("the worker refuses the model")

// Candidate is a model that runs in a worker of its own beside the one that
// serves. Its holder hands it to Switch or calls End.
type Candidate struct {
	*running
}

// ID is the bundle's.
func (c *Candidate) ID() string { return c.model.ID }

// Variant is the form that runs.
func (c *Candidate) Variant() string { return c.model.Variant }

// State says how its worker is.
func (c *Candidate) State() worker.State { return c.process.State() }

// End stops it. A candidate that serves is the engine's to end.
func (c *Candidate) End() { c.end() }

type switchTo struct {
	candidate *Candidate
	done      chan struct{}
}

// Prepare starts a bundle beside the one that serves, and returns it when its
// golden frames have passed. ctx is that of the candidate's whole life. Errors
// wrap those of package bundle, and ErrGolden where the worker says no.
func (e *Engine) Prepare(ctx context.Context, path string) (*Candidate, error) {
	o, err := e.open(ctx, path, false)
	if err != nil {
		return nil, err
	}
	c := &Candidate{e.begin(ctx, o)}
	if err := c.await(ctx); err != nil {
		c.End()
		return nil, err
	}
	return c, nil
}

// await is over when the worker is up, or will not be.
func (c *Candidate) await(ctx context.Context) error {
	late := time.NewTimer(trialStart)
	defer late.Stop()
	for {
		changed := c.process.Changed()
		state := c.process.State()
		switch {
		case state.Up && c.model.runner.Info().Model == c.model.ID:
			return nil
		case state.Code == worker.CodeRefused, state.Code == worker.CodeMissing, state.Code == worker.CodeMismatch:
			return fmt.Errorf("%w: %s", ErrGolden, state.Err)
		}
		select {
		case <-changed:
		case <-late.C:
			return fmt.Errorf("%w: it is not up after %s: %s", ErrGolden, trialStart, state.Err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Switch lets a candidate serve, between two frames, and ends the model before
// once no camera is at work with it.
func (e *Engine) Switch(ctx context.Context, c *Candidate) error {
	to := switchTo{c, make(chan struct{})}
	select {
	case e.switches <- to:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-to.done
	return nil
}

// retire ends a model that serves no more.
func (e *Engine) retire(ctx context.Context, old *running) {
	select {
	case <-time.After(grace):
	case <-ctx.Done():
	case <-old.done:
	}
	old.end()
}

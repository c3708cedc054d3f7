package capture

import (
	"errors"
	"fmt"

	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// Program is the name of the worker that serves a source or a codec.
const Program = "gourdian-camera"

// Operations of the worker. The parts of a body come in the order named.
const (
	OpDecode  = "decode"  // a file → sizeResult; RGB pixels
	OpEncode  = "encode"  // encodeParams, RGB pixels → a JPEG
	OpPrepare = "prepare" // prepareParams, a file → sizeResult; tensors
)

// Codes of worker.Error, beside those of package worker.
const (
	codeBadImage = "bad_image"
	codeTooLarge = "too_large"
	codeBadCall  = "bad_call"
)

// maxZones bounds what one request can make a worker compute.
const maxZones = 64

// sizeResult is the size of an upright picture in pixels.
type sizeResult struct {
	W int `json:"w"`
	H int `json:"h"`
}

type encodeParams struct {
	W       int `json:"w"`
	H       int `json:"h"`
	Quality int `json:"quality"` // 1..100
}

// prepareParams: no zones mean the largest centred one.
type prepareParams struct {
	Zones []vision.Zone `json:"zones,omitempty"`
}

// orCentred returns the zones that a request means.
func orCentred(zones []vision.Zone) []vision.Zone {
	if len(zones) == 0 {
		return []vision.Zone{{}}
	}
	return zones
}

// coded gives an error of this package its code for the pipe.
func coded(err error) error {
	switch {
	case errors.Is(err, ErrBadImage):
		return &worker.Error{Code: codeBadImage, Message: err.Error()}
	case errors.Is(err, ErrTooLarge):
		return &worker.Error{Code: codeTooLarge, Message: err.Error()}
	}
	return err
}

// decoded gives an error from the pipe its meaning back.
func decoded(err error) error {
	var answer *worker.Error
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.Code {
	case codeBadImage:
		return fmt.Errorf("%w: %w", ErrBadImage, err)
	case codeTooLarge:
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

func badCall(format string, args ...any) error {
	return &worker.Error{Code: codeBadCall, Message: fmt.Sprintf(format, args...)}
}

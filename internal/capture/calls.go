package capture

import (
	"errors"
	"fmt"
	"io"
	"time"

	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// Program is the name of the worker that serves a source or a codec.
const Program = "gourdian-camera"

// Operations of the worker. The parts of a body come in the order named.
const (
	OpNext    = "next"    // nextParams → nextResult; tensors, zone lumas, luma, JPEG
	OpDecode  = "decode"  // a file → sizeResult; RGB pixels
	OpEncode  = "encode"  // encodeParams, RGB pixels → a JPEG
	OpPrepare = "prepare" // prepareParams, a file → sizeResult; tensors
)

// Codes of worker.Error, beside those of package worker.
const (
	codeBadImage  = "bad_image"
	codeTooLarge  = "too_large"
	codeNoPicture = "no_picture"
	codeNotOpen   = "not_open"
	codeEnd       = "end"
	codeBadCall   = "bad_call"
)

// maxZones bounds what one request can make a worker compute.
const maxZones = 64

// nextParams asks for a frame.
type nextParams struct {
	Zones []vision.Zone `json:"zones,omitempty"` // none = the largest centred one
	Wait  time.Duration `json:"wait_ns"`         // for a picture, at most 5 s
	From  Mark          `json:"from"`            // heard by the first call of a finite source
}

// nextResult says what the parts of the body are: TensorLen bytes for each
// zone, 112x112 for each zone, LumaW x LumaH, and JPEG bytes.
type nextResult struct {
	Seq        uint64    `json:"seq"`
	Dropped    uint64    `json:"dropped"`
	Unreadable uint64    `json:"unreadable"`
	CapturedAt time.Time `json:"captured_at"`
	WallAt     time.Time `json:"wall_at"`
	W          int       `json:"w"`
	H          int       `json:"h"`
	Name       string    `json:"name,omitempty"`
	LumaW      int       `json:"luma_w"`
	LumaH      int       `json:"luma_h"`
	JPEG       int       `json:"jpeg"`
	Sharpness  []float64 `json:"sharpness"`
}

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
	case codeNoPicture:
		return fmt.Errorf("%w: %s", ErrNoPicture, answer.Message)
	case codeNotOpen:
		return fmt.Errorf("%w: %w: %w", ErrNoPicture, ErrNotOpen, answer)
	case codeEnd:
		return io.EOF
	}
	return err
}

func badCall(format string, args ...any) error {
	return &worker.Error{Code: codeBadCall, Message: fmt.Sprintf(format, args...)}
}

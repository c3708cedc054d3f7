package capture

import (
	"context"
	"errors"
	"time"

	"gourdian/internal/vision"
)

// ErrNoPicture is wrapped by what Camera.Next returns while there is nothing
// to see: the source is silent, being reopened, or its worker is coming back.
var ErrNoPicture = errors.New("no picture from the camera")

// ErrNotOpen is wrapped, beside ErrNoPicture, while the source can't be opened
// at all; the error's *worker.Error says in words why.
var ErrNotOpen = errors.New("the camera can't be opened")

// Kind tells how the pictures of a source relate to each other.
type Kind string

// Kinds of source.
const (
	Live   Kind = "live"   // newest frame wins, frames of one sighting vote
	Finite Kind = "finite" // nothing is dropped, no vote across files, ends with io.EOF
)

// Picture is what a Source yields inside the camera worker: decoded and upright.
type Picture struct {
	Image      vision.Image
	File       []byte    // the encoded original where there is one, else nil: encode before sending
	Name       string    // file name of a finite source, else ""
	CapturedAt time.Time // field clock
}

// Source yields pictures in the camera worker. Next blocks until a picture
// newer than the last one is there, ctx is done (a native driver may take up to
// its own time limit to notice), or the source is over (io.EOF: finite sources,
// and a video that is played once). Any other error means that the source has
// to be opened again. The Picture's memory belongs to the source and stays
// valid until the next call of Next or Close. One goroutine calls it.
// Close may be called once, after Next has returned.
type Source interface {
	Kind() Kind
	Next(ctx context.Context) (Picture, error)
	Close() error
}

// Mark says where a finite source goes on after its worker was started anew:
// behind the picture of this name, leaving out Skip more, which ended the
// worker before. The zero Mark is the beginning.
type Mark struct {
	After string `json:"after,omitempty"`
	Skip  int    `json:"skip,omitempty"`
}

// Request asks the camera worker for the next frame.
type Request struct {
	Zones []vision.Zone // one tensor each; empty = one centred zone
}

// Frame is what reaches the agent: never raw pixels of the whole picture.
type Frame struct {
	Seq        uint64          // rises by at least 1; a gap = frames dropped because the board was busy
	Dropped    uint64          // frames dropped since the worker started
	Unreadable uint64          // files of a folder left out since the worker started
	CapturedAt time.Time       // field clock
	WallAt     time.Time       // wall clock when the picture reached the worker
	W, H       int             // of the upright picture
	Name       string          // file name of a finite source
	JPEG       []byte          // the picture as the page and the store want it
	Luma       vision.Luma     // whole picture, shorter side at most 120
	Tensors    []vision.Tensor // one per zone, in the order asked for
	ZoneLumas  []vision.Luma   // each zone at 112x112, for quality and change per zone
	Sharpness  []float64       // per zone, variance of the Laplacian at 224x224, see quality.Sharpness
}

// Camera is one supervised camera worker as the agent sees it. Next returns
// io.EOF at the end of a source that ends, and an error wrapping ErrNoPicture
// while the source is silent or being reopened, after a while of waiting for
// it. The Frame is the caller's.
type Camera interface {
	Kind() Kind
	Next(ctx context.Context, req Request) (*Frame, error)
}

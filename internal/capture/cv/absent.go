//go:build !(gocv_specific_modules && gocv_videoio)

package cv

import (
	"errors"

	"gourdian/internal/vision"
)

// errAbsent says that OpenCV was left out of this build.
var errAbsent = errors.New("built without OpenCV: build with -tags gocv_specific_modules,gocv_videoio")

// Codec is absent from this build.
type Codec struct{}

// NewCodec says that the codec is absent from this build.
func NewCodec() (*Codec, error) { return nil, errAbsent }

// Close does nothing.
func (*Codec) Close() error { return nil }

// Decode says that the codec is absent from this build.
func (*Codec) Decode([]byte, *vision.Image) error { return errAbsent }

// Encode says that the codec is absent from this build.
func (*Codec) Encode(vision.Image, int) ([]byte, error) { return nil, errAbsent }

// SetThreads does nothing in this build.
func SetThreads(int) {}

// Version says that the library is absent.
func Version() string { return "without OpenCV" }

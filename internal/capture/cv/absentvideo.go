//go:build !(gocv_specific_modules && gocv_videoio)

package cv

import "gourdian/internal/vision"

// Video is absent from this build.
type Video struct{}

// OpenFile says that video is absent from this build.
func OpenFile(string) (*Video, error) { return nil, errAbsent }

// OpenStream says that video is absent from this build.
func OpenStream(string) (*Video, error) { return nil, errAbsent }

// OpenDevice says that video is absent from this build.
func OpenDevice(string, float64, float64, float64) (*Video, error) { return nil, errAbsent }

// Read says that video is absent from this build.
func (*Video) Read(*vision.Image) error { return errAbsent }

// Skip says that video is absent from this build.
func (*Video) Skip() error { return errAbsent }

// FPS is not known in this build.
func (*Video) FPS() float64 { return 0 }

// Close does nothing.
func (*Video) Close() error { return nil }

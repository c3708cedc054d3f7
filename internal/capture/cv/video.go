//go:build gocv_specific_modules && gocv_videoio

package cv

import (
	"errors"
	"fmt"
	"io"
	"os"

	"gocv.io/x/gocv"

	"gourdian/internal/vision"
)

// Properties of OpenCV's FFmpeg reader that gocv does not name.
const (
	openTimeout gocv.VideoCaptureProperties = 53 // CAP_PROP_OPEN_TIMEOUT_MSEC
	readTimeout gocv.VideoCaptureProperties = 54 // CAP_PROP_READ_TIMEOUT_MSEC

	timeoutMillis gocv.VideoCaptureProperties = 5000
)

// ffmpegOptions is the environment variable in which OpenCV takes options for
// FFmpeg. RTSP over UDP loses packets without a word and shows grey smears.
const (
	ffmpegOptions = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
	overTCP       = "rtsp_transport;tcp"
)

// Video implements video.Native.
type Video struct {
	reader   *gocv.VideoCapture
	bgr, rgb gocv.Mat // C memory
}

// OpenFile opens a video file.
func OpenFile(path string) (*Video, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	reader, err := gocv.OpenVideoCaptureWithAPI(path, gocv.VideoCaptureFFmpeg)
	if err != nil || !reader.IsOpened() {
		return nil, errors.Join(errors.New("FFmpeg can't open it as a video"), closeReader(reader))
	}
	return newVideo(reader), nil
}

// OpenStream opens a stream by its URL; connecting and each picture may take
// five seconds. No error holds the URL, in which a password may stand.
func OpenStream(url string) (*Video, error) {
	if err := os.Setenv(ffmpegOptions, overTCP); err != nil {
		return nil, err
	}
	reader, err := gocv.OpenVideoCaptureWithAPIParams(url, gocv.VideoCaptureFFmpeg,
		[]gocv.VideoCaptureProperties{openTimeout, timeoutMillis, readTimeout, timeoutMillis})
	if err != nil || !reader.IsOpened() {
		return nil, errors.Join(errors.New("no stream: wrong address or password, or the camera is off"), closeReader(reader))
	}
	reader.Set(gocv.VideoCaptureBufferSize, 1)
	return newVideo(reader), nil
}

// OpenDevice opens a V4L2 device by its path. Width, height and rate are wishes;
// 0 leaves them to the camera. Motion JPEG is asked for, since raw pictures of
// more than 640x480 do not fit through USB 2.
func OpenDevice(path string, width, height, fps float64) (*Video, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	reader, err := gocv.OpenVideoCaptureWithAPI(path, gocv.VideoCaptureV4L2)
	if err != nil || !reader.IsOpened() {
		return nil, errors.Join(fmt.Errorf("%s is no camera, is in use, or may not be read by this user (group video)", path), closeReader(reader))
	}
	reader.Set(gocv.VideoCaptureFOURCC, reader.ToCodec("MJPG"))
	for _, wish := range []struct {
		property gocv.VideoCaptureProperties
		value    float64
	}{
		{gocv.VideoCaptureFrameWidth, width}, {gocv.VideoCaptureFrameHeight, height}, {gocv.VideoCaptureFPS, fps},
	} {
		if wish.value > 0 {
			reader.Set(wish.property, wish.value)
		}
	}
	reader.Set(gocv.VideoCaptureBufferSize, 1)
	return newVideo(reader), nil
}

func newVideo(reader *gocv.VideoCapture) *Video {
	return &Video{reader: reader, bgr: gocv.NewMat(), rgb: gocv.NewMat()}
}

// closeReader closes a reader that did not open, where there is one.
func closeReader(reader *gocv.VideoCapture) error {
	if reader == nil {
		return nil
	}
	return reader.Close()
}

// Read implements video.Native.
func (v *Video) Read(img *vision.Image) error {
	if !v.reader.Read(&v.bgr) || v.bgr.Empty() {
		return io.EOF
	}
	return copyRGB(v.bgr, &v.rgb, img)
}

// Skip implements video.Native.
func (v *Video) Skip() error {
	if err := v.reader.Grab(1); err != nil {
		return io.EOF
	}
	return nil
}

// FPS implements video.Native.
func (v *Video) FPS() float64 { return v.reader.Get(gocv.VideoCaptureFPS) }

// Close implements video.Native.
func (v *Video) Close() error {
	return errors.Join(v.reader.Close(), v.bgr.Close(), v.rgb.Close())
}

//go:build gocv_specific_modules && gocv_videoio

package cv

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/gif"

	"gocv.io/x/gocv"

	"gourdian/internal/capture"
	"gourdian/internal/vision"
)

// Codec implements capture.Codec: libjpeg-turbo, libpng and libwebp behind
// OpenCV, GIF by the standard library. It keeps its native buffers from call
// to call.
type Codec struct {
	rgb, bgr gocv.Mat // C memory
}

// NewCodec returns a Codec; Close frees its native memory.
func NewCodec() (*Codec, error) {
	return &Codec{rgb: gocv.NewMat(), bgr: gocv.NewMat()}, nil
}

// Close frees the native memory.
func (c *Codec) Close() error {
	if err := c.rgb.Close(); err != nil {
		return err
	}
	return c.bgr.Close()
}

// Decode implements capture.Codec.
func (c *Codec) Decode(file []byte, into *vision.Image) error {
	info, err := capture.Inspect(file)
	if err != nil {
		return err
	}
	if info.Format == "gif" { // OpenCV 4.6 has no decoder for it
		return decodeGIF(file, into)
	}
	// The turn is vision's business: OpenCV would apply it for some formats only.
	mat, err := gocv.IMDecode(file, gocv.IMReadColor|gocv.IMReadIgnoreOrientation)
	if err != nil {
		return fmt.Errorf("%w: %w", capture.ErrBadImage, err)
	}
	defer mat.Close()
	if mat.Empty() {
		return fmt.Errorf("%w: damaged %s file", capture.ErrBadImage, info.Format)
	}
	if mat.Cols() != info.W || mat.Rows() != info.H {
		return fmt.Errorf("%w: %dx%d pixels, but its head says %dx%d", capture.ErrBadImage, mat.Cols(), mat.Rows(), info.W, info.H)
	}
	if err := copyRGB(mat, &c.rgb, into); err != nil {
		return fmt.Errorf("%w: %w", capture.ErrBadImage, err)
	}
	*into = vision.Upright(*into, vision.Orientation(file))
	return nil
}

// copyRGB copies the pixels of a BGR picture; rgb is scratch.
func copyRGB(bgr gocv.Mat, rgb *gocv.Mat, into *vision.Image) error {
	if err := gocv.CvtColor(bgr, rgb, gocv.ColorBGRToRGB); err != nil {
		return err
	}
	pix, err := rgb.DataPtrUint8()
	if err != nil {
		return err
	}
	capture.Reuse(into, rgb.Cols(), rgb.Rows())
	if n := copy(into.Pix, pix); n != len(into.Pix) {
		return fmt.Errorf("%dx%d pixels in %d bytes", into.W, into.H, n)
	}
	return nil
}

// Encode implements capture.Codec.
func (c *Codec) Encode(img vision.Image, quality int) ([]byte, error) {
	if err := img.Check(); err != nil {
		return nil, err
	}
	if c.rgb.Cols() != img.W || c.rgb.Rows() != img.H {
		_ = c.rgb.Close() // only fails when closed twice
		c.rgb = gocv.NewMatWithSize(img.H, img.W, gocv.MatTypeCV8UC3)
	}
	pix, err := c.rgb.DataPtrUint8()
	if err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	copy(pix, img.Pix)
	if err := gocv.CvtColor(c.rgb, &c.bgr, gocv.ColorRGBToBGR); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	buffer, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, c.bgr, []int{int(gocv.IMWriteJpegQuality), quality})
	if err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	defer buffer.Close()
	return bytes.Clone(buffer.GetBytes()), nil
}

func decodeGIF(file []byte, into *vision.Image) error {
	decoded, err := gif.Decode(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("%w: %w", capture.ErrBadImage, err)
	}
	bounds := decoded.Bounds()
	rgba := image.NewRGBA(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	draw.Draw(rgba, rgba.Rect, decoded, bounds.Min, draw.Src)
	capture.Reuse(into, rgba.Rect.Dx(), rgba.Rect.Dy())
	for i := range into.W * into.H {
		copy(into.Pix[3*i:3*i+3], rgba.Pix[4*i:])
	}
	return nil
}

// SetThreads bounds the threads that OpenCV uses for one picture.
func SetThreads(n int) { gocv.SetNumThreads(n) }

// Version names the library.
func Version() string { return "OpenCV " + gocv.OpenCVVersion() }

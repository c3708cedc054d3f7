package capturetest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"

	"gourdian/internal/capture"
	"gourdian/internal/vision"
)

// Codec implements capture.Codec with the standard library: slow, but without
// native code.
type Codec struct{}

// Decode implements capture.Codec.
func (Codec) Decode(file []byte, into *vision.Image) error {
	info, err := capture.Inspect(file)
	if err != nil {
		return err
	}
	decoded, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("%w: %w", capture.ErrBadImage, err)
	}
	capture.Reuse(into, info.W, info.H)
	low := decoded.Bounds().Min
	for i := range info.W * info.H {
		c := color.NRGBAModel.Convert(decoded.At(low.X+i%info.W, low.Y+i/info.W)).(color.NRGBA)
		into.Pix[3*i], into.Pix[3*i+1], into.Pix[3*i+2] = c.R, c.G, c.B
	}
	*into = vision.Upright(*into, vision.Orientation(file))
	return nil
}

// Encode implements capture.Codec.
func (Codec) Encode(img vision.Image, quality int) ([]byte, error) {
	rgba := image.NewRGBA(image.Rect(0, 0, img.W, img.H))
	for i := range img.W * img.H {
		copy(rgba.Pix[4*i:], img.Pix[3*i:3*i+3])
		rgba.Pix[4*i+3] = 255
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, rgba, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}

// Plain returns a picture of one colour.
func Plain(w, h int, r, g, b uint8) vision.Image {
	img := vision.New(w, h)
	for i := range w * h {
		img.Pix[3*i], img.Pix[3*i+1], img.Pix[3*i+2] = r, g, b
	}
	return img
}

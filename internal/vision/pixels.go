package vision

import (
	"errors"
	"fmt"
)

// ErrBadImage says that an Image or a Tensor does not have the size it claims.
var ErrBadImage = errors.New("picture does not hold the pixels it claims")

// New returns a black picture of w x h pixels.
func New(w, h int) Image {
	return Image{W: w, H: h, Pix: make([]uint8, 3*w*h)}
}

// Check returns an error wrapping ErrBadImage unless img has at least one pixel
// and exactly the bytes that its size asks for.
func (img Image) Check() error {
	if img.W < 1 || img.H < 1 || len(img.Pix) != 3*img.W*img.H {
		return fmt.Errorf("%dx%d with %d bytes: %w", img.W, img.H, len(img.Pix), ErrBadImage)
	}
	return nil
}

// Crop copies the part of img that starts at (x, y) and is w x h pixels large.
// What lies outside of the picture is cut off; what is left may be empty (W and
// H zero), which Check refuses.
func Crop(img Image, x, y, w, h int) Image {
	x0, x1 := min(max(x, 0), img.W), min(max(x+w, 0), img.W)
	y0, y1 := min(max(y, 0), img.H), min(max(y+h, 0), img.H)
	if x1 <= x0 || y1 <= y0 {
		return Image{}
	}
	out := New(x1-x0, y1-y0)
	for row := range out.H {
		from := 3 * ((y0+row)*img.W + x0)
		copy(out.Pix[3*row*out.W:3*(row+1)*out.W], img.Pix[from:])
	}
	return out
}

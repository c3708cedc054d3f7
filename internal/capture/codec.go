package capture

import "gourdian/internal/vision"

// JPEGQuality is how frames are encoded whose source has no JPEG of its own.
const JPEGQuality = 85

// Codec turns encoded pictures into pixels and back. One goroutine at a time
// uses it.
type Codec interface {
	// Decode reads a JPEG, PNG, WebP, GIF (its first picture) or BMP as 8-bit RGB
	// and turns it upright. It uses the memory of into where that suffices. Its
	// errors wrap ErrBadImage or ErrTooLarge; then into is undefined.
	Decode(file []byte, into *vision.Image) error
	// Encode returns img as a JPEG of quality 1 to 100. The bytes are the caller's.
	Encode(img vision.Image, quality int) ([]byte, error)
}

// Reuse makes img w x h pixels large, with its own memory where that suffices.
// The pixels are undefined.
func Reuse(img *vision.Image, w, h int) {
	n := 3 * w * h
	if cap(img.Pix) < n {
		img.Pix = make([]uint8, n)
	}
	img.W, img.H, img.Pix = w, h, img.Pix[:n]
}

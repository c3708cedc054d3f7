package dataset

import (
	"image"

	"gourdian/internal/vision"
)

// Limits of what counts as a bar. A padded picture has bars of pure white or
// black, which JPEG moves by a few levels. Black ones are held to less: black
// cloth and night come close to black, nothing real comes close to white all
// along a line without being overexposed.
const (
	barWhite  = 245  // least level of every channel of a white bar
	barBlack  = 4    // highest level of every channel of a black bar
	barSpecks = 0.01 // share of a line's pixels that may be farther
	barLeast  = 0.02 // share of the side that the bars of one axis must reach
	barLeaves = 0.25 // share of each side that must be left, else nothing is cut
)

// TrimBars cuts uniform white or black bars off the four sides of a picture
// and says whether it did. Such bars come from padding, differ between
// sources and classes, and no camera shows them: left in place they tell a
// model where a picture came from. It is part of importing a data set, the
// same for every picture of training and evaluation, and never of a board's
// preprocessing.
func TrimBars(img vision.Image) (vision.Image, bool) {
	r := image.Rect(0, 0, img.W, img.H)
	for r.Min.Y < r.Max.Y && rowIsBar(img, r.Min.Y) {
		r.Min.Y++
	}
	for r.Min.Y < r.Max.Y && rowIsBar(img, r.Max.Y-1) {
		r.Max.Y--
	}
	if r.Empty() {
		return img, false // nothing but bar
	}
	// The columns are judged between the bars above and below, so that these
	// do not count twice.
	for r.Min.X < r.Max.X && columnIsBar(img, r.Min.X, r) {
		r.Min.X++
	}
	for r.Min.X < r.Max.X && columnIsBar(img, r.Max.X-1, r) {
		r.Max.X--
	}
	if float64(img.H-r.Dy()) < barLeast*float64(img.H) {
		r.Min.Y, r.Max.Y = 0, img.H
	}
	if float64(img.W-r.Dx()) < barLeast*float64(img.W) {
		r.Min.X, r.Max.X = 0, img.W
	}
	whole := r.Dx() == img.W && r.Dy() == img.H
	if whole || float64(r.Dx()) < barLeaves*float64(img.W) || float64(r.Dy()) < barLeaves*float64(img.H) {
		return img, false
	}
	return vision.Crop(img, r.Min.X, r.Min.Y, r.Dx(), r.Dy()), true
}

func rowIsBar(img vision.Image, y int) bool {
	return lineIsBar(img.Pix[3*y*img.W:], 3, img.W)
}

func columnIsBar(img vision.Image, x int, within image.Rectangle) bool {
	return lineIsBar(img.Pix[3*(within.Min.Y*img.W+x):], 3*img.W, within.Dy())
}

// lineIsBar says whether n pixels, step bytes apart, are white or all black.
func lineIsBar(pix []uint8, step, n int) bool {
	white, black := 0, 0
	for i := range n {
		p := pix[i*step : i*step+3]
		if min(p[0], p[1], p[2]) >= barWhite {
			white++
		}
		if max(p[0], p[1], p[2]) <= barBlack {
			black++
		}
	}
	return float64(n-max(white, black)) <= barSpecks*float64(n)
}

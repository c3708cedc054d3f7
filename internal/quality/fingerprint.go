package quality

import (
	"math/bits"

	"gourdian/internal/vision"
)

// Fingerprint is a difference hash of a picture: one bit for each of 8 x 8
// places that says whether it is brighter than the place to its right. Pictures
// of the same scene at another size, quality or exposure differ in few bits.
// Source: N. Krawetz, "Kind of Like That", hackerfactor.com, 2013.
type Fingerprint uint64

// NearDuplicate is the largest distance at which two pictures of one source
// are taken for the same scene. Re-encoded photos lie at 0 to 3, pictures of
// different things at 32 on average.
const NearDuplicate = 4

const hashRows, hashColumns = 8, 9

// FingerprintOf returns the fingerprint of a grey picture; an empty one has 0.
func FingerprintOf(l vision.Luma) Fingerprint {
	if l.W < 1 || l.H < 1 {
		return 0
	}
	var f Fingerprint
	for y := range hashRows {
		var left int
		for x := range hashColumns {
			v := boxMean(l, x, y)
			if x > 0 {
				f <<= 1
				if left > v {
					f |= 1
				}
			}
			left = v
		}
	}
	return f
}

// boxMean is 16 times the mean grey of one place of the 9 x 8 grid, rounded
// down; a place covers at least one pixel.
func boxMean(l vision.Luma, x, y int) int {
	x0, y0 := x*l.W/hashColumns, y*l.H/hashRows
	x1, y1 := max((x+1)*l.W/hashColumns, x0+1), max((y+1)*l.H/hashRows, y0+1)
	sum := 0
	for row := y0; row < y1; row++ {
		for _, v := range l.Pix[row*l.W+x0 : row*l.W+x1] {
			sum += int(v)
		}
	}
	return 16 * sum / ((x1 - x0) * (y1 - y0))
}

// Distance is the number of bits in which two fingerprints differ, 0..64.
func (f Fingerprint) Distance(other Fingerprint) int {
	return bits.OnesCount64(uint64(f ^ other))
}

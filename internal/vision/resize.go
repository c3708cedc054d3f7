package vision

import (
	"encoding/binary"
	"fmt"
)

// The fixed-point formats of a resize. They are chosen so that one 64-bit
// multiplication weighs all three colours of a pixel: 255 * 2^13 plus rounding
// fits in 21 bits, and three times 21 is 63.
const (
	weightBits = 13 // weights are n/8192 and add up to exactly 1
	midBits    = 8  // between the passes a colour keeps 8 bits after the point

	laneBits  = 21 // one colour in the horizontal sum: R lowest, then G, then B
	laneMask  = 1<<laneBits - 1
	midShift  = weightBits - midBits
	midRound  = 1 << (midShift - 1)
	lastShift = weightBits + midBits
	lastRound = 1 << (lastShift - 1)

	pairs   = 3 * Size / 2 // colours of an output row, two in each uint64
	maxSide = 1 << 15      // larger squares would need finer weights than 1/8192
)

// Resizer turns squares of pictures into tensors. It keeps its weights and
// buffers, so a Resizer that meets the same side again allocates nothing. The
// zero value is ready; one goroutine at a time may use it.
//
// The method, exactly, for a square of s pixels and Size = 224 outputs in each
// direction, all in integers:
//
//   - Weights. Output i weighs source pixel j by a triangle around the output's
//     centre: d = 2*max(s,224) - |224*(2j+1) - s*(2i+1)| where that is positive
//     and j lies in the square, else the pixel has no part in it. So the triangle
//     widens with the scale when shrinking (every source pixel counts, fractions
//     of pixels too) and is plain linear interpolation when enlarging.
//   - Rounding of the weights. With D the sum of d, each weight is
//     floor(8192*d/D)/8192; what is missing to 1 goes, 1/8192 each, to the pixels
//     with the largest remainders, the lower j first where they are equal.
//   - Horizontal pass first. Each row of the square becomes 224 pixels; a colour
//     is the weighted sum of its bytes, rounded half up to 1/256.
//   - Vertical pass. The weighted sum of those, rounded half up to a whole byte.
type Resizer struct {
	side    int
	first   [Size]int // the first source pixel of each output
	taps    [Size]int // how many source pixels each output weighs
	offset  [Size]int // where an output's weights start
	weights []uint64  // n/8192
	packed  []uint64  // one source row, a pixel in each uint64
	ring    []uint64  // the last source rows after the horizontal pass
	slots   int       // rows in ring
}

// Prepare writes the tensor of zone z of img into dst, which must have
// TensorLen bytes. Its errors wrap ErrBadImage.
func (r *Resizer) Prepare(dst Tensor, img Image, z Zone) error {
	if err := img.Check(); err != nil {
		return fmt.Errorf("prepare picture: %w", err)
	}
	if len(dst) != TensorLen {
		return fmt.Errorf("prepare picture: tensor of %d bytes: %w", len(dst), ErrBadImage)
	}
	x, y, side := z.Square(img.W, img.H)
	if side > maxSide {
		return fmt.Errorf("prepare picture: square of %d pixels, at most %d: %w", side, maxSide, ErrBadImage)
	}
	r.plan(side)
	ready := 0 // rows of the square that have gone through the horizontal pass
	for out := range Size {
		for end := r.first[out] + r.taps[out]; ready < end; ready++ {
			from := 3 * ((y+ready)*img.W + x)
			r.horizontal(r.slot(ready), img.Pix[from:from+3*side])
		}
		r.vertical(dst[3*Size*out:3*Size*(out+1)], out)
	}
	return nil
}

// Prepare is Resizer.Prepare for callers that have one picture only.
func Prepare(dst Tensor, img Image, z Zone) error {
	var r Resizer
	return r.Prepare(dst, img, z)
}

// slot is the place of a source row in the ring. An output needs its taps in
// a row only, so the ring holds as many rows as the widest output has taps.
func (r *Resizer) slot(row int) []uint64 {
	at := row % r.slots * pairs
	return r.ring[at : at+pairs]
}

// horizontal weighs one source row into 224 pixels of 8.8 fixed point, laid
// out as two colours in each uint64.
func (r *Resizer) horizontal(dst []uint64, row []uint8) {
	packed := pack(r.packed, row)
	for out := 0; out < Size; out += 2 {
		a, b := r.weigh(packed, out), r.weigh(packed, out+1)
		pair := dst[out/2*3 : out/2*3+3]
		pair[0] = a&laneMask>>midShift | a>>laneBits&laneMask>>midShift<<32
		pair[1] = a>>(2*laneBits)>>midShift | b&laneMask>>midShift<<32
		pair[2] = b>>laneBits&laneMask>>midShift | b>>(2*laneBits)>>midShift<<32
	}
}

// weigh is the weighted sum of one output of the horizontal pass, a colour in
// each lane, with half a unit of the kept precision added.
func (r *Resizer) weigh(packed []uint64, out int) uint64 {
	n := r.taps[out]
	pixels := packed[r.first[out]:][:n]
	weights := r.weights[r.offset[out]:][:n]
	sum := uint64(midRound | midRound<<laneBits | midRound<<(2*laneBits))
	for i, w := range weights {
		sum += pixels[i] * w
	}
	return sum
}

// vertical weighs the rows of one output into its bytes.
func (r *Resizer) vertical(dst []uint8, out int) {
	var sums [pairs]uint64
	for i := range sums {
		sums[i] = lastRound | lastRound<<32
	}
	weights := r.weights[r.offset[out]:][:r.taps[out]]
	for i, w := range weights {
		row := r.slot(r.first[out] + i)[:pairs]
		for j, v := range row {
			sums[j] += v * w
		}
	}
	dst = dst[:2*pairs]
	for i, v := range sums {
		dst[2*i] = uint8(v >> lastShift)
		dst[2*i+1] = uint8(v >> (32 + lastShift))
	}
}

// pack spreads each pixel over the lanes of a uint64.
func pack(packed []uint64, row []uint8) []uint64 {
	n := len(row) / 3
	packed = packed[:n]
	for i := range n - 1 { // four bytes are read at once: one of the next pixel
		v := uint64(binary.LittleEndian.Uint32(row[3*i:]))
		packed[i] = v&0xff | v&0xff00<<(laneBits-8) | v&0xff0000<<(2*laneBits-16)
	}
	last := row[3*(n-1):]
	packed[n-1] = uint64(last[0]) | uint64(last[1])<<laneBits | uint64(last[2])<<(2*laneBits)
	return packed
}

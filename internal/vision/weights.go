package vision

// plan computes the weights for squares of side pixels, unless they are there.
func (r *Resizer) plan(side int) {
	if r.side == side {
		return
	}
	r.side = side
	r.weights = r.weights[:0]
	r.slots = 0
	var tent []int64
	for out := range Size {
		r.first[out], tent = triangle(tent[:0], out, side)
		r.taps[out] = len(tent)
		r.offset[out] = len(r.weights)
		r.weights = appendWeights(r.weights, tent)
		r.slots = max(r.slots, len(tent))
	}
	r.packed = grown(r.packed, side)
	r.ring = grown(r.ring, r.slots*pairs)
}

// triangle appends the unrounded weights of an output's source pixels and says
// which pixel is the first. See Resizer for the formula.
func triangle(dst []int64, out, side int) (first int, weights []int64) {
	reach := 2 * max(side, Size)
	centre := side * (2*out + 1)
	// The first j with Size*(2j+1) > centre-reach, without going below 0.
	first = max(0, floorDiv(centre-reach-Size, 2*Size)+1)
	for j := first; j < side; j++ {
		d := reach - abs(Size*(2*j+1)-centre)
		if d <= 0 {
			break
		}
		dst = append(dst, int64(d))
	}
	return first, dst
}

// appendWeights rounds weights to 1/8192 so that they add up to exactly 1.
func appendWeights(dst []uint64, tent []int64) []uint64 {
	var sum int64
	for _, d := range tent {
		sum += d
	}
	base := len(dst)
	left := int64(1 << weightBits)
	for i, d := range tent {
		scaled := d << weightBits
		dst = append(dst, uint64(scaled/sum))
		left -= scaled / sum
		tent[i] = scaled % sum
	}
	for ; left > 0; left-- {
		best := 0
		for i, rest := range tent {
			if rest > tent[best] {
				best = i
			}
		}
		dst[base+best]++
		tent[best] = -1
	}
	return dst
}

// grown returns a slice of n values, reusing the memory of s where it is enough.
func grown(s []uint64, n int) []uint64 {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]uint64, n)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}

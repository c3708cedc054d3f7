package sketch

import "math"

const (
	// Axes onto which embeddings are projected.
	Axes = 16
	// perUnit is how many steps of a Vector are 1.
	perUnit = 1024
	// farthest is the largest value of a Vector: an embedding of length 1 and
	// 1,280 values can't lie farther than 36 units.
	farthest = 64 * perUnit
)

// Vector is an embedding on the axes, in steps of 1/1024.
type Vector [Axes]int32

// Projector puts embeddings of one length onto the axes. Any number of
// goroutines may use it.
type Projector struct {
	signs [][Axes]float32 // by place in the embedding
}

// NewProjector returns the projector for embeddings of n values. It depends on
// n alone, for ever: other signs would be another format.
func NewProjector(n int) *Projector {
	p := &Projector{signs: make([][Axes]float32, n)}
	var state uint64
	for i := range p.signs {
		bits := splitmix(&state)
		for axis := range Axes {
			p.signs[i][axis] = 1 - 2*float32(bits>>axis&1)
		}
	}
	return p
}

// Project returns where an embedding lies. One of another length, or that is
// no direction (all zero, not a number), lies in the middle.
func (p *Projector) Project(embedding []float32) Vector {
	var v Vector
	if len(embedding) != len(p.signs) {
		return v
	}
	var sums [Axes]float64
	var squares float64
	for i, x := range embedding {
		squares += float64(x) * float64(x)
		for axis, sign := range p.signs[i] {
			sums[axis] += float64(sign * x)
		}
	}
	length := math.Sqrt(squares)
	if !(length > 0) || math.IsInf(length, 0) {
		return v
	}
	for axis, sum := range sums {
		v[axis] = int32(math.Round(max(-farthest, min(farthest, sum/length*perUnit))))
	}
	return v
}

// splitmix is the generator SplitMix64: G. Steele, D. Lea, C. Flood, "Fast
// splittable pseudorandom number generators", OOPSLA 2014.
func splitmix(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

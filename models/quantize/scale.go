package quantize

import (
	"math"
)

// leastSpan is the narrowest range that still has a scale that float32 can
// divide by.
const leastSpan = 1e-6

// steps are the distances between the 256 values of a byte.
const steps = 255

// scale maps integers to numbers: number = Step * (integer - Zero).
type scale struct {
	Step float32
	Zero uint8
}

// scaleOf spreads the range over 0..255 so that 0 is met exactly: padding and
// what ReLU cuts off are zeros.
func scaleOf(r Range) scale {
	low, high := math.Min(float64(r.Min), 0), math.Max(float64(r.Max), 0)
	step := float32((high - low) / steps)
	zero := math.RoundToEven(-low / float64(step))
	return scale{step, uint8(math.Min(math.Max(zero, 0), steps))}
}

// Weights says into how many values weights are rounded.
type Weights int

const (
	// FullRange uses -127..127: for processors that multiply bytes without an
	// intermediate of 16 bits (VNNI, ARM).
	FullRange Weights = 127
	// ReducedRange uses -64..64. AVX2 and AVX-512 without VNNI add two products
	// of an unsigned and a signed byte in 16 bits, which 255 * 127 * 2
	// overflows and 255 * 64 * 2 does not.
	ReducedRange Weights = 64
)

// channel is one filter of a convolution as integers: weight = Step * integer.
type channel struct {
	Step    float32
	Weights []int8
	Bias    int32 // of Step * the input's step
}

// biasMost keeps a bias, and what the products add to it, inside 32 bits: the
// longest sum here has 1,152 products of at most 255 * 127.
const biasMost = 1 << 30

// quantizeChannel rounds one filter. The bias has the scale input * Step, as
// the integer convolution adds it to its products; it makes up for what rounding
// takes from the weights where the means of the filter's inputs are given.
func (w Weights) quantizeChannel(weights []float32, bias, input float32, means []float64) channel {
	largest := 0.0
	for _, v := range weights {
		largest = math.Max(largest, math.Abs(float64(v)))
	}
	step := largest / float64(w)
	// A filter of next to nothing would give its bias a scale too fine for 32 bits.
	step = math.Max(step, math.Abs(float64(bias))/(float64(input)*biasMost))
	if step < math.SmallestNonzeroFloat32*(1<<23) {
		step = 1
	}
	c := channel{Step: float32(step), Weights: make([]int8, len(weights))}
	w.round(c.Weights, weights, float64(c.Step))
	unit := float64(c.Step) * float64(input)
	whole := float64(bias) + c.shift(weights, means)
	c.Bias = int32(clamp(math.RoundToEven(whole/unit), math.MaxInt32))
	return c
}

// shift is by how much rounding lowers the filter's result on average. Each
// product is rounded by itself, so that all machines agree.
func (c *channel) shift(weights []float32, means []float64) float64 {
	sum := 0.0
	for i, v := range weights {
		if means == nil {
			break
		}
		lost := float64(v) - float64(float64(c.Step)*float64(c.Weights[i]))
		sum += float64(lost * means[i*len(means)/len(weights)])
	}
	return sum
}

func clamp(v, most float64) float64 { return math.Min(math.Max(v, -most), most) }

// round rounds weights to multiples of step so that what is lost adds up to
// nearly nothing over the filter: its inputs are mostly positive (they come out
// of ReLU6), so a sum of losses would shift every value that it gives. Those
// that are nearest to the middle of two integers go the other way.
func (w Weights) round(integers []int8, weights []float32, step float64) {
	lost := make([]float64, len(weights)) // in steps
	sum := 0.0
	for i, v := range weights {
		exact := float64(v) / step
		n := clamp(math.RoundToEven(exact), float64(w))
		integers[i], lost[i] = int8(n), exact-n
		sum += lost[i]
	}
	for math.Abs(sum) > 0.5 {
		way := math.Copysign(1, sum)
		best := -1
		for i, l := range lost {
			if next := float64(integers[i]) + way; math.Abs(next) <= float64(w) && (best < 0 || l*way > lost[best]*way) {
				best = i
			}
		}
		if best < 0 || lost[best]*way <= 0 {
			return
		}
		integers[best] += int8(way)
		lost[best] -= way
		sum -= way
	}
}

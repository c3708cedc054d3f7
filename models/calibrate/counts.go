package calibrate

import (
	"math"
	"sync"

	"gourdian/models/quantize"
)

const (
	// bins is the number of equal parts of the span that is counted, half of
	// them below zero. With 4,096 of them a part is at most a sixteenth of a
	// byte's step.
	bins = 4096
	// firstReach is the bound of the span at first: ReLU6 stays inside.
	firstReach = 8
)

// counts is how often a value of the network lay where. Reach doubles when a
// value lies beyond, and two neighbouring parts become one: as reaches are
// powers of two, the order of the values changes nothing.
type counts struct {
	mu       sync.Mutex // guards all below
	min, max float32
	zeros    uint64 // exactly zero: integers meet them exactly
	others   uint64
	reach    float64
	bin      [bins]uint64
}

func newCounts() *counts { return &counts{reach: firstReach} }

// add counts values, which are numbers: infer.Scores.Check has seen them.
func (c *counts) add(values []float32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range values {
		if v == 0 {
			c.zeros++
			continue
		}
		for float64(v) < -c.reach || float64(v) >= c.reach {
			c.double()
		}
		c.min, c.max = min(c.min, v), max(c.max, v)
		c.others++
		c.bin[int((float64(v)+c.reach)*(bins/2)/c.reach)]++
	}
}

// double makes the span twice as wide: what was counted moves into its middle.
func (c *counts) double() {
	var wide [bins]uint64
	for i, n := range c.bin {
		wide[bins/4+i/2] += n
	}
	c.bin, c.reach = wide, 2*c.reach
}

// middle is the value in the middle of a part.
func (c *counts) middle(i int) float64 {
	return (float64(i) + 0.5 - bins/2) * (2 * c.reach / bins)
}

// leastSpan is the narrowest range that is written. Narrower ones belong to
// values that are always zero, for which any range does.
const leastSpan = 1e-3

// ranged is the range from low to high, rounded to four digits: the last ones
// differ between processors, and say nothing.
func ranged(name string, low, high float64) quantize.Range {
	r := quantize.Range{Name: name, Min: digits(min(low, 0)), Max: digits(max(high, 0))}
	if r.Max-r.Min < leastSpan {
		r.Max = 1
	}
	return r
}

func digits(v float64) float32 {
	if v == 0 {
		return 0
	}
	unit := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return float32(math.Round(v*unit) / unit)
}

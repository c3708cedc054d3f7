package calibrate

import (
	"fmt"
	"math"
	"strings"

	"gourdian/models/quantize"
)

// Rule turns counts into ranges.
type Rule string

const (
	// MinMax spans everything that was seen.
	MinMax Rule = "minmax"
	// Percentile leaves out the outer 0.01 % at each end.
	Percentile Rule = "percentile"
	// Squares shrinks what was seen to where rounding and cutting off together
	// have the least mean square.
	Squares Rule = "squares"
	// Auto is the rule whose integers stay closest to the float graph on held-out
	// pictures; MinMax where none is clearly closer.
	Auto Rule = "auto"
)

// Rules are those that Auto chooses from, MinMax first.
func Rules() []Rule { return []Rule{MinMax, Percentile, Squares} }

// ParseRule checks the name of a rule.
func ParseRule(name string) (Rule, error) {
	names := []string{string(Auto)}
	if Rule(name) == Auto {
		return Auto, nil
	}
	for _, r := range Rules() {
		if string(r) == name {
			return r, nil
		}
		names = append(names, string(r))
	}
	return "", fmt.Errorf("no rule %q: choose from %s", name, strings.Join(names, ", "))
}

const (
	// outside is the share that Percentile leaves out at each end.
	outside = 0.0001
	// shrinkLeast and shrinkStep are the ranges that Squares tries, as shares of
	// what was seen.
	shrinkLeast = 0.5
	shrinkStep  = 0.02
)

// spread is what a rule makes of the counts of one value.
func (r Rule) spread(name string, c *counts) quantize.Range {
	switch r {
	case Percentile:
		return ranged(name, math.Max(c.quantile(outside), float64(c.min)), math.Min(c.quantile(1-outside), float64(c.max)))
	case Squares:
		best, least := 1.0, math.Inf(1)
		for shrink := 1.0; shrink >= shrinkLeast; shrink -= shrinkStep {
			if e := c.loss(shrink*float64(c.min), shrink*float64(c.max)); e < least {
				best, least = shrink, e
			}
		}
		return ranged(name, best*float64(c.min), best*float64(c.max))
	}
	return ranged(name, float64(c.min), float64(c.max))
}

// quantile is the value below which the share q of all values lie, to within
// a part of the span.
func (c *counts) quantile(q float64) float64 {
	rank := uint64(q * float64(c.zeros+c.others))
	below := uint64(0)
	for i, n := range c.bin {
		if i == bins/2 {
			below += c.zeros
		}
		if below += n; below > rank {
			return c.middle(i)
		}
	}
	return float64(c.max)
}

// loss is the sum of the squares by which integers over low..high miss the
// values: a twelfth of the step's square inside, the distance to the end
// outside. Each product is rounded by itself, so all machines agree.
func (c *counts) loss(low, high float64) float64 {
	step := (high - low) / 255
	rounding := float64(step*step) / 12
	sum := 0.0
	for i, n := range c.bin {
		if n == 0 {
			continue
		}
		v, miss := c.middle(i), rounding
		if off := math.Max(low-v, v-high); off > 0 {
			miss = off * off
		}
		sum += float64(float64(n) * miss)
	}
	return sum
}

package evaluate

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
)

// Draws is the number of resamples of a bootstrap.
const Draws = 2000

// quantile of the normal distribution for a two-sided interval of 95 %.
const z95 = 1.959963984540054

// Interval is a figure with its 95 % interval. A figure without any picture
// behind it is NaN and becomes null in JSON.
type Interval struct {
	Value, Low, High float64
}

// MarshalJSON implements json.Marshaler: {"value","low","high"}.
func (i Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Value *float64 `json:"value"`
		Low   *float64 `json:"low"`
		High  *float64 `json:"high"`
	}{Number(i.Value), Number(i.Low), Number(i.High)})
}

// Number is v for JSON: nil, so null, where it is no number.
func Number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// Wilson is the share of hits among n with Wilson's 95 % score interval, which
// stays within 0 and 1 and is no point at either end. It takes the n pictures
// for independent.
// Source: E. B. Wilson, JASA 22 (1927), 209-212.
func Wilson(hits, n int) Interval {
	if n == 0 {
		return Interval{math.NaN(), math.NaN(), math.NaN()}
	}
	p, m := float64(hits)/float64(n), float64(n)
	centre := (p + z95*z95/(2*m)) / (1 + z95*z95/m)
	half := z95 / (1 + z95*z95/m) * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	return Interval{p, math.Max(0, math.Min(p, centre-half)), math.Min(1, math.Max(p, centre+half))}
}

// Bootstrap resamples whole groups: pictures of one fruit or session are no
// independent evidence. All figures of one Bootstrap see the same draws.
type Bootstrap struct {
	weights [][]float64 // of each draw: how often each group was drawn
}

// NewBootstrap makes Draws resamples of that many groups from a seed.
func NewBootstrap(groups int, seed uint64) *Bootstrap {
	random := rand.New(rand.NewPCG(seed, 0x626f6f74))
	b := &Bootstrap{weights: make([][]float64, Draws)}
	for d := range b.weights {
		w := make([]float64, groups)
		for range groups {
			w[random.IntN(groups)]++
		}
		b.weights[d] = w
	}
	return b
}

// Interval is the value of a figure on all groups, with the 2.5 % and 97.5 %
// quantiles over the resamples. figure gets the weight of each group; draws on
// which it is NaN, because a class was not drawn, do not count.
func (b *Bootstrap) Interval(figure func(weight []float64) float64) Interval {
	ones := make([]float64, len(b.weights[0]))
	for i := range ones {
		ones[i] = 1
	}
	value := figure(ones)
	if math.IsNaN(value) {
		return Interval{value, value, value}
	}
	values := make([]float64, 0, len(b.weights))
	for _, w := range b.weights {
		if v := figure(w); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return Interval{value, quantile(values, 0.025), quantile(values, 0.975)}
}

// quantile interpolates between the sorted values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

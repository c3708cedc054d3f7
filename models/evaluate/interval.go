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
	weights [][]uint8 // of each draw: how often each group was drawn
}

// NewBootstrap makes Draws resamples of that many groups (at least 1) from a
// seed. No group is drawn 256 times: of n draws among n groups it gets 1 on
// average.
func NewBootstrap(groups int, seed uint64) *Bootstrap {
	random := rand.New(rand.NewPCG(seed, 0x626f6f74))
	b := &Bootstrap{weights: make([][]uint8, Draws)}
	for d := range b.weights {
		w := make([]uint8, groups)
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
func (b *Bootstrap) Interval(figure func(weight []uint8) float64) Interval {
	ones := make([]uint8, len(b.weights[0]))
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

// Difference is the mean over classes of the difference in recall between two
// predictions of the same samples, resampled by group: how much better top is
// than other. A low end above 0 says that it is better at all.
func Difference(classes int, samples []Sample, other []int, o Options) Interval {
	m := newMeter(classes, samples, o)
	gains := make([][]tally, classes)
	for k := range gains {
		gains[k] = make([]tally, max(1, m.groups))
	}
	for i, s := range samples {
		t := &gains[s.Truth][m.group[i]]
		t.n++
		if s.Top == s.Truth {
			t.hits++
		}
		if other[i] == s.Truth {
			t.hits--
		}
	}
	return m.draws.Interval(func(weight []uint8) float64 {
		sum, present := 0.0, 0
		for _, groups := range gains {
			if share := weighted(groups, weight); !math.IsNaN(share) {
				sum += share
				present++
			}
		}
		return sum / float64(present)
	})
}

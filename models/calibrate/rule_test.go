package calibrate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// bell are n values of a bell curve with a few far ones, as networks have.
func bell(n int, seed uint64) []float32 {
	random := rand.New(rand.NewPCG(seed, 1))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(random.NormFloat64())
	}
	out[n/2], out[n/3] = 90, -40
	return out
}

func TestCountsDoNotDependOnTheOrderOfTheValues(t *testing.T) {
	t.Parallel()
	values := bell(5000, 1)
	forwards, backwards := newCounts(), newCounts()
	forwards.add(values)
	for i := len(values) - 1; i >= 0; i-- {
		backwards.add(values[i : i+1])
	}
	if forwards.reach != 128 || forwards.bin != backwards.bin || forwards.reach != backwards.reach || forwards.min != backwards.min {
		t.Errorf("reach %v and %v; the same bins: %v", forwards.reach, backwards.reach, forwards.bin == backwards.bin)
	}
	total := forwards.zeros
	for _, n := range forwards.bin {
		total += n
	}
	if total != 5000 {
		t.Errorf("%d values were counted", total)
	}
}

func TestRulesSpanWhatTheySay(t *testing.T) {
	t.Parallel()
	c := newCounts()
	c.add(bell(50_000, 2))
	all := MinMax.spread("x", c)
	if all.Min != -40 || all.Max != 90 {
		t.Errorf("minmax: %v to %v", all.Min, all.Max)
	}
	// Five of 50,000 may lie outside at each end: about 3.7 deviations.
	if p := Percentile.spread("x", c); p.Min < -5 || p.Min > -3 || p.Max < 3 || p.Max > 5 {
		t.Errorf("percentile: %v to %v", p.Min, p.Max)
	}
	s := Squares.spread("x", c)
	if !(s.Max < all.Max && s.Min > all.Min) || c.loss(float64(s.Min), float64(s.Max)) >= c.loss(-40, 90) {
		t.Errorf("squares: %v to %v, with a loss of %v and not %v", s.Min, s.Max, c.loss(float64(s.Min), float64(s.Max)), c.loss(-40, 90))
	}
}

// What a Clip cuts at 6 must not get a range beyond 6, or the file is refused.
func TestClippedValuesStayClipped(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	values := make([]float32, 20_000)
	for i := range values {
		values[i] = float32(math.Min(math.Max(4*random.NormFloat64(), 0), 6))
	}
	c := newCounts()
	c.add(values)
	if c.zeros < 9000 {
		t.Fatalf("%d zeros", c.zeros)
	}
	for _, rule := range Rules() {
		if r := rule.spread("x", c); r.Min != 0 || r.Max > 6 || r.Max < 3 {
			t.Errorf("%s: %v to %v", rule, r.Min, r.Max)
		}
	}
}

func TestDeadValuesStillHaveARange(t *testing.T) {
	t.Parallel()
	c := newCounts()
	c.add(make([]float32, 100))
	for _, rule := range Rules() {
		if r := rule.spread("x", c); r.Min != 0 || r.Max <= 0 {
			t.Errorf("%s: %v to %v", rule, r.Min, r.Max)
		}
	}
}

func TestAnotherRuleMustBeClearlyCloser(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minmax, percentile, squares float64
		want                        Rule
	}{
		{0.010, 0.020, 0.0092, MinMax},
		{0.010, 0.020, 0.0080, Squares},
		{0.010, 0.0088, 0.0080, Squares},
		{0.010, 0.008, 0.0090, Percentile},
	} {
		if got := best([]Trial{{MinMax, c.minmax}, {Percentile, c.percentile}, {Squares, c.squares}}); got != c.want {
			t.Errorf("%+v: took %s", c, got)
		}
	}
	if got := best([]Trial{{Squares, 1}}); got != Squares {
		t.Errorf("the only rule: took %s", got)
	}
}

func TestRangesAreRoundedToFourDigits(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]float32{5.99996: 6, -54.93712: -54.94, 0.0123456: 0.01235, 123456: 123500, 6: 6} {
		if got := digits(v); got != want {
			t.Errorf("%v became %v, expected %v", v, got, want)
		}
	}
}

func TestEveryFifthPictureIsHeldOut(t *testing.T) {
	t.Parallel()
	measured, held := split([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	if !slices.Equal(held, []int{5, 10}) || len(measured) != 9 {
		t.Errorf("measured %v, held out %v", measured, held)
	}
}

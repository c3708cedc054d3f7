package quantize

import (
	"math"
	"math/rand/v2"
	"testing"
)

// back is the number that an integer stands for.
func (s scale) back(i int) float64 { return float64(s.Step) * float64(i-int(s.Zero)) }

func TestScaleMeetsZeroAndBothEnds(t *testing.T) {
	t.Parallel()
	for _, r := range []Range{{"relu6", 0, 6}, {"both", -54.9, 78.7}, {"low", -3, 0}, {"tiny", 0, 1e-5}, {"wide", -1e6, 1e6}, {"lopsided", -0.01, 6}} {
		s := scaleOf(r)
		if s.back(int(s.Zero)) != 0 {
			t.Errorf("%s: zero is not met exactly", r.Name)
		}
		half := float64(s.Step) * 0.501
		if low, high := s.back(0), s.back(255); math.Abs(low-float64(r.Min)) > half || math.Abs(high-float64(r.Max)) > half {
			t.Errorf("%s: 0..255 spans %v to %v, not %v to %v", r.Name, low, high, r.Min, r.Max)
		}
	}
	if s := scaleOf(Range{"relu6", 0, 6}); s.Zero != 0 {
		t.Errorf("ReLU6 has the zero point %d: its lower bound would not cut off", s.Zero)
	}
}

func TestChannelIsRoundedToAStepAtMost(t *testing.T) {
	t.Parallel()
	weights := []float32{0.5, -1, 0.25, 0.1234, 0, -0.004}
	for _, w := range []Weights{FullRange, ReducedRange} {
		c := w.quantizeChannel(weights, 3.75, 1.0/128, nil)
		largest := 0
		for i, v := range weights {
			if off := math.Abs(float64(c.Step)*float64(c.Weights[i]) - float64(v)); off > float64(c.Step) {
				t.Errorf("%d: weight %v became %v", w, v, float64(c.Step)*float64(c.Weights[i]))
			}
			largest = max(largest, int(c.Weights[i]), -int(c.Weights[i]))
		}
		if largest != int(w) {
			t.Errorf("%d: the largest weight is %d: the range is not used, or overflown", w, largest)
		}
		if off := math.Abs(float64(c.Bias)*float64(c.Step)/128 - 3.75); off > float64(c.Step)/128 {
			t.Errorf("%d: the bias is off by %v", w, off)
		}
	}
}

// Two products of the reduced range stay inside 16 bits, which is all it is for.
func TestReducedRangeCannotOverflow16Bits(t *testing.T) {
	t.Parallel()
	if sum := 2 * 255 * int(ReducedRange); sum > math.MaxInt16 {
		t.Errorf("two products reach %d", sum)
	}
	if sum := 2 * 255 * int(FullRange); sum <= math.MaxInt16 {
		t.Errorf("two products of the full range reach only %d: what is the reduced one for?", sum)
	}
}

func TestFilterOfNothingKeepsItsBias(t *testing.T) {
	t.Parallel()
	for name, weights := range map[string][]float32{"zeros": {0, 0}, "next to nothing": {1e-30, -1e-32}} {
		c := FullRange.quantizeChannel(weights, -17.5, 0.02, nil)
		if got := float64(c.Bias) * float64(c.Step) * float64(float32(0.02)); math.Abs(got+17.5) > 1e-5 {
			t.Errorf("%s: the bias became %v", name, got)
		}
	}
	if c := FullRange.quantizeChannel([]float32{0, 0}, 0, 1, nil); c.Step != 1 || c.Bias != 0 {
		t.Errorf("a filter of zeros without bias: %+v", c)
	}
}

// What rounding takes from a filter must not add up: behind a ReLU6 all inputs
// are positive, and a sum of losses would shift every value.
func TestLossesOfAFilterCancelOut(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	worst, nearest := 0.0, 0.0
	for range 200 {
		weights := make([]float32, 2+random.IntN(300))
		for i := range weights {
			weights[i] = float32(random.NormFloat64())
		}
		c := FullRange.quantizeChannel(weights, 0, 1, nil)
		sum, plain := 0.0, 0.0
		for i, v := range weights {
			exact := float64(v) / float64(c.Step)
			sum += exact - float64(c.Weights[i])
			plain += exact - math.RoundToEven(exact)
			if math.Abs(exact-float64(c.Weights[i])) > 1 {
				t.Fatalf("weight %v steps became %d", exact, c.Weights[i])
			}
		}
		worst, nearest = max(worst, math.Abs(sum)), max(nearest, math.Abs(plain))
	}
	if worst > 0.5+1e-9 {
		t.Errorf("losses of %v steps add up", worst)
	}
	if nearest < 2 {
		t.Errorf("rounding to the nearest loses only %v steps here: the test shows nothing", nearest)
	}
}

// A filter whose losses cannot cancel, for every weight is at an end, must be
// left as it is and not loop for ever.
func TestFilterThatLeavesNoChoice(t *testing.T) {
	t.Parallel()
	integers := make([]int8, 2)
	FullRange.round(integers, []float32{200, 300}, 1)
	if integers[0] != 127 || integers[1] != 127 {
		t.Errorf("weights beyond the range became %v", integers)
	}
}

// With the means of its inputs known, a rounded filter must give on average
// what the exact one gives.
func TestBiasGivesBackWhatRoundingTakes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 9))
	const channels, window, input = 40, 9, 0.02
	for range 20 {
		weights, means := make([]float32, channels*window), make([]float64, channels)
		for i := range weights {
			weights[i] = float32(random.NormFloat64())
		}
		for i := range means {
			means[i] = 3 * random.Float64()
		}
		plain, corrected := ReducedRange.quantizeChannel(weights, 1.5, input, nil), ReducedRange.quantizeChannel(weights, 1.5, input, means)
		off := func(c channel) float64 {
			sum := float64(c.Bias)*float64(c.Step)*float64(float32(input)) - 1.5
			for i, v := range weights {
				sum += (float64(c.Step)*float64(c.Weights[i]) - float64(v)) * means[i/window]
			}
			return math.Abs(sum)
		}
		if off(corrected) > 2*float64(corrected.Step)*input || off(plain) < 4*off(corrected) {
			t.Errorf("off by %v, without the means by %v", off(corrected), off(plain))
		}
	}
}

package evaluate

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s = %v, want %v within %v", what, got, want, within)
	}
}

// Figures of Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
func TestWilsonAgreesWithThePublishedTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hits, n   int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		i := Wilson(c.hits, c.n)
		near(t, "low", i.Low, c.low, 5e-5)
		near(t, "high", i.High, c.high, 5e-5)
	}
	if i := Wilson(0, 0); !math.IsNaN(i.Value) {
		t.Errorf("Wilson(0, 0) = %v", i)
	}
}

// sample makes a picture with probability p for class 0 of two.
func sample(group, truth int, p float64) Sample {
	s := Sample{Group: group, Truth: truth, Probabilities: []float64{p, 1 - p}}
	if p < 0.5 {
		s.Top = 1
	}
	return s
}

func TestMeasureCountsByHand(t *testing.T) {
	t.Parallel()
	samples := []Sample{sample(0, 0, 0.95), sample(0, 0, 0.9), sample(1, 0, 0.3), sample(2, 1, 0.2), sample(3, 1, 0.6), sample(4, 1, 0.05)}
	samples[2].Unsure, samples[2].Reason = true, "low_confidence"
	f := Measure([]string{"a", "b"}, samples, Options{})
	near(t, "accuracy", *f.Accuracy, 4.0/6, 1e-12)
	near(t, "coverage", *f.Coverage, 5.0/6, 1e-12)
	near(t, "accuracy when sure", *f.AccuracyWhenSure, 4.0/5, 1e-12)
	near(t, "balanced accuracy", *f.BalancedAccuracy, 2.0/3, 1e-12)
	near(t, "recall of a", *f.Classes["a"].Recall, 2.0/3, 1e-12)
	near(t, "precision of a", *f.Classes["a"].Precision, 2.0/3, 1e-12)
	if want := [][]int{{2, 1}, {1, 2}}; !reflect.DeepEqual(f.Confusion, want) {
		t.Errorf("confusion = %v, want %v", f.Confusion, want)
	}
	if f.Unsure["low_confidence"] != 1 || f.Classes["b"].Count != 3 || f.Classes["b"].Predicted != 3 {
		t.Errorf("figures = %+v", f)
	}
	// Bins 0.6: 1 of 1 wrong; 0.7: 1 of 1 wrong; 0.8: right; 0.9: three right.
	near(t, "ece", f.Reliability.ECE, (0.6+0.7+0.2+3*(1-(0.95+0.9+0.95)/3))/6, 1e-12)
	// a against b: 0.95 and 0.9 above all of b, 0.3 above two of three.
	near(t, "auc", f.OperatingPoints[0].AUC.Value, 8.0/9, 1e-12)
	near(t, "recall at 5 %", f.OperatingPoints[0].Recall.Value, 2.0/3, 1e-12)
	near(t, "threshold", f.OperatingPoints[0].Threshold, 0.9, 1e-12)
}

func TestFiguresWithoutPicturesAreNullNotNaN(t *testing.T) {
	t.Parallel()
	for name, samples := range map[string][]Sample{"none": nil, "one class": {sample(0, 0, 0.9)}} {
		for _, grouped := range []bool{false, true} {
			f := Measure([]string{"a", "b"}, samples, Options{Grouped: grouped})
			if _, err := json.Marshal(f); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if f.Classes["b"].Recall != nil {
				t.Errorf("%s: recall of a class without pictures = %v", name, *f.Classes["b"].Recall)
			}
		}
	}
}

// Ten groups of twenty equal pictures hold ten pieces of evidence, not 200.
func TestIntervalsByGroupAreWiderWhereGroupsAreAlike(t *testing.T) {
	t.Parallel()
	var samples []Sample
	for g := range 10 {
		for range 20 {
			p := 0.9
			if g < 3 {
				p = 0.1
			}
			samples = append(samples, sample(g, 0, p))
		}
	}
	alone := Measure([]string{"a", "b"}, samples, Options{})
	grouped := Measure([]string{"a", "b"}, samples, Options{Grouped: true, Seed: 1})
	width := func(f Figures) float64 { return *f.AccuracyHigh - *f.AccuracyLow }
	if width(grouped) < 2.5*width(alone) {
		t.Errorf("interval by group %.3f wide, without groups %.3f", width(grouped), width(alone))
	}
	near(t, "low", *grouped.AccuracyLow, 0.4, 0.11)
}

// The interval must hold the truth about as often as it says.
func TestBootstrapCoversTheTruth(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 5))
	covered := 0
	const rounds = 150
	for range rounds {
		var samples []Sample
		for g := range 60 {
			p := 0.1
			if random.Float64() < 0.7 {
				p = 0.9
			}
			samples = append(samples, sample(g, 0, p))
		}
		m := newMeter(2, samples, Options{Grouped: true, Seed: 3})
		i := m.share(func(s Sample) bool { return s.Top == 0 }, everything)
		if i.Low <= 0.7 && 0.7 <= i.High {
			covered++
		}
	}
	if share := float64(covered) / rounds; share < 0.88 || share > 0.995 {
		t.Errorf("95 %% intervals held the truth in %.0f %% of %d rounds", 100*share, rounds)
	}
}

func TestOperatingPointWithTiesDoesNotPayWithFalseAlarms(t *testing.T) {
	t.Parallel()
	var samples []Sample
	for i := range 40 {
		samples = append(samples, sample(i, i%2, 0.7)) // all alike
	}
	f := Measure([]string{"a", "b"}, samples, Options{Grouped: true})
	near(t, "recall at 5 % of a coin", f.OperatingPoints[0].Recall.Value, 0, 0)
	near(t, "auc of a coin", f.OperatingPoints[0].AUC.Value, 0.5, 1e-12)
}

func TestMeasureIsTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	var samples []Sample
	random := rand.New(rand.NewPCG(9, 9))
	for i := range 50 {
		samples = append(samples, sample(i/2, i%2, random.Float64()))
	}
	a := Measure([]string{"a", "b"}, samples, Options{Grouped: true, Seed: 4})
	b := Measure([]string{"a", "b"}, samples, Options{Grouped: true, Seed: 4})
	if !reflect.DeepEqual(a, b) {
		t.Error("two measurements with one seed differ")
	}
}

package convert

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestClippedMeanIsThatOfDrawnValues(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2, 3))
	for _, c := range []struct{ mean, deviation float64 }{{0, 1}, {-2, 1}, {3, 2}, {7, 1}, {-40, 0.5}, {5, 0}, {9, 0}, {-1, 1e-12}, {0.5, 30}} {
		const n = 200_000
		sum := 0.0
		for range n {
			sum += math.Min(math.Max(c.mean+c.deviation*random.NormFloat64(), 0), 6)
		}
		if got, want := clippedMean(c.mean, c.deviation), sum/n; math.Abs(got-want) > 0.03 || math.IsNaN(got) {
			t.Errorf("mean %v, deviation %v: %v, drawn values have %v", c.mean, c.deviation, got, want)
		}
	}
}

package train

import (
	"math"
	"math/rand/v2"
	"testing"
)

// drawn makes logits whose softmax is the chance by which the class is drawn.
func drawn(seed uint64, n int, sharpness float64) ([][]float64, []int) {
	random := rand.New(rand.NewPCG(seed, 0))
	logits := make([][]float64, n)
	class := make([]int, n)
	for i := range n {
		z := []float64{2 * random.NormFloat64(), 2 * random.NormFloat64()}
		p := []float64{z[0], z[1]}
		softmaxInPlace(p)
		if random.Float64() > p[0] {
			class[i] = 1
		}
		logits[i] = []float64{sharpness * z[0], sharpness * z[1]}
	}
	return logits, class
}

func TestTemperatureUndoesOverconfidence(t *testing.T) {
	t.Parallel()
	for _, sharpness := range []float64{0.5, 1, 3} {
		logits, class := drawn(1, 4000, sharpness)
		if got := Temperature(logits, class, 2); math.Abs(got/sharpness-1) > 0.1 {
			t.Errorf("logits %v times too sharp: temperature %v", sharpness, got)
		}
	}
}

func TestThresholdIsTheLowestThatReachesItsTarget(t *testing.T) {
	t.Parallel()
	p := func(v float64) []float64 { return []float64{v, 1 - v} }
	probabilities := [][]float64{p(0.99), p(0.9), p(0.8), p(0.7), p(0.66), p(0.62), p(0.2), p(0.55)}
	class := []int{0, 0, 0, 1, 0, 1, 1, 0}
	got := Thresholds(probabilities, class, []float64{0.75, 0.9})
	// 5 calls down to 0.66 hold 4 right ones; with the sixth 4 of 6.
	if want := (Threshold{Value: 0.64, Target: 0.75, Precision: 0.8, Calls: 5, Reached: true}); math.Abs(got[0].Value-want.Value) > 1e-12 ||
		got[0].Precision != want.Precision || got[0].Calls != 5 || !got[0].Reached {
		t.Errorf("class 0: %+v, want %+v", got[0], want)
	}
	if got[1].Value != thresholdLeast || got[1].Precision != 1 || !got[1].Reached {
		t.Errorf("class 1, always right: %+v, want the least", got[1])
	}
}

func TestThresholdThatCannotReachItsTargetSaysSo(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2, 2))
	var probabilities [][]float64
	var class []int
	for range 100 {
		v := 0.5 + random.Float64()/2
		probabilities = append(probabilities, []float64{v, 1 - v})
		class = append(class, random.IntN(2))
	}
	got := Thresholds(probabilities, class, []float64{0.99, 0.99})
	if got[0].Reached || got[0].Calls < callsLeast || got[0].Value > thresholdMost {
		t.Errorf("coin: %+v", got[0])
	}
	if got[1].Reached || got[1].Calls != 0 {
		t.Errorf("class that is never called: %+v", got[1])
	}
}

func TestReferencesAreSharedByClassesAndGroups(t *testing.T) {
	t.Parallel()
	var class, group []int
	for i := range 1000 { // one class of one large group and many small ones
		class = append(class, 0)
		group = append(group, max(0, i-900))
	}
	for i := range 30 {
		class = append(class, 1)
		group = append(group, 200+i)
	}
	picked := PickReferences(class, group, 2, 160)
	perClass, perGroup := map[int]int{}, map[int]int{}
	for _, i := range picked {
		perClass[class[i]]++
		perGroup[group[i]]++
	}
	if len(picked) != 160 || perClass[1] != 30 || perGroup[0] > 40 {
		t.Errorf("%d references, %d of the small class, %d of the large group", len(picked), perClass[1], perGroup[0])
	}
	if all := PickReferences(class[:5], group[:5], 2, 160); len(all) != 5 {
		t.Errorf("of five pictures %d are references", len(all))
	}
}

func TestNoveltyNeverMeasuresAgainstTheOwnGroup(t *testing.T) {
	t.Parallel()
	// Group 0 points its own way: against itself it would look familiar.
	embeddings := [][]float32{{1, 0}, {1, 0}, {0, 1}, {0, 1}, {0, 2}}
	group := []int{0, 0, 1, 2, 3}
	got := HeldOutNovelty(embeddings, group, []int{0, 1, 2, 3, 4}, 2)
	for i, want := range []float64{1, 1, 0, 0, 0} {
		if math.Abs(got[i]-want) > 1e-9 {
			t.Errorf("novelty = %v, want %v at %d", got, want, i)
		}
	}
	if alone := HeldOutNovelty(embeddings[:2], group[:2], []int{0, 1}, 1); !math.IsInf(alone[0], 1) {
		t.Errorf("without another group: %v", alone)
	}
}

func TestNoveltyThresholdIsTheConformalQuantile(t *testing.T) {
	t.Parallel()
	var scores []float64
	for i := range 99 {
		scores = append(scores, float64(99-i))
	}
	if got := NoveltyThreshold(scores); got != 95 {
		t.Errorf("of 1..99: %v, want the 95th of (99+1)*0.95", got)
	}
	if got := NoveltyThreshold([]float64{3, math.Inf(1), 1}); got != 3 {
		t.Errorf("of few: %v, want the largest", got)
	}
	if got := NoveltyThreshold(nil); got != 2 {
		t.Errorf("of none: %v, want 2: nothing is novel", got)
	}
}

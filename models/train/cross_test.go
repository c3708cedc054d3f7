package train

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func TestFoldsKeepGroupsWholeAndClassesEven(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	var class, group []int
	for g := range 40 {
		for range 1 + random.IntN(9) {
			group = append(group, g)
			class = append(class, g%3)
		}
	}
	fold, err := Folds(class, group, 3, 5, 7)
	if err != nil {
		t.Fatal(err)
	}
	of := map[int]int{}
	counts := make([][3]int, 5)
	var totals [3]int
	for i, g := range group {
		if f, ok := of[g]; ok && f != fold[i] {
			t.Fatalf("group %d lies in folds %d and %d", g, f, fold[i])
		}
		of[g] = fold[i]
		counts[fold[i]][class[i]]++
		totals[class[i]]++
	}
	for f, c := range counts {
		for k, n := range c {
			if share := float64(n) / float64(totals[k]); share < 0.1 || share > 0.32 {
				t.Errorf("fold %d holds %.0f %% of class %d", f, 100*share, k)
			}
		}
	}
	again, _ := Folds(class, group, 3, 5, 7)
	if !slices.Equal(fold, again) {
		t.Error("the same seed dealt other folds")
	}
}

func TestFoldsNeverHoldOutAWholeClass(t *testing.T) {
	t.Parallel()
	// Two large groups hold all of class 1.
	class := []int{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1}
	group := []int{0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 7, 7}
	for seed := range uint64(20) {
		fold, err := Folds(class, group, 2, 3, seed)
		if err != nil || fold[6] == fold[11] {
			t.Errorf("seed %d: folds %v, %v", seed, fold, err)
		}
	}
	if _, err := Folds([]int{0, 0, 1, 1}, []int{0, 1, 2, 2}, 2, 2, 0); err == nil {
		t.Error("a class of one group was dealt")
	}
	if _, err := Folds([]int{0, 1}, []int{0, 1}, 2, 5, 0); err == nil {
		t.Error("two groups were dealt onto five folds")
	}
}

// cloudy makes pictures of several groups and views around class centres.
func cloudy(seed uint64, apart float64) Features {
	random := rand.New(rand.NewPCG(seed, 0))
	f := Features{Classes: 2}
	for g := range 30 {
		shift := random.NormFloat64()
		for range 3 {
			var views [][]float32
			for range 2 {
				row := make([]float32, 8)
				for j := range row {
					row[j] = float32(random.NormFloat64())
				}
				row[0] += float32(apart * float64(g%2))
				row[1] = float32(shift)
				views = append(views, row)
			}
			f.Class = append(f.Class, g%2)
			f.Group = append(f.Group, g)
			f.Views = append(f.Views, views)
		}
	}
	return f
}

// A picture's own label must not reach its held-out logits, by any way: not by
// its group, its views, the scaler or the choice of weights.
func TestHeldOutLogitsDoNotKnowTheirOwnFold(t *testing.T) {
	t.Parallel()
	f := cloudy(2, 2)
	fold, err := Folds(f.Class, f.Group, 2, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	honest, err := CrossValidate(context.Background(), f, fold, []float64{0.1}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	flipped := f
	flipped.Class = slices.Clone(f.Class)
	flipped.Views = slices.Clone(f.Views)
	for i := range f.Class {
		if fold[i] == 3 {
			flipped.Class[i] = 1 - f.Class[i]
		}
	}
	other, err := CrossValidate(context.Background(), flipped, fold, []float64{0.1}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Class {
		same := reflect.DeepEqual(honest.Views[i], other.Views[i])
		if fold[i] == 3 && !same {
			t.Fatalf("picture %d: its logits changed with the labels of its own fold", i)
		}
		if fold[i] != 3 && same {
			t.Fatalf("picture %d: its logits did not change with the training labels", i)
		}
	}
}

func TestCrossValidationOfNoiseIsAsGoodAsACoin(t *testing.T) {
	t.Parallel()
	f := cloudy(3, 0)
	fold, err := Folds(f.Class, f.Group, 2, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	c, err := CrossValidate(context.Background(), f, fold, Penalties(), func() { steps++ })
	if err != nil {
		t.Fatal(err)
	}
	if c.Accurate < 0.25 || c.Accurate > 0.75 {
		t.Errorf("balanced accuracy of noise = %.2f", c.Accurate)
	}
	if steps != 5*len(Penalties()) || len(c.LogLoss) != len(Penalties()) {
		t.Errorf("%d steps, %d losses", steps, len(c.LogLoss))
	}
}

func TestCopiesOfAViewDoNotChangeTheMeaningOfC(t *testing.T) {
	t.Parallel()
	f := cloudy(4, 1)
	_, twice, err := FitAll(context.Background(), f, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range f.Views {
		f.Views[i] = [][]float32{v[0], v[1], v[0], v[1]}
	}
	_, four, err := FitAll(context.Background(), f, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range twice.Weights {
		if math.Abs(w-four.Weights[i]) > 1e-4 {
			t.Fatalf("weight %d: %v with two views, %v with the same two twice", i, w, four.Weights[i])
		}
	}
}

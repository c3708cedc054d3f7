package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gourdian/models"
	"gourdian/models/dataset"
	"gourdian/models/embed"
)

// synthetic makes n groups of three pictures of each class. Classes differ in
// their embeddings by apart, in their colours by colours.
func synthetic(t *testing.T, classes []string, n int, apart, colours float64) (models.Task, []embed.Picture) {
	t.Helper()
	task, err := models.TaskFor(models.TaskCustom, classes)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(11, 12))
	row := func(width, class int, apart float64) []float32 {
		out := make([]float32, width)
		for j := range out {
			out[j] = float32(1 + 0.3*random.NormFloat64())
		}
		out[class] += float32(apart)
		return out
	}
	var pictures []embed.Picture
	for g := range n {
		for k, class := range classes {
			for i := range 3 {
				p := embed.Picture{
					Entry:  dataset.Entry{File: fmt.Sprintf("%s/%d-%d.jpg", class, g, i), Class: class, Group: fmt.Sprintf("%s-%d", class, g)},
					SHA256: [32]byte{byte(k), byte(g), byte(i)},
					Colour: row(8, k, colours),
					Hash:   random.Uint64(),
				}
				for range 4 {
					p.Views = append(p.Views, row(24, k, apart))
				}
				pictures = append(pictures, p)
			}
		}
	}
	return task, pictures
}

func quietly() Options {
	return Options{Seed: 5, Variants: []string{"fp32"}, Begin: func(int) func() { return func() {} }}
}

func learn(t *testing.T, task models.Task, pictures []embed.Picture) *Learned {
	t.Helper()
	l, err := Learn(context.Background(), task, pictures, quietly())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLearnTellsClassesApartAndSaysSo(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"melon", "pumpkin"}, 30, 3, 0)
	l := learn(t, task, pictures)
	r := l.Report
	if *r.Figures.BalancedAccuracy < 0.95 || r.Baseline.BalancedAccuracy > 0.7 || !r.Baseline.Earned {
		t.Errorf("balanced accuracy %v, by colour %v, earned %v", *r.Figures.BalancedAccuracy, r.Baseline.BalancedAccuracy, r.Baseline.Earned)
	}
	if r.Data.Groups != 60 || r.Data.Given != 60 || r.Data.Classes["pumpkin"] != 90 {
		t.Errorf("data = %+v", r.Data)
	}
	if share := r.Deciding.Unlike; share < 0.005 || share > 0.12 {
		t.Errorf("%.3f of unseen, ordinary pictures are called unlike, want about 0.05", share)
	}
	if err := l.Variants[0].Params.Validate(); err != nil {
		t.Error(err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

func TestLearnTwiceGivesTheSameToTheLastBit(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"a", "b", "c"}, 12, 1, 0.5)
	first, second := learn(t, task, pictures), learn(t, task, pictures)
	if !reflect.DeepEqual(first, second) {
		t.Error("two trainings with one seed differ")
	}
}

func TestLearnOfShuffledLabelsIsNoBetterThanChance(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"a", "b"}, 30, 3, 3)
	random := rand.New(rand.NewPCG(3, 4))
	label := map[string]string{}
	for i, p := range pictures { // by group: all pictures of one fruit keep one label
		if label[p.Entry.Group] == "" {
			label[p.Entry.Group] = []string{"a", "b"}[random.IntN(2)]
		}
		pictures[i].Entry.Class = label[p.Entry.Group]
	}
	r := learn(t, task, pictures).Report
	if b := *r.Figures.BalancedAccuracy; b > 0.65 {
		t.Errorf("balanced accuracy %.2f on labels that mean nothing", b)
	}
	if r.Baseline.Earned {
		t.Error("learning has earned its place on labels that mean nothing")
	}
}

func TestLearnSaysWhenARuleOfColourDoesAsWell(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"a", "b"}, 25, 0.4, 4)
	r := learn(t, task, pictures).Report
	if r.Baseline.Earned || !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "has not earned its place") }) {
		t.Errorf("model %v, colour %v: warnings %q", *r.Figures.BalancedAccuracy, r.Baseline.BalancedAccuracy, r.Warnings)
	}
}

func TestLearnRefusesWhatCannotBeHeldOut(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"a", "b"}, 10, 1, 0)
	few := slices.DeleteFunc(slices.Clone(pictures), func(p embed.Picture) bool {
		return p.Entry.Class == "b" && !strings.HasPrefix(p.Entry.File, "b/0-")
	})
	one := slices.Clone(pictures)
	for i := range one {
		if one[i].Entry.Class == "b" {
			one[i].Entry.Group = "the only one"
		}
	}
	for want, data := range map[string][]embed.Picture{`class "b" has 3 usable pictures`: few, `class "b" belong to one group`: one} {
		if _, err := Learn(context.Background(), task, data, quietly()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestLearnWarnsOfNearDuplicatesAcrossFolds(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"a", "b"}, 15, 2, 0)
	for g := range 10 { // the same fruit under ten numbers
		pictures[6*g].Hash, pictures[6*g].Views[0] = 42, pictures[0].Views[0]
	}
	r := learn(t, task, pictures).Report
	if len(r.Data.Suspects) != 45 || !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "near-duplicates") }) {
		t.Errorf("%d suspects, warnings %q", len(r.Data.Suspects), r.Warnings)
	}
}

func TestLearnEndsWhenCancelled(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"a", "b"}, 10, 1, 0)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Learn(ctx, task, pictures, quietly()); err == nil {
		t.Error("a cancelled training gave no error")
	}
}

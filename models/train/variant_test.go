package train

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"

	"gourdian/internal/wire"
	"gourdian/models/embed"
)

// twice gives pictures the embeddings of a second network: those of the first
// with noise, and every value times scale.
func twice(pictures []embed.Picture, noise, scale float64) []embed.Picture {
	random := rand.New(rand.NewPCG(21, 22))
	out := make([]embed.Picture, len(pictures))
	for i, p := range pictures {
		views := make([][]float32, len(p.Views))
		for v, row := range p.Views {
			views[v] = make([]float32, len(row))
			for j, x := range row {
				views[v][j] = float32(scale * (float64(x) + noise*random.NormFloat64()))
			}
		}
		out[i], out[i].Others = p, [][][]float32{views}
	}
	return out
}

func forms2() Options {
	o := quietly()
	o.Variants = []string{"fp32", "int8"}
	return o
}

func TestEachVariantHasNumbersOfItsOwn(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"a", "b", "c"}, 12, 1.2, 0)
	begun, parts := 0, 0
	o := forms2()
	o.Begin = func(n int) func() {
		begun = n
		return func() { parts++ }
	}
	l, err := Learn(context.Background(), task, twice(pictures, 0.05, 3), o)
	if err != nil {
		t.Fatal(err)
	}
	if begun != parts {
		t.Errorf("%d parts were announced and %d done", begun, parts)
	}
	if len(l.Variants) != 2 || l.Variants[0].Name != "fp32" || l.Variants[1].Name != "int8" {
		t.Fatalf("variants %+v", l.Variants)
	}
	first, second := l.Variants[0], l.Variants[1]
	if reflect.DeepEqual(first.Scaler, second.Scaler) || reflect.DeepEqual(first.Head, second.Head) || reflect.DeepEqual(first.Params.References, second.Params.References) {
		t.Error("the second variant shares numbers with the first")
	}
	if ratio := second.Scaler.Mean[0] / first.Scaler.Mean[0]; ratio < 2.8 || ratio > 3.2 {
		t.Errorf("the second scaler's mean is %v times the first one's, though all values are 3 times as large", ratio)
	}
	r := l.Report.Variants
	if len(r) != 2 || r[0].Equal != 1 || len(r[0].Flips) != 0 || *r[0].BalancedAccuracy != *l.Report.Figures.BalancedAccuracy {
		t.Errorf("the first variant beside itself: %+v", r[0])
	}
	if r[1].Equal < 0.8 || r[1].Equal > 1 {
		t.Errorf("%.3f of the verdicts are equal", r[1].Equal)
	}
	// The first head is the one that training without a second form gives.
	alone := learn(t, task, pictures)
	if !reflect.DeepEqual(alone.Variants[0], first) {
		t.Error("a second variant changed the first")
	}
	if alone.Report.Variants != nil {
		t.Error("one variant was compared with nothing")
	}
}

func TestFlipsAddUpToTheVerdictsThatDiffer(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"a", "b"}, 20, 1, 0)
	l, err := Learn(context.Background(), task, twice(pictures, 0.5, 1), forms2())
	if err != nil {
		t.Fatal(err)
	}
	v := l.Report.Variants[1]
	flips := 0
	for from, row := range v.Flips {
		for to, n := range row {
			if from == to || n < 1 {
				t.Errorf("%d flips from %s to %s", n, from, to)
			}
			for _, word := range []string{from, to} {
				if word != "a" && word != "b" && word != string(wire.Unsure) {
					t.Errorf("a flip of %q", word)
				}
			}
			flips += n
		}
	}
	if flips == 0 || flips != int((1-v.Equal)*float64(len(pictures))+0.5) {
		t.Errorf("%d flips, but %.3f of %d verdicts are equal", flips, v.Equal, len(pictures))
	}
}

func TestVariantWithoutInformationIsSeenInItsFigures(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"a", "b"}, 20, 3, 0)
	l, err := Learn(context.Background(), task, twice(pictures, 50, 1), forms2())
	if err != nil {
		t.Fatal(err)
	}
	if r := l.Report.Variants; *r[0].BalancedAccuracy < 0.95 || *r[1].BalancedAccuracy > 0.7 || r[1].Equal > 0.7 {
		t.Errorf("fp32 %v, noise %v, equal %v", *r[0].BalancedAccuracy, *r[1].BalancedAccuracy, r[1].Equal)
	}
	warned := false
	for _, w := range l.Report.Warnings {
		warned = warned || len(w) > 12 && w[:12] == "variant int8"
	}
	if !warned {
		t.Errorf("no warning of it among %q", l.Report.Warnings)
	}
}

package train

import (
	"math"
	"testing"

	"gourdian/models/evaluate"
)

func point(n int, accuracy float64) LearningPoint {
	return LearningPoint{n, evaluate.Interval{Value: accuracy, Low: accuracy, High: accuracy}}
}

func TestDoubledContinuesAPowerLaw(t *testing.T) {
	t.Parallel()
	var points []LearningPoint
	for _, n := range []int{100, 200, 300, 400} {
		points = append(points, point(n, 1-0.9*math.Pow(float64(n), -0.3)))
	}
	if got := doubled(points); got == nil || math.Abs(*got-(1-0.9*math.Pow(800, -0.3))) > 1e-9 {
		t.Fatalf("doubled %v", got)
	}
}

func TestNothingIsPromisedWhereTheCurveFallsOrIsPerfectOrShort(t *testing.T) {
	t.Parallel()
	for name, points := range map[string][]LearningPoint{
		"falls":   {point(100, .9), point(200, .8), point(400, .7)},
		"perfect": {point(100, .9), point(200, 1), point(400, 1)},
		"short":   {point(100, .8), point(200, .9)},
		"level":   {point(100, .8), point(200, .8), point(400, .8)},
	} {
		if got := doubled(points); got != nil {
			t.Errorf("%s: promises %v", name, *got)
		}
	}
}

func TestLearningCurveEndsAtTheCrossValidatedFigureAndChangesNoModel(t *testing.T) {
	t.Parallel()
	task, pictures := synthetic(t, []string{"melon", "pumpkin"}, 24, 0.5, 0)
	plain := learn(t, task, pictures)
	o := quietly()
	o.Curve = true
	parts, done := 0, 0
	o.Begin = func(n int) func() { parts = n; return func() { done++ } }
	l, err := Learn(t.Context(), task, pictures, o)
	if err != nil {
		t.Fatal(err)
	}
	if parts != done {
		t.Errorf("%d of %d parts were reported", done, parts)
	}
	p := l.Report.Learning.Points
	if len(p) != 4 || p[3].BalancedAccuracy.Value != *l.Report.Figures.BalancedAccuracy {
		t.Fatalf("points %+v", p)
	}
	for i := range p[1:] {
		if p[i].Images >= p[i+1].Images {
			t.Errorf("point %d has %d pictures, the next one %d", i, p[i].Images, p[i+1].Images)
		}
	}
	if plain.Report.Learning != nil || plain.Report.C != l.Report.C || plain.Variants[0].Head.Weights[0] != l.Variants[0].Head.Weights[0] {
		t.Error("measuring the curve changed the model")
	}
}

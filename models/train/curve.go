package train

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"gourdian/models/evaluate"
)

// LearningPoint is what a head reaches on unseen groups when it has learnt from
// a part of the others only.
type LearningPoint struct {
	Images           int               `json:"images"` // trained on, mean over the folds
	BalancedAccuracy evaluate.Interval `json:"balanced_accuracy"`
}

// LearningReport says whether more labels would help.
type LearningReport struct {
	Points []LearningPoint `json:"points"` // by rising number of images
	// Doubled is the balanced accuracy to expect of twice as many pictures, null
	// where the points don't follow a power law: E = a*n^-b for the error E.
	// Source: C. Cortes et al., Advances in NIPS 6 (1993), 327-334.
	Doubled *float64 `json:"doubled"`
}

// shares of the training groups that the smaller points are made of.
func shares() []float64 { return []float64{0.25, 0.5, 0.75} }

// curve measures the learning curve on the folds of the cross-validation, at
// the C that it chose. Groups stay whole, and each smaller part lies within
// the larger ones.
func (l *learner) curve(ctx context.Context) error {
	order := map[int]float64{}
	random := rand.New(rand.NewPCG(l.o.Seed, 0x6c6561726e))
	groups := slices.Clone(l.features.Group)
	slices.Sort(groups)
	for _, g := range slices.Compact(groups) {
		order[g] = random.Float64()
	}
	var r LearningReport
	for _, share := range shares() {
		kept, logits, err := l.learnFrom(ctx, func(group int) bool { return order[group] < share })
		if err != nil {
			return err
		}
		if logits != nil {
			r.Points = append(r.Points, l.point(kept, logits))
		}
	}
	r.Points = append(r.Points, l.point(len(l.pictures)*(l.folds-1)/l.folds, l.crossed.Logits))
	r.Doubled = doubled(r.Points)
	l.out.Report.Learning = &r
	return nil
}

// learnFrom cross-validates with the training groups that keep chooses. logits
// is nil where they lack a class in some fold.
func (l *learner) learnFrom(ctx context.Context, keep func(group int) bool) (images int, logits [][]float64, err error) {
	f := l.features
	logits = make([][]float64, len(f.Class))
	x := make([]float64, f.In())
	for held := range l.folds {
		var chosen []int
		seen := make([]bool, f.Classes)
		for i := range f.Class {
			if l.fold[i] != held && keep(f.Group[i]) {
				chosen = append(chosen, i)
				seen[f.Class[i]] = true
			}
		}
		l.step()
		if slices.Contains(seen, false) {
			return 0, nil, nil
		}
		scaler, problem := prepare(f, chosen)
		head, err := Fit(ctx, problem, l.crossed.C, Softmax{})
		if err != nil {
			return 0, nil, err
		}
		for i := range f.Class {
			if l.fold[i] == held {
				scaler.Apply(x, f.Views[i][0])
				logits[i] = head.Logits(x)
			}
		}
		images += len(chosen)
	}
	return images / l.folds, logits, nil
}

func (l *learner) point(images int, logits [][]float64) LearningPoint {
	samples := make([]evaluate.Sample, len(logits))
	for i, z := range logits {
		samples[i] = evaluate.Sample{Group: l.features.Group[i], Truth: l.features.Class[i], Top: argmax(z)}
	}
	return LearningPoint{Images: images, BalancedAccuracy: evaluate.Balanced(l.classes, samples, evaluate.Options{Grouped: true, Seed: l.o.Seed})}
}

// doubled continues the curve to twice its last number of pictures by a line
// through the logarithms of images and error (least squares).
func doubled(points []LearningPoint) *float64 {
	if len(points) < 3 {
		return nil
	}
	var n, sx, sy, sxx, sxy float64
	for _, p := range points {
		e := 1 - p.BalancedAccuracy.Value
		if e <= 0 || p.Images < 1 {
			return nil
		}
		x, y := math.Log(float64(p.Images)), math.Log(e)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	if math.IsNaN(slope) || slope > -1e-9 {
		return nil
	}
	last := points[len(points)-1]
	return evaluate.Number(1 - math.Exp((sy-slope*sx)/n)*math.Pow(2*float64(last.Images), slope))
}

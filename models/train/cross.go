package train

import (
	"context"
	"math"
)

// Features are the pictures as the trainer sees them.
type Features struct {
	Classes int
	Class   []int         // of each picture
	Group   []int         // of each picture, from 0 without gaps
	Views   [][][]float32 // of each picture: its views; the first is the untouched picture
}

// In is the number of values of one view.
func (f Features) In() int { return len(f.Views[0][0]) }

// Penalties is the grid that C is chosen from, smallest (strongest penalty) first.
func Penalties() []float64 { return []float64{0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3} }

// Crossed is the result of a cross-validation: what each picture's logits were
// when neither it nor its group was trained on.
type Crossed struct {
	C        float64
	Fold     []int         // of each picture
	LogLoss  []float64     // of each C of the grid, classes weighed alike
	Logits   [][]float64   // of the first view of each picture, at C
	Views    [][][]float64 // logits of all views of each picture, at C
	Accurate float64       // balanced accuracy of Logits
}

// CrossValidate trains on all folds but one, for each fold and each C, and
// keeps the C of the least out-of-fold log loss. Features are standardised
// with the training folds' own mean and deviation. A picture's views share its
// weight, so C means the same with any number of views. step is called once
// for each fold and C.
func CrossValidate(ctx context.Context, f Features, fold []int, grid []float64, step func()) (Crossed, error) {
	folds := 0
	for _, n := range fold {
		folds = max(folds, n+1)
	}
	logits := make([][][][]float64, len(grid)) // C, picture, view, class
	for c := range logits {
		logits[c] = make([][][]float64, len(f.Class))
	}
	for held := range folds {
		if err := crossFold(ctx, f, fold, held, grid, logits, step); err != nil {
			return Crossed{}, err
		}
	}
	out := Crossed{Fold: fold}
	best := math.Inf(1)
	for c := range grid {
		first := firstViews(logits[c])
		l := LogLoss(first, f.Class, f.Classes, 1)
		out.LogLoss = append(out.LogLoss, l)
		if l < best {
			best = l
			out.C, out.Logits, out.Views = grid[c], first, logits[c]
		}
	}
	out.Accurate = balancedAccuracy(out.Logits, f.Class, f.Classes)
	return out, nil
}

// crossFold fits every C without one fold and notes the logits of that fold.
func crossFold(ctx context.Context, f Features, fold []int, held int, grid []float64, logits [][][][]float64, step func()) error {
	var kept []int
	for i := range f.Class {
		if fold[i] != held {
			kept = append(kept, i)
		}
	}
	scaler, problem := prepare(f, kept)
	var s Softmax
	var err error
	x := make([]float64, f.In())
	for c, penalty := range grid {
		if s, err = Fit(ctx, problem, penalty, s); err != nil {
			return err
		}
		for i := range f.Class {
			if fold[i] != held {
				continue
			}
			for _, view := range f.Views[i] {
				scaler.Apply(x, view)
				logits[c][i] = append(logits[c][i], s.Logits(x))
			}
		}
		step()
	}
	return nil
}

// prepare standardises the views of the chosen pictures and lays them out.
func prepare(f Features, pictures []int) (Scaler, Problem) {
	var rows [][]float32
	class := make([]int, 0, len(pictures))
	for _, i := range pictures {
		rows = append(rows, f.Views[i]...)
		class = append(class, f.Class[i])
	}
	scaler := FitScaler(rows)
	weights := BalancedWeights(class, f.Classes)
	p := Problem{In: f.In(), Out: f.Classes, X: make([]float64, len(rows)*f.In())}
	for r, row := range rows {
		scaler.Apply(p.X[r*p.In:(r+1)*p.In], row)
	}
	for n, i := range pictures {
		for range f.Views[i] {
			p.Class = append(p.Class, class[n])
			p.Weight = append(p.Weight, weights[n]/float64(len(f.Views[i])))
		}
	}
	return scaler, p
}

// FitAll trains on all pictures.
func FitAll(ctx context.Context, f Features, c float64) (Scaler, Softmax, error) {
	all := make([]int, len(f.Class))
	for i := range all {
		all[i] = i
	}
	scaler, problem := prepare(f, all)
	s, err := Fit(ctx, problem, c, Softmax{})
	return scaler, s, err
}

func firstViews(views [][][]float64) [][]float64 {
	out := make([][]float64, len(views))
	for i, v := range views {
		out[i] = v[0]
	}
	return out
}

// LogLoss is the mean of -log p(true class), every class weighed alike, of
// logits divided by a temperature.
func LogLoss(logits [][]float64, class []int, classes int, temperature float64) float64 {
	weights := BalancedWeights(class, classes)
	sum, total := 0.0, 0.0
	for i, z := range logits {
		p := make([]float64, len(z))
		for k := range z {
			p[k] = z[k] / temperature
		}
		target := p[class[i]]
		sum += weights[i] * (softmaxInPlace(p) - target)
		total += weights[i]
	}
	return sum / total
}

func balancedAccuracy(logits [][]float64, class []int, classes int) float64 {
	weights := BalancedWeights(class, classes)
	right, total := 0.0, 0.0
	for i, z := range logits {
		if argmax(z) == class[i] {
			right += weights[i]
		}
		total += weights[i]
	}
	return right / total
}

// argmax is the place of the largest value, the first among equals.
func argmax(z []float64) int {
	best := 0
	for k, v := range z {
		if v > z[best] {
			best = k
		}
	}
	return best
}

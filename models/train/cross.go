package train

import (
	"context"
	"math"
	"slices"
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
// keeps the strongest penalty whose out-of-fold log loss is, within one
// standard error, as good as the best: a model for fields that nobody has seen
// yet should not lean on the last bit of fit, and the choice itself then
// flatters the figures least. Features are standardised
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
	for c := range grid {
		out.LogLoss = append(out.LogLoss, LogLoss(firstViews(logits[c]), f.Class, f.Classes, 1))
	}
	chosen := strongest(f, logits, out.LogLoss)
	out.C, out.Logits, out.Views = grid[chosen], firstViews(logits[chosen]), logits[chosen]
	out.Accurate = balancedAccuracy(out.Logits, f.Class, f.Classes)
	return out, nil
}

// strongest is the place of the first C whose loss exceeds the least one by no
// more than the standard error of that difference, taken over groups.
func strongest(f Features, logits [][][][]float64, losses []float64) int {
	best := argmin(losses)
	weights := BalancedWeights(f.Class, f.Classes)
	for c := range best {
		var difference []float64 // of each group
		for i, g := range f.Group {
			for len(difference) <= g {
				difference = append(difference, 0)
			}
			difference[g] += weights[i] * (lossOf(logits[c][i][0], f.Class[i]) - lossOf(logits[best][i][0], f.Class[i]))
		}
		sum, squares, n := 0.0, 0.0, float64(len(difference))
		for _, d := range difference {
			sum += d
		}
		for _, d := range difference {
			squares += (d - sum/n) * (d - sum/n)
		}
		if n > 1 && sum <= math.Sqrt(squares*n/(n-1)) {
			return c
		}
	}
	return best
}

// lossOf is -log p(class).
func lossOf(logits []float64, class int) float64 {
	p := slices.Clone(logits)
	return softmaxInPlace(p) - logits[class]
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

// argmin is the place of the smallest value, the first among equals.
func argmin(z []float64) int {
	best := 0
	for k, v := range z {
		if v < z[best] {
			best = k
		}
	}
	return best
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

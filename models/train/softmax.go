package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

// Softmax is a multinomial logistic regression: logits = Weights x + Bias.
type Softmax struct {
	In, Out int
	Weights []float64 // Out rows of In values
	Bias    []float64 // Out values
}

// Logits returns the logits of one row of features.
func (s Softmax) Logits(x []float64) []float64 {
	out := make([]float64, s.Out)
	for k := range out {
		out[k] = floats.Dot(s.Weights[k*s.In:(k+1)*s.In], x) + s.Bias[k]
	}
	return out
}

// Problem is what a Softmax is fitted to.
type Problem struct {
	In, Out int
	X       []float64 // rows of In features
	Class   []int     // of each row, below Out
	Weight  []float64 // of each row, see BalancedWeights
}

const (
	// gradientLimit ends the search: the largest part of the gradient of the
	// objective divided by C * sum of weights. scikit-learn stops at 1e-4.
	gradientLimit = 1e-5
	// iterationLimit is far above what well-scaled features need (tens).
	iterationLimit = 2000
	// chunks is the number of parts that a sum over rows is cut into. It is
	// fixed, so that the order of additions does not depend on the machine.
	chunks = 16
)

// Fit minimises
//
//	0.5 * ||W||^2 + C * sum_i weight_i * logloss_i
//
// over weights W and biases; biases are not penalised. This is the objective
// of scikit-learn's LogisticRegression (multinomial, L2), so its C compares.
// start may hold the solution for a neighbouring C, or be the zero Softmax.
func Fit(ctx context.Context, p Problem, c float64, start Softmax) (Softmax, error) {
	if !(c > 0) || math.IsInf(c, 0) {
		return Softmax{}, fmt.Errorf("fit head: penalty C = %v must be above 0", c)
	}
	theta := make([]float64, p.Out*(p.In+1))
	if start.Out == p.Out && start.In == p.In {
		copy(theta, start.Weights)
		copy(theta[p.Out*p.In:], start.Bias)
	}
	loss := newLoss(p, c)
	result, err := optimize.Minimize(
		optimize.Problem{
			Func: func(x []float64) float64 { return loss.at(x) },
			Grad: func(grad, x []float64) { loss.at(x); copy(grad, loss.grad) },
			Status: func() (optimize.Status, error) {
				if err := ctx.Err(); err != nil {
					return optimize.Failure, err
				}
				return optimize.NotTerminated, nil
			},
		},
		theta,
		&optimize.Settings{
			GradientThreshold: gradientLimit,
			MajorIterations:   iterationLimit,
			Converger:         optimize.NeverTerminate{},
		},
		&optimize.LBFGS{},
	)
	if ctx.Err() != nil {
		return Softmax{}, ctx.Err()
	}
	if err != nil && !nearlyDone(result) {
		return Softmax{}, fmt.Errorf("fit head: %w", err)
	}
	if result.Status == optimize.IterationLimit {
		return Softmax{}, errors.New("fit head: no minimum found: are the features standardised?")
	}
	n := p.Out * p.In
	return Softmax{In: p.In, Out: p.Out, Weights: slices.Clone(result.X[:n]), Bias: slices.Clone(result.X[n:])}, nil
}

// nearlyDone says whether a search that ended in an error ended at the minimum
// all the same: where steps become too small to change the loss.
func nearlyDone(r *optimize.Result) bool {
	return r != nil && r.Gradient != nil && floats.Norm(r.Gradient, math.Inf(1)) < 10*gradientLimit
}

// BalancedWeights weighs every class alike: n / (k * n_class) for each of n
// pictures, k being the number of classes that occur, as class_weight =
// "balanced" in scikit-learn.
func BalancedWeights(class []int, classes int) []float64 {
	count := make([]int, classes)
	for _, c := range class {
		count[c]++
	}
	present := 0
	for _, n := range count {
		if n > 0 {
			present++
		}
	}
	out := make([]float64, len(class))
	for i, c := range class {
		out[i] = float64(len(class)) / float64(present*count[c])
	}
	return out
}

// loss is the objective divided by C * sum of weights, which keeps its
// gradient of one size for all C. It remembers the last point, because the
// search asks for value and gradient one after the other.
type loss struct {
	p       Problem
	penalty float64 // 1 / (C * total)
	total   float64

	theta []float64
	value float64
	grad  []float64
	parts [chunks]part
}

// part is one chunk's share of the sum.
type part struct {
	value float64
	grad  []float64
	prob  []float64
}

func newLoss(p Problem, c float64) *loss {
	l := &loss{p: p, total: floats.Sum(p.Weight)}
	l.penalty = 1 / (c * l.total)
	l.grad = make([]float64, p.Out*(p.In+1))
	for i := range l.parts {
		l.parts[i] = part{grad: make([]float64, len(l.grad)), prob: make([]float64, p.Out)}
	}
	return l
}

// at computes value and gradient at theta and returns the value.
func (l *loss) at(theta []float64) float64 {
	if slices.Equal(theta, l.theta) {
		return l.value
	}
	l.theta = append(l.theta[:0], theta...)
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), chunks)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < chunks; i += workers {
				l.sum(i)
			}
		})
	}
	wg.Wait()
	n := l.p.Out * l.p.In
	weights := l.theta[:n]
	l.value = 0.5 * l.penalty * floats.Dot(weights, weights)
	floats.ScaleTo(l.grad[:n], l.penalty, weights)
	clear(l.grad[n:])
	for i := range l.parts {
		l.value += l.parts[i].value / l.total
		floats.AddScaled(l.grad, 1/l.total, l.parts[i].grad)
	}
	return l.value
}

// sum adds up the rows of one chunk.
func (l *loss) sum(chunk int) {
	in, out := l.p.In, l.p.Out
	rows := len(l.p.Class)
	part := &l.parts[chunk]
	part.value = 0
	clear(part.grad)
	bias := l.theta[out*in:]
	for i := chunk * rows / chunks; i < (chunk+1)*rows/chunks; i++ {
		x := l.p.X[i*in : (i+1)*in]
		for k := range out {
			part.prob[k] = floats.Dot(l.theta[k*in:(k+1)*in], x) + bias[k]
		}
		target := part.prob[l.p.Class[i]]
		lse := softmaxInPlace(part.prob)
		part.value += l.p.Weight[i] * (lse - target)
		for k := range out {
			residual := part.prob[k]
			if k == l.p.Class[i] {
				residual--
			}
			residual *= l.p.Weight[i]
			floats.AddScaled(part.grad[k*in:(k+1)*in], residual, x)
			part.grad[out*in+k] += residual
		}
	}
}

// softmaxInPlace turns logits into probabilities and returns the logarithm of
// the sum of their exponentials.
func softmaxInPlace(z []float64) float64 {
	top := slices.Max(z)
	sum := 0.0
	for k, v := range z {
		z[k] = math.Exp(v - top)
		sum += z[k]
	}
	for k := range z {
		z[k] /= sum
	}
	return top + math.Log(sum)
}

package train

import (
	"cmp"
	"math"
	"slices"
)

// Limits of the temperature: outside of them a head is broken, not overconfident.
const (
	temperatureLeast = 0.05
	temperatureMost  = 20
)

// Temperature returns the number that logits are divided by so that their
// probabilities are honest: the one of the least log loss, classes weighed
// alike. The logits must come from pictures that the head was not trained on.
// Source: Guo et al., "On Calibration of Modern Neural Networks", 2017.
func Temperature(logits [][]float64, class []int, classes int) float64 {
	// Golden section on log T; the loss has one minimum in 1/T.
	const ratio = 0.6180339887498949
	lo, hi := math.Log(temperatureLeast), math.Log(temperatureMost)
	at := func(x float64) float64 { return LogLoss(logits, class, classes, math.Exp(x)) }
	a, b := hi-ratio*(hi-lo), lo+ratio*(hi-lo)
	fa, fb := at(a), at(b)
	for hi-lo > 1e-4 {
		if fa < fb {
			hi, b, fb = b, a, fa
			a = hi - ratio*(hi-lo)
			fa = at(a)
		} else {
			lo, a, fa = a, b, fb
			b = lo + ratio*(hi-lo)
			fb = at(b)
		}
	}
	return math.Exp((lo + hi) / 2)
}

// Probabilities are the softmax of logits divided by the temperature.
func Probabilities(logits [][]float64, temperature float64) [][]float64 {
	out := make([][]float64, len(logits))
	for i, z := range logits {
		out[i] = make([]float64, len(z))
		for k := range z {
			out[i][k] = z[k] / temperature
		}
		softmaxInPlace(out[i])
	}
	return out
}

// Threshold is the least calibrated probability at which a class is called.
type Threshold struct {
	Value     float64 `json:"value"`
	Target    float64 `json:"target"`    // precision asked for
	Precision float64 `json:"precision"` // out-of-fold precision of the calls that stay
	Calls     int     `json:"calls"`     // pictures called so
	Reached   bool    `json:"reached"`   // whether Precision is at least Target
}

const (
	// thresholdLeast keeps what is nearly a toss-up from being called a
	// verdict, however well such calls did.
	thresholdLeast = 0.6
	// thresholdMost keeps a class callable whatever its precision was.
	thresholdMost = 0.99
	// callsLeast is the number of calls below which a precision says nothing.
	callsLeast = 10
)

// Thresholds returns for each class the lowest threshold, from 0.6, whose calls
// reach the target precision. Where none does, it is the one of the best precision among
// those that leave at least ten calls, and Reached is false. Precision is that
// of the data's own mix of classes.
func Thresholds(probabilities [][]float64, class []int, targets []float64) []Threshold {
	out := make([]Threshold, len(targets))
	for k, target := range targets {
		out[k] = threshold(probabilities, class, k, target)
	}
	return out
}

func threshold(probabilities [][]float64, class []int, k int, target float64) Threshold {
	type call struct {
		p     float64
		right bool
	}
	var calls []call
	for i, p := range probabilities {
		if argmax(p) == k && p[k] >= thresholdLeast {
			calls = append(calls, call{p[k], class[i] == k})
		}
	}
	slices.SortFunc(calls, func(a, b call) int { return cmp.Compare(b.p, a.p) })
	best := Threshold{Value: thresholdLeast, Target: target}
	lowest := best
	right := 0
	for i, c := range calls {
		if c.right {
			right++
		}
		if i+1 < len(calls) && calls[i+1].p == c.p {
			continue // a threshold cannot part equal probabilities
		}
		now := Threshold{Value: thresholdLeast, Target: target, Precision: float64(right) / float64(i+1), Calls: i + 1}
		if i+1 < len(calls) {
			// Half-way to the next lower one, which is left out.
			now.Value = (c.p + calls[i+1].p) / 2
		}
		if now.Precision >= target {
			now.Reached = true
			lowest = now
		}
		if (now.Calls >= callsLeast || i+1 == len(calls)) && now.Precision >= best.Precision {
			best = now
		}
	}
	if !lowest.Reached {
		lowest = best
	}
	lowest.Value = math.Min(lowest.Value, thresholdMost)
	return lowest
}

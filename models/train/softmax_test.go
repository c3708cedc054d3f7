package train

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// clouds makes n points of each class around its own centre.
func clouds(seed uint64, classes, n, in int, apart float64) ([]float64, []int) {
	random := rand.New(rand.NewPCG(seed, 0))
	var x []float64
	var class []int
	for i := range n * classes {
		for j := range in {
			v := random.NormFloat64()
			if j%classes == i%classes {
				v += apart
			}
			x = append(x, v)
		}
		class = append(class, i%classes)
	}
	return x, class
}

// The minimum of a strictly convex function is where its gradient vanishes:
// W = C * sum_i s_i (y_i - p_i) x_i, and the residuals sum to zero per class.
func TestFitIsTheMinimumOfTheStatedObjective(t *testing.T) {
	t.Parallel()
	const classes, in = 3, 5
	x, class := clouds(1, classes, 40, in, 1)
	weight := BalancedWeights(class, classes)
	for _, c := range []float64{0.001, 0.1, 10} {
		s, err := Fit(context.Background(), Problem{In: in, Out: classes, X: x, Class: class, Weight: weight}, c, Softmax{})
		if err != nil {
			t.Fatal(err)
		}
		gradient := slices.Clone(s.Weights)
		residual := make([]float64, classes)
		for i, y := range class {
			row := x[i*in : (i+1)*in]
			p := s.Logits(row)
			softmaxInPlace(p)
			p[y]--
			for k := range classes {
				residual[k] += weight[i] * p[k]
				for j, v := range row {
					gradient[k*in+j] += c * weight[i] * p[k] * v
				}
			}
		}
		limit := 2 * gradientLimit * float64(len(class))
		for _, g := range gradient {
			if math.Abs(g) > limit*c {
				t.Errorf("C = %v: gradient %v above %v", c, g, limit*c)
			}
		}
		for _, r := range residual {
			if math.Abs(r) > limit {
				t.Errorf("C = %v: residual %v of a bias above %v: biases must not be penalised", c, r, limit)
			}
		}
	}
}

// Figures from scikit-learn 1.9.1 for the same points:
// LogisticRegression(C=0.5, class_weight="balanced", tol=1e-10).fit(X, y).
func TestFitAgreesWithAnIndependentSolver(t *testing.T) {
	t.Parallel()
	x := []float64{0, 0, 1, 0.5, 2, 1, 0.5, 2, 1.5, 2.5, 3, 0, 3.5, 0.5, 2.5, -0.5}
	class := []int{0, 0, 0, 1, 1, 2, 2, 2}
	p := Problem{In: 2, Out: 3, X: x, Class: class, Weight: BalancedWeights(class, 3)}
	s, err := Fit(context.Background(), p, 0.5, Softmax{})
	if err != nil {
		t.Fatal(err)
	}
	weights := []float64{-0.36642, -0.29008, -0.28104, 0.74243, 0.64746, -0.45235}
	for i, w := range weights {
		if math.Abs(s.Weights[i]-w) > 1e-4 {
			t.Errorf("weights = %.5f, want %.5f", s.Weights, weights)
			break
		}
	}
	for k, b := range []float64{1.07281, -0.28402, -0.78879} {
		if math.Abs(s.Bias[k]-b) > 1e-4 {
			t.Errorf("bias %d = %.5f, want %.5f", k, s.Bias[k], b)
		}
	}
}

func TestFitGivesTheSameBytesOnAnyNumberOfProcessors(t *testing.T) {
	x, class := clouds(2, 4, 50, 12, 0.7)
	p := Problem{In: 12, Out: 4, X: x, Class: class, Weight: BalancedWeights(class, 4)}
	fit := func() Softmax {
		s, err := Fit(context.Background(), p, 0.03, Softmax{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := fit()
	runtime.GOMAXPROCS(7)
	seven := fit()
	if !slices.Equal(one.Weights, seven.Weights) || !slices.Equal(one.Bias, seven.Bias) {
		t.Error("weights depend on the number of processors")
	}
}

func TestFitStartsFromANeighbourAndEndsAtTheSamePlace(t *testing.T) {
	t.Parallel()
	x, class := clouds(3, 2, 60, 6, 0.8)
	p := Problem{In: 6, Out: 2, X: x, Class: class, Weight: BalancedWeights(class, 2)}
	weak, err := Fit(context.Background(), p, 0.01, Softmax{})
	if err != nil {
		t.Fatal(err)
	}
	warm, err := Fit(context.Background(), p, 0.1, weak)
	if err != nil {
		t.Fatal(err)
	}
	cold, err := Fit(context.Background(), p, 0.1, Softmax{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range warm.Weights {
		if math.Abs(warm.Weights[i]-cold.Weights[i]) > 1e-3 {
			t.Fatalf("weight %d: %v from a neighbour, %v from zero", i, warm.Weights[i], cold.Weights[i])
		}
	}
}

func TestFitEndsWhenCancelledAndRefusesANonsensePenalty(t *testing.T) {
	t.Parallel()
	x, class := clouds(4, 2, 20, 3, 1)
	p := Problem{In: 3, Out: 2, X: x, Class: class, Weight: BalancedWeights(class, 2)}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Fit(ctx, p, 1, Softmax{}); err == nil {
		t.Error("a cancelled fit gave no error")
	}
	for _, c := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := Fit(context.Background(), p, c, Softmax{}); err == nil {
			t.Errorf("C = %v gave no error", c)
		}
	}
}

func TestBalancedWeightsWeighClassesAlike(t *testing.T) {
	t.Parallel()
	got := BalancedWeights([]int{0, 0, 0, 2}, 3)
	if want := []float64{4.0 / 6, 4.0 / 6, 4.0 / 6, 2}; !slices.Equal(got, want) {
		t.Errorf("weights = %v, want %v", got, want)
	}
}

func TestScalerKeepsAFeatureThatNeverChanges(t *testing.T) {
	t.Parallel()
	s := FitScaler([][]float32{{1, 5}, {3, 5}})
	out := make([]float64, 2)
	s.Apply(out, []float32{3, 6})
	if out[0] != 1 || out[1] != 1 {
		t.Errorf("standardised = %v, want [1 1]", out)
	}
}

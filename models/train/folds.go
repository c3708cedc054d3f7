package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// foldTries is how many orders of groups are tried until every class can be
// trained without any one fold.
const foldTries = 20

// Folds deals whole groups onto folds so that each fold gets about the same
// share of every class, and returns the fold of every picture. Whatever fold
// is held out, the rest holds every class.
//
// Groups that are large or one-sided are dealt first, each to the fold where
// it leaves the shares most even, as in scikit-learn's StratifiedGroupKFold;
// the seed decides among equals.
func Folds(class, group []int, classes, folds int, seed uint64) ([]int, error) {
	counts := groupCounts(class, group, classes)
	if folds < 2 || folds > len(counts) {
		return nil, fmt.Errorf("deal %d groups onto %d folds: want 2 to %d folds", len(counts), folds, len(counts))
	}
	for try := range uint64(foldTries) {
		of := deal(counts, classes, folds, rand.New(rand.NewPCG(seed, try)))
		if !trainable(counts, of, classes, folds) {
			continue
		}
		out := make([]int, len(group))
		for i, g := range group {
			out[i] = of[g]
		}
		return out, nil
	}
	return nil, errors.New("deal groups onto folds: a class lies in too few groups to be held out")
}

// groupCounts counts the pictures of every group by class.
func groupCounts(class, group []int, classes int) [][]int {
	var out [][]int
	for i, g := range group {
		for len(out) <= g {
			out = append(out, make([]int, classes))
		}
		out[g][class[i]]++
	}
	return out
}

func deal(counts [][]int, classes, folds int, random *rand.Rand) []int {
	totals := make([]float64, classes)
	for _, c := range counts {
		for k, n := range c {
			totals[k] += float64(n)
		}
	}
	order := random.Perm(len(counts))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(unevenness(counts[b]), unevenness(counts[a])) })
	held := make([][]float64, folds)
	for f := range held {
		held[f] = make([]float64, classes)
	}
	of := make([]int, len(counts))
	for _, g := range order {
		best, bestSpread := 0, math.Inf(1)
		for f := range folds {
			add(held[f], counts[g], 1)
			if s := spread(held, totals); s < bestSpread-1e-12 {
				best, bestSpread = f, s
			}
			add(held[f], counts[g], -1)
		}
		add(held[best], counts[g], 1)
		of[g] = best
	}
	return of
}

func add(to []float64, counts []int, times float64) {
	for k, n := range counts {
		to[k] += times * float64(n)
	}
}

// unevenness is the deviation of a group's counts over the classes.
func unevenness(counts []int) float64 {
	mean := 0.0
	for _, n := range counts {
		mean += float64(n) / float64(len(counts))
	}
	sum := 0.0
	for _, n := range counts {
		sum += (float64(n) - mean) * (float64(n) - mean)
	}
	return sum
}

// spread is the sum over classes of the variance of their shares in the folds.
func spread(held [][]float64, totals []float64) float64 {
	sum := 0.0
	for k, total := range totals {
		if total == 0 {
			continue
		}
		even := 1 / float64(len(held))
		for f := range held {
			d := held[f][k]/total - even
			sum += d * d
		}
	}
	return sum
}

// trainable says whether every class occurs outside of every fold.
func trainable(counts [][]int, of []int, classes, folds int) bool {
	for k := range classes {
		in := make([]bool, folds)
		spreadOver := 0
		for g, c := range counts {
			if c[k] > 0 && !in[of[g]] {
				in[of[g]] = true
				spreadOver++
			}
		}
		if spreadOver < 2 {
			return false
		}
	}
	return true
}

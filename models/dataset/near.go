package dataset

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"gourdian/internal/vision"
)

// Limits within which two pictures are taken for the same one, saved again or
// shot a moment later. Both must hold. They are strict on purpose: with wider
// ones single links grow a whole source into one cluster.
const (
	NearHash   = 6    // of 64 bits of DHash
	NearCosine = 0.97 // of two embeddings
)

// Look is what two pictures are compared by.
type Look struct {
	Group     string // as given, empty where none is
	Source    string
	Hash      uint64    // DHash
	Embedding []float32 // of the untouched picture
}

// Pair is two pictures by their places in the slice that was compared.
type Pair struct{ A, B int }

// Cluster puts each picture without a given group into the cluster of its
// near-duplicates and returns a number for every picture: equal numbers, one
// group. Given groups are final: they are neither merged nor joined. Numbers
// follow the order of the pictures. Suspects are near-duplicates that ended in
// different groups, across sources too: leaks, if they fall on both sides of a
// split.
func Cluster(looks []Look) (groups []int, suspects []Pair) {
	parent := make([]int, len(looks))
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	near := nearPairs(looks)
	first := map[string]int{}
	for i, l := range looks {
		if l.Group == "" {
			continue
		}
		if j, ok := first[l.Group]; ok {
			parent[i] = j
		} else {
			first[l.Group] = i
		}
	}
	for _, p := range near {
		a, b := looks[p.A], looks[p.B]
		if a.Group == "" && b.Group == "" && a.Source == b.Source {
			// The smaller place stays the root, so numbers do not depend on
			// the order of the pairs.
			ra, rb := find(p.A), find(p.B)
			parent[max(ra, rb)] = min(ra, rb)
		}
	}
	numbers := map[int]int{}
	groups = make([]int, len(looks))
	for i := range looks {
		root := find(i)
		if _, ok := numbers[root]; !ok {
			numbers[root] = len(numbers)
		}
		groups[i] = numbers[root]
	}
	for _, p := range near {
		if groups[p.A] != groups[p.B] {
			suspects = append(suspects, p)
		}
	}
	return groups, suspects
}

// nearPairs returns all near pairs, sorted.
func nearPairs(looks []Look) []Pair {
	var out []Pair
	for i := range looks {
		for j := i + 1; j < len(looks); j++ {
			if bits.OnesCount64(looks[i].Hash^looks[j].Hash) <= NearHash &&
				Cosine(looks[i].Embedding, looks[j].Embedding) >= NearCosine {
				out = append(out, Pair{i, j})
			}
		}
	}
	slices.SortFunc(out, func(a, b Pair) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
	return out
}

// Cosine is the cosine of the angle between two vectors of one length; 0 where
// one of them is zero.
func Cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i, x := range a {
		y := float64(b[i])
		ab += float64(x) * y
		aa += float64(x) * float64(x)
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// DHash is the difference hash of a model's view of a picture: the means of a
// grid of 9 by 8 cells, one bit for each two neighbours in a row, set where
// the brightness rises. Scaling and mild compression change few bits.
// Source: N. Krawetz, "Kind of Like That", hackerfactor.com, 2013.
func DHash(t vision.Tensor) uint64 {
	const columns, rows = 9, 8
	var sums [rows][columns]int
	for y := range vision.Size {
		for x := range vision.Size {
			p := t[3*(y*vision.Size+x):]
			// BT.601 weights in thousandths.
			luma := 299*int(p[0]) + 587*int(p[1]) + 114*int(p[2])
			sums[y*rows/vision.Size][x*columns/vision.Size] += luma
		}
	}
	var widths [columns]int
	for x := range vision.Size {
		widths[x*columns/vision.Size]++
	}
	var hash uint64
	for y := range rows {
		for x := range columns - 1 {
			// Cells differ in width by a pixel: compare means, not sums.
			hash <<= 1
			if sums[y][x]*widths[x+1] < sums[y][x+1]*widths[x] {
				hash |= 1
			}
		}
	}
	return hash
}

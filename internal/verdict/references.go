package verdict

import (
	"fmt"
	"math"
)

// MaxDistance is the largest cosine distance, that of opposite vectors.
const MaxDistance = 2

const (
	// queryOne is the integer that stands for 1 in the quantised query, so that
	// a cosine is off by some 1e-6 only.
	queryOne = 1 << 16
	// maxDim keeps dot products within int32: by Cauchy-Schwarz one is at most
	// 127*sqrt(maxDim)*queryOne, a quarter of that range, plus the rounding of
	// the query, 127*maxDim/2.
	maxDim = 4096
	// unitSlack is how far a row may be from length 1.
	unitSlack = 1e-3
)

// References are the training embeddings that novelty is measured against:
// N unit vectors of Dim values as int8, each with its own scale, row by row.
type References struct {
	Dim    int
	K      int       // neighbours averaged
	Rows   []int8    // N*Dim
	Scales []float32 // N; value = Scales[i] * Rows[i*Dim+j]
}

// Quantise packs embeddings of one length, not necessarily unit vectors, as
// references. Each row uses the whole range of int8 and its scale is the
// inverse length of its integers, so that the stored vector has length 1
// exactly. An empty, all-zero or not finite embedding is an error.
func Quantise(embeddings [][]float32, k int) (References, error) {
	if len(embeddings) == 0 {
		return References{}, fmt.Errorf("%w: no references", ErrParams)
	}
	dim := len(embeddings[0])
	r := References{Dim: dim, K: k, Rows: make([]int8, 0, len(embeddings)*dim), Scales: make([]float32, 0, len(embeddings))}
	for i, e := range embeddings {
		if len(e) != dim {
			return References{}, fmt.Errorf("%w: reference %d has %d values, the first one %d", ErrParams, i, len(e), dim)
		}
		var largest float64
		for _, v := range e {
			if math.IsNaN(float64(v)) {
				return References{}, fmt.Errorf("%w: reference %d is not finite", ErrParams, i)
			}
			largest = max(largest, math.Abs(float64(v)))
		}
		if largest == 0 || math.IsInf(largest, 0) {
			return References{}, fmt.Errorf("%w: reference %d is zero or not finite", ErrParams, i)
		}
		for _, v := range e {
			r.Rows = append(r.Rows, int8(math.RoundToEven(float64(v)/largest*127)))
		}
		r.Scales = append(r.Scales, float32(1/rowLength(r.Rows[i*dim:])))
	}
	return r, r.Validate()
}

// Len is the number of references.
func (r *References) Len() int { return len(r.Scales) }

// Validate reports the first fault as an error that wraps ErrParams.
func (r *References) Validate() error {
	n := len(r.Scales)
	switch {
	case r.Dim < 1 || r.Dim > maxDim:
		return fmt.Errorf("%w: references of %d values, allowed are 1 to %d", ErrParams, r.Dim, maxDim)
	case n == 0 || len(r.Rows)%r.Dim != 0 || len(r.Rows)/r.Dim != n:
		return fmt.Errorf("%w: %d scales for %d values in rows of %d", ErrParams, n, len(r.Rows), r.Dim)
	case r.K < 1 || r.K > n:
		return fmt.Errorf("%w: %d neighbours among %d references", ErrParams, r.K, n)
	}
	for i, scale := range r.Scales {
		length := float64(scale) * rowLength(r.Rows[i*r.Dim:(i+1)*r.Dim])
		if !(math.Abs(length-1) <= unitSlack) {
			return fmt.Errorf("%w: reference %d has length %v, not 1", ErrParams, i, length)
		}
	}
	return nil
}

func rowLength(row []int8) float64 {
	var squares int64
	for _, v := range row {
		squares += int64(v) * int64(v)
	}
	return math.Sqrt(float64(squares))
}

// noveltyMeter measures against one set of references with buffers of its own.
type noveltyMeter struct {
	refs    *References
	query   []int32
	nearest []float64 // the K smallest distances so far, ascending
}

func newNoveltyMeter(refs *References) noveltyMeter {
	return noveltyMeter{refs: refs, query: make([]int32, refs.Dim), nearest: make([]float64, 0, refs.K)}
}

// measure returns the mean cosine distance to the K nearest references. An
// embedding of zeros points nowhere and is at distance 1 of everything.
func (m *noveltyMeter) measure(embedding []float32) float64 {
	if !m.quantiseQuery(embedding) {
		return 1
	}
	m.nearest = m.nearest[:0]
	dim := m.refs.Dim
	for i, scale := range m.refs.Scales {
		dot := dotProduct(m.refs.Rows[i*dim:(i+1)*dim], m.query)
		m.keep(1 - float64(scale)*float64(dot)/queryOne)
	}
	var sum float64
	for _, distance := range m.nearest {
		sum += distance
	}
	return min(max(sum/float64(len(m.nearest)), 0), MaxDistance)
}

func (m *noveltyMeter) quantiseQuery(embedding []float32) bool {
	var squares float64
	for _, v := range embedding {
		squares += float64(v) * float64(v)
	}
	if squares == 0 {
		return false
	}
	factor := queryOne / math.Sqrt(squares)
	for i, v := range embedding {
		m.query[i] = int32(math.RoundToEven(float64(v) * factor))
	}
	return true
}

// keep inserts a distance where it is among the K smallest.
func (m *noveltyMeter) keep(distance float64) {
	n := len(m.nearest)
	if n == cap(m.nearest) {
		if distance >= m.nearest[n-1] {
			return
		}
		n--
	}
	m.nearest = m.nearest[:n+1]
	at := n
	for at > 0 && m.nearest[at-1] > distance {
		m.nearest[at] = m.nearest[at-1]
		at--
	}
	m.nearest[at] = distance
}

// dotProduct takes eight values a turn, into four independent sums, so that
// multiplications overlap.
func dotProduct(row []int8, query []int32) int32 {
	var a, b, c, d int32
	for len(row) >= 8 && len(query) >= 8 {
		r, q := (*[8]int8)(row), (*[8]int32)(query)
		a += int32(r[0])*q[0] + int32(r[4])*q[4]
		b += int32(r[1])*q[1] + int32(r[5])*q[5]
		c += int32(r[2])*q[2] + int32(r[6])*q[6]
		d += int32(r[3])*q[3] + int32(r[7])*q[7]
		row, query = row[8:], query[8:]
	}
	query = query[:len(row)]
	for i, v := range row {
		a += int32(v) * query[i]
	}
	return a + b + c + d
}

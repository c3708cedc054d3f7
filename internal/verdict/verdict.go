package verdict

import "gourdian/internal/wire"

// Params is what a bundle's variant says about deciding; the slices are
// indexed by class.
type Params struct {
	Classes     []string
	Temperature float64   // > 0; logits are divided by it before the softmax
	Thresholds  []float64 // least calibrated probability for each class to be called
	References  References
	Novelty     float64 // largest novelty that is still "like the training photos"
}

// References are the training embeddings that novelty is measured against:
// N unit vectors of Dim values as int8, each with its own scale, row by row.
type References struct {
	Dim    int
	K      int       // neighbours averaged
	Rows   []int8    // N*Dim
	Scales []float32 // N; value = Scales[i] * Rows[i*Dim+j]
}

// Look is what the picture itself allows: a quality problem ends the decision.
type Look struct {
	Blurred, Dark, Bright bool
}

// Decision is the verdict on one frame, or on a sighting after the vote.
type Decision struct {
	Verdict       wire.Verdict
	Reason        wire.Reason
	Top           int       // index of the most probable class
	Probabilities []float64 // calibrated, sum 1
	Novelty       float64   // mean cosine distance to the K nearest references, 0..2
}

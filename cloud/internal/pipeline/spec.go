package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gourdian/models/backbone"
	"gourdian/models/dataset"
)

// Spec says what a run makes.
type Spec struct {
	Seed       uint64      `json:"seed"`
	Candidates []Candidate `json:"candidates"`
	Variants   []string    `json:"variants"` // forms of the backbone, as boards run them
	// Pictures says what the pictures are (dataset.KindPhotos, KindRendered): it
	// is shown wherever the model's verdicts are.
	Pictures string `json:"pictures"`
}

// Candidate is one way to train. Its head is logistic.
type Candidate struct {
	Name string `json:"name"`
	// C are the penalties that it chooses from by cross-validation, the strongest
	// first; empty = those of package train.
	C []float64 `json:"c"`
}

const (
	maxCandidates = 12
	maxPenalty    = 1e4
)

// ErrSpec is wrapped where a run can't be as it is wanted.
var ErrSpec = errors.New("such a run can't be made")

// Default is what a run makes where nobody says anything else: the penalty that
// cross-validation chooses beside two that are set.
func Default() Spec {
	return Spec{Seed: 1, Candidates: Candidates([]float64{0.003, 0.03}), Variants: backbone.Variants(), Pictures: dataset.KindPhotos}
}

// Candidates are the one that chooses its penalty and one for each of c.
func Candidates(c []float64) []Candidate {
	out := []Candidate{{Name: "auto", C: []float64{}}}
	for _, v := range c {
		out = append(out, Candidate{Name: "C=" + strconv.FormatFloat(v, 'g', -1, 64), C: []float64{v}})
	}
	return out
}

// Check says why a run can't be so.
func (s *Spec) Check() error {
	if len(s.Candidates) == 0 || len(s.Candidates) > maxCandidates {
		return fmt.Errorf("%w: 1 to %d candidates", ErrSpec, maxCandidates)
	}
	var names []string
	for _, c := range s.Candidates {
		if c.Name == "" || strings.Contains(c.Name, " ") || c.Name == championName || slices.Contains(names, c.Name) {
			return fmt.Errorf("%w: a candidate with the name %.40q, or two of them", ErrSpec, c.Name)
		}
		names = append(names, c.Name)
		for i, v := range c.C {
			if !(v > 0 && v <= maxPenalty) || i > 0 && v <= c.C[i-1] { // a NaN is neither
				return fmt.Errorf("%w: the penalties of %.40q must be rising numbers above 0 and at most %g", ErrSpec, c.Name, maxPenalty)
			}
		}
	}
	if s.Pictures != dataset.KindPhotos && s.Pictures != dataset.KindRendered {
		return fmt.Errorf("%w: pictures are %s or %s", ErrSpec, dataset.KindPhotos, dataset.KindRendered)
	}
	if _, err := backbone.CheckVariants(s.Variants); err != nil {
		return fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return nil
}

package verdict

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gourdian/internal/wire"
)

// ErrParams is wrapped where parameters can't decide anything.
var ErrParams = errors.New("unusable verdict parameters")

// Params is what a bundle's variant says about deciding; the slices are
// indexed by class.
type Params struct {
	Classes     []string
	Temperature float64   // > 0; logits are divided by it before the softmax
	Thresholds  []float64 // least calibrated probability for each class to be called, 0..1
	References  References
	Novelty     float64 // largest novelty that is still "like the training photos", 0..2
}

// Validate reports the first fault as an error that wraps ErrParams.
func (p *Params) Validate() error {
	if len(p.Classes) == 0 {
		return fmt.Errorf("%w: no classes", ErrParams)
	}
	for i, name := range p.Classes {
		if name == "" || name == string(wire.Unsure) {
			return fmt.Errorf("%w: a class can't be called %q", ErrParams, name)
		}
		if slices.Contains(p.Classes[:i], name) {
			return fmt.Errorf("%w: class %q twice", ErrParams, name)
		}
	}
	if len(p.Thresholds) != len(p.Classes) {
		return fmt.Errorf("%w: %d thresholds for %d classes", ErrParams, len(p.Thresholds), len(p.Classes))
	}
	for i, t := range p.Thresholds {
		if !(t >= 0 && t <= 1) { // also when it is not a number
			return fmt.Errorf("%w: threshold %v of class %q is not within 0 and 1", ErrParams, t, p.Classes[i])
		}
	}
	if !(p.Temperature > 0) || math.IsInf(p.Temperature, 0) {
		return fmt.Errorf("%w: temperature %v is not above 0", ErrParams, p.Temperature)
	}
	if !(p.Novelty >= 0 && p.Novelty <= MaxDistance) {
		return fmt.Errorf("%w: novelty threshold %v is not within 0 and 2", ErrParams, p.Novelty)
	}
	return p.References.Validate()
}

// Look is what the picture itself allows: a quality problem ends the decision.
type Look struct {
	Blurred, Dark, Bright bool
}

// Bad reports whether the picture must not be judged.
func (l Look) Bad() bool { return l.Blurred || l.Dark || l.Bright }

// Decision is the verdict on one frame, or on a sighting after the vote.
type Decision struct {
	Verdict       wire.Verdict
	Reason        wire.Reason
	Top           int       // index of the most probable class, the first one among equals
	Probabilities []float64 // calibrated, sum 1; nil where no network looked at the picture
	Novelty       float64   // mean cosine distance to the K nearest references, 0..2
}

// BadLook is the decision on a picture of bad quality that no network has
// looked at.
func BadLook() Decision {
	return Decision{Verdict: wire.Unsure, Reason: wire.ReasonQuality}
}

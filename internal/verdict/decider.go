package verdict

import (
	"errors"
	"fmt"
	"math"

	"gourdian/internal/wire"
)

// ErrScores is wrapped where a network's answer can't be judged: a value that
// is no finite number or a wrong length. That is a broken engine, never a
// picture to be unsure about.
var ErrScores = errors.New("unusable scores")

// Decider judges frames with buffers of its own. One goroutine uses it.
type Decider struct {
	params        Params
	novelty       noveltyMeter
	probabilities []float64
}

// NewDecider returns a Decider, or an error that wraps ErrParams. It keeps the
// slices of p, which must not change any more.
func NewDecider(p Params) (*Decider, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	d := &Decider{params: p, probabilities: make([]float64, len(p.Classes))}
	d.novelty = newNoveltyMeter(&d.params.References)
	return d, nil
}

// Decide judges one frame by the rules of the package. Probabilities of the
// answer are valid until the next call. It allocates nothing; an error wraps
// ErrScores.
func (d *Decider) Decide(embedding, logits []float32, look Look) (Decision, error) {
	if err := d.check(embedding, logits); err != nil {
		return Decision{}, err
	}
	softmax(d.probabilities, logits, d.params.Temperature)
	decision := Decision{
		Top:           largest(d.probabilities),
		Probabilities: d.probabilities,
		Novelty:       d.novelty.measure(embedding),
	}
	switch {
	case look.Bad():
		decision.Verdict, decision.Reason = wire.Unsure, wire.ReasonQuality
	case decision.Novelty > d.params.Novelty:
		decision.Verdict, decision.Reason = wire.Unsure, wire.ReasonNovel
	default:
		decision.Verdict, decision.Reason = d.params.call(decision.Top, decision.Probabilities)
	}
	return decision, nil
}

func (d *Decider) check(embedding, logits []float32) error {
	if len(embedding) != d.params.References.Dim {
		return fmt.Errorf("%w: embedding of %d values, the references have %d", ErrScores, len(embedding), d.params.References.Dim)
	}
	if len(logits) != len(d.params.Classes) {
		return fmt.Errorf("%w: %d logits for %d classes", ErrScores, len(logits), len(d.params.Classes))
	}
	for i, v := range embedding {
		if !finite(v) {
			return fmt.Errorf("%w: value %d of the embedding is %v", ErrScores, i, v)
		}
	}
	for i, v := range logits {
		if !finite(v) {
			return fmt.Errorf("%w: logit %d is %v", ErrScores, i, v)
		}
	}
	return nil
}

// call names the class if its probability reaches its threshold.
func (p *Params) call(top int, probabilities []float64) (wire.Verdict, wire.Reason) {
	if probabilities[top] < p.Thresholds[top] {
		return wire.Unsure, wire.ReasonLowConfidence
	}
	return wire.Verdict(p.Classes[top]), ""
}

// softmax fills out with exp(logits/temperature), scaled to sum 1. The largest
// logit is taken off first, so that nothing overflows.
func softmax(out []float64, logits []float32, temperature float64) {
	top := float64(logits[0])
	for _, v := range logits {
		top = max(top, float64(v))
	}
	var sum float64
	for i, v := range logits {
		out[i] = math.Exp((float64(v) - top) / temperature)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
}

func largest(values []float64) int {
	top := 0
	for i, v := range values {
		if v > values[top] {
			top = i
		}
	}
	return top
}

func finite(v float32) bool {
	return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
}

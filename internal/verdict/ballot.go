package verdict

import (
	"gourdian/internal/wire"
)

// The least share of the sure frames that must call the same class: two of
// three. Below it the frames contradict each other, and a mean would hide that.
const (
	agreeing = 2
	outOf    = 3
)

// Ballot votes over the frames of one sighting without keeping them:
//
//  1. frames of bad quality don't vote; if there are no others, the sighting
//     is unsure for quality;
//  2. if more than half of the others are novel, it is unsure as novel, else
//     the novel ones don't vote either (a hand, a dog);
//  3. if frames that were sure by themselves call different classes and fewer
//     than two of three of them agree, it is unsure for disagreement;
//  4. else the mean of the voters' probabilities is judged like a frame's.
//
// One goroutine uses it.
type Ballot struct {
	params *Params
	bad    int   // frames of bad quality
	novel  tally // good frames unlike the training photos
	like   tally // good frames like them
	sure   []int // of the latter, by the class that they called
}

// tally sums up frames of one kind.
type tally struct {
	frames        int
	probabilities []float64
	novelty       float64
}

// Ballot returns an empty ballot for decisions of this Decider.
func (d *Decider) Ballot() *Ballot {
	classes := len(d.params.Classes)
	return &Ballot{
		params: &d.params,
		novel:  tally{probabilities: make([]float64, classes)},
		like:   tally{probabilities: make([]float64, classes)},
		sure:   make([]int, classes),
	}
}

// Add counts a frame's decision and keeps nothing of it.
func (b *Ballot) Add(frame Decision) {
	switch frame.Reason {
	case wire.ReasonQuality:
		b.bad++
	case wire.ReasonNovel:
		b.novel.add(frame)
	default:
		b.like.add(frame)
		if frame.Verdict != wire.Unsure {
			b.sure[frame.Top]++
		}
	}
}

// Reset empties the ballot for the next sighting.
func (b *Ballot) Reset() {
	b.bad = 0
	b.novel.reset()
	b.like.reset()
	clear(b.sure)
}

// Result is the verdict on all frames so far; a ballot without frames is
// unsure for quality. Novelty is the mean over the frames of good quality. The
// Probabilities are the caller's, nil where no frame was of good quality.
func (b *Ballot) Result() Decision {
	good := b.novel.frames + b.like.frames
	if good == 0 {
		return BadLook()
	}
	voters := b.voters()
	decision := Decision{
		Probabilities: voters.mean(),
		Novelty:       (b.novel.novelty + b.like.novelty) / float64(good),
	}
	decision.Top = largest(decision.Probabilities)
	switch {
	case voters == &b.novel:
		decision.Verdict, decision.Reason = wire.Unsure, wire.ReasonNovel
	case b.contradiction():
		decision.Verdict, decision.Reason = wire.Unsure, wire.ReasonDisagreement
	default:
		decision.Verdict, decision.Reason = b.params.call(decision.Top, decision.Probabilities)
	}
	return decision
}

// Frames is how many frames the Result stands on: those whose probabilities
// were averaged, or all where none was of good quality.
func (b *Ballot) Frames() int {
	if voters := b.voters(); voters.frames > 0 {
		return voters.frames
	}
	return b.bad
}

func (b *Ballot) voters() *tally {
	if b.novel.frames > b.like.frames {
		return &b.novel
	}
	return &b.like
}

func (b *Ballot) contradiction() bool {
	total, leader := 0, 0
	for _, n := range b.sure {
		total += n
		leader = max(leader, n)
	}
	return leader*outOf < agreeing*total
}

func (t *tally) add(frame Decision) {
	t.frames++
	t.novelty += frame.Novelty
	for i, p := range frame.Probabilities {
		t.probabilities[i] += p
	}
}

func (t *tally) reset() {
	t.frames, t.novelty = 0, 0
	clear(t.probabilities)
}

func (t *tally) mean() []float64 {
	out := make([]float64, len(t.probabilities))
	for i, p := range t.probabilities {
		out[i] = p / float64(t.frames)
	}
	return out
}

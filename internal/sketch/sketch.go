package sketch

import (
	"errors"
	"math"

	"gourdian/internal/quality"
	"gourdian/internal/wire"
)

// MaxSightings bounds what one sketch sums up: sums stay within 64 bits.
const MaxSightings = 1 << 30

// ErrFull is returned where a sketch would sum up more than MaxSightings.
var ErrFull = errors.New("a sketch can't sum up more sightings")

// Sight is what a sketch takes of one sighting. One of which no picture was
// good enough for the model has no Probabilities; then Class, Novelty and Place
// count for nothing.
type Sight struct {
	Verdict       wire.Verdict
	Reason        wire.Reason
	Class         int       // the most probable one, in the order of the task
	Probabilities []float64 // by class, calibrated
	Novelty       float64
	Look          quality.Report // of the best picture
	Place         Vector         // of the best picture's embedding
}

// Outcome is a verdict with its reason.
type Outcome struct {
	Verdict wire.Verdict
	Reason  wire.Reason
}

// Sketch sums up sightings; the zero Sketch sums up none. One goroutine uses it.
type Sketch struct {
	n        uint64
	judged   uint64 // of them, by the model
	outcomes map[Outcome]uint64
	signals  [Signals]moments
	axes     [Axes]axis
	classes  [Classes]class
}

// moments sum up one signal.
type moments struct {
	sum, squares uint64
	bins         [Bins]uint64
}

// axis sums up where embeddings lie on one axis.
type axis struct {
	sum     int64
	squares uint64
}

// Classes are kept apart by their number; those from the last one on are
// summed up as one.
const Classes = 9

// class sums up the sightings of one most probable class, so that a day with
// other shares of the classes can be told from a day with other pumpkins.
type class struct {
	n, top, novelty uint64
	axes            [Axes]int64
}

// Add sums up one more sighting.
func (s *Sketch) Add(one Sight) error {
	if s.n >= MaxSightings {
		return ErrFull
	}
	s.n++
	if s.outcomes == nil {
		s.outcomes = map[Outcome]uint64{}
	}
	s.outcomes[Outcome{one.Verdict, one.Reason}]++
	values := valuesOf(one)
	judged := len(one.Probabilities) > 0
	for i := range s.signals {
		if judged || !Signal(i).ofModel() {
			s.signals[i].add(Signal(i).fixed(values[i]))
		}
	}
	if judged {
		s.judged++
		s.place(one, values)
	}
	return nil
}

// place sums up what the model says of a sighting beside its signals.
func (s *Sketch) place(one Sight, values [Signals]float64) {
	c := &s.classes[min(max(one.Class, 0), Classes-1)]
	c.n++
	c.top += TopProbability.fixed(values[TopProbability])
	c.novelty += Novelty.fixed(values[Novelty])
	for i, v := range one.Place {
		at := min(max(int64(v), -farthest), farthest)
		s.axes[i].sum += at
		s.axes[i].squares += uint64(at * at)
		c.axes[i] += at
	}
}

func (m *moments) add(fixed uint64) {
	m.sum += fixed
	m.squares += fixed * fixed
	m.bins[binOf(fixed)]++
}

func valuesOf(one Sight) [Signals]float64 {
	var top, entropy float64
	for _, p := range one.Probabilities {
		top = max(top, p)
		if p > 0 {
			entropy -= p * math.Log(p)
		}
	}
	if n := len(one.Probabilities); n > 1 {
		entropy /= math.Log(float64(n))
	}
	light := one.Look.Light
	return [Signals]float64{
		TopProbability: top, Entropy: entropy, Novelty: one.Novelty, Sharpness: one.Look.Sharpness,
		Brightness: light.Mean, Contrast: float64(light.P99) - float64(light.P5), Black: light.Black, Burned: light.Burned,
	}
}

// Merge adds what another sketch sums up.
func (s *Sketch) Merge(other *Sketch) error {
	if s.n+other.n > MaxSightings {
		return ErrFull
	}
	s.n, s.judged = s.n+other.n, s.judged+other.judged
	if s.outcomes == nil && len(other.outcomes) > 0 {
		s.outcomes = map[Outcome]uint64{}
	}
	for outcome, n := range other.outcomes {
		s.outcomes[outcome] += n
	}
	for i := range s.signals {
		m, o := &s.signals[i], &other.signals[i]
		m.sum, m.squares = m.sum+o.sum, m.squares+o.squares
		for b, n := range o.bins {
			m.bins[b] += n
		}
	}
	for i := range s.axes {
		s.axes[i].sum += other.axes[i].sum
		s.axes[i].squares += other.axes[i].squares
	}
	for i := range s.classes {
		c, o := &s.classes[i], &other.classes[i]
		c.n, c.top, c.novelty = c.n+o.n, c.top+o.top, c.novelty+o.novelty
		for a, sum := range o.axes {
			c.axes[a] += sum
		}
	}
	return nil
}

package sketch

import (
	"cmp"
	"slices"
)

// Count is the number of sightings.
func (s *Sketch) Count() int { return int(s.n) }

// Judged is the number of sightings that the model was asked about: the others
// had no picture that was good enough. Signals of the model, axes and classes
// are of those alone.
func (s *Sketch) Judged() int { return int(s.judged) }

// of is the number of sightings that a signal was measured on.
func (s *Sketch) of(signal Signal) uint64 {
	if signal.ofModel() {
		return s.judged
	}
	return s.n
}

// Outcomes are the verdicts and reasons that came up, in the order of their
// names.
func (s *Sketch) Outcomes() []Outcome {
	var all []Outcome
	for o := range s.outcomes {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.Reason, b.Reason))
	})
	return all
}

// Of is the number of sightings with an outcome.
func (s *Sketch) Of(o Outcome) int { return int(s.outcomes[o]) }

// Mean is the mean of a signal on its scale, 0..1; 0 where there is nothing.
// Signal.Value says what that is.
func (s *Sketch) Mean(of Signal) float64 {
	return mean(float64(s.signals[of].sum)/whole, s.of(of))
}

// Variance is the variance of a signal on its scale.
func (s *Sketch) Variance(of Signal) float64 {
	m := s.Mean(of)
	return max(0, mean(float64(s.signals[of].squares)/whole/whole, s.of(of))-m*m)
}

// Quantile is the place on the scale that a share p of the sightings do not
// exceed, to within a bin.
func (s *Sketch) Quantile(of Signal, p float64) float64 {
	count := s.of(of)
	if count == 0 {
		return 0
	}
	want, seen := p*float64(count), 0.0
	for b, n := range s.signals[of].bins {
		if n > 0 && seen+float64(n) >= want {
			return (float64(b) + (want-seen)/float64(n)) / Bins
		}
		seen += float64(n)
	}
	return 1
}

// AxisMean is where embeddings lie on an axis in the mean, AxisVariance how far
// they are spread there, in units of an embedding's length.
func (s *Sketch) AxisMean(i int) float64 {
	return mean(float64(s.axes[i].sum)/perUnit, s.judged)
}

// AxisVariance is the variance of embeddings on an axis.
func (s *Sketch) AxisVariance(i int) float64 {
	m := s.AxisMean(i)
	return max(0, mean(float64(s.axes[i].squares)/perUnit/perUnit, s.judged)-m*m)
}

// ClassCount is the number of sightings of which a class was the most probable.
func (s *Sketch) ClassCount(class int) int { return int(s.classes[class].n) }

// ClassMeans are the means of the sightings of one most probable class: its
// probability and novelty on their scales, and the axes.
func (s *Sketch) ClassMeans(class int) (top, novelty float64, axes [Axes]float64) {
	c := &s.classes[class]
	for i, sum := range c.axes {
		axes[i] = mean(float64(sum)/perUnit, c.n)
	}
	return mean(float64(c.top)/whole, c.n), mean(float64(c.novelty)/whole, c.n), axes
}

func mean(sum float64, n uint64) float64 {
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

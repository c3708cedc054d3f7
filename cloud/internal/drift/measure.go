package drift

import (
	"math"

	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

// Measure is one number that a block of days has.
type Measure int

// Measures, in the order of their groups.
const (
	// Light: what lens and light do to the pictures.
	Sharpness Measure = iota
	Brightness
	Contrast
	Black
	Burned
	PoorShare // sightings without a picture that was good enough

	// Confidence: how sure the model is.
	TopProbability
	Entropy
	DoubtShare // unsure for low confidence or disagreement

	// Novelty: how unlike the training photos.
	Novelty
	NoveltyHigh // what one sighting in ten exceeds: some new ones among many old
	NovelShare  // unsure because of it

	// Class begins Mix: shares of the most probable classes, by number.
	Class
)

const (
	// Corrected is the share that the farmer corrected.
	Corrected = Class + sketch.Classes
	// Axis begins Embedding: where the embeddings lie, by axis.
	Axis = Corrected + 1

	Measures = Axis + sketch.Axes
)

// Group holds measures that one cause moves.
type Group int

// Groups. Rest is what is left of novelty, confidence and embedding once the
// mix of classes is accounted for; it explains and raises nothing.
const (
	Light Group = iota
	Confidence
	Newness
	Mix
	Corrections
	Embedding
	Rest

	raising = int(Rest) // the groups before it raise alarms
	groups  = int(Rest) + 1
)

// String is the name of a group in documents and texts.
func (g Group) String() string {
	return [groups]string{"light", "confidence", "newness", "mix", "corrections", "embedding", "rest"}[g]
}

// span is a group's measures, from the first to before the last.
func (g Group) span() (from, to Measure) {
	switch g {
	case Light:
		return Sharpness, TopProbability
	case Confidence:
		return TopProbability, Novelty
	case Newness:
		return Novelty, Class
	case Mix:
		return Class, Corrected
	case Corrections:
		return Corrected, Axis
	default:
		return Axis, Measures
	}
}

// Names of the measures that pages and documents show.
func names() map[Measure]string {
	return map[Measure]string{
		Sharpness: "sharpness", Brightness: "brightness", Contrast: "contrast", Black: "black", Burned: "burned", PoorShare: "poor",
		TopProbability: "top_probability", Entropy: "entropy", DoubtShare: "doubt", Novelty: "novelty", NoveltyHigh: "novelty_high", NovelShare: "novel",
		Corrected: "corrected",
	}
}

// String is the measure's name, "" for those that only a program reads.
func (m Measure) String() string { return names()[m] }

// Value is what a mean on the measure's scale stands for.
func (m Measure) Value(u float64) float64 {
	if s, ok := signalOf(m); ok {
		return s.Value(u)
	}
	return u
}

func signalOf(m Measure) (sketch.Signal, bool) {
	switch m {
	case Sharpness:
		return sketch.Sharpness, true
	case Brightness:
		return sketch.Brightness, true
	case Contrast:
		return sketch.Contrast, true
	case Black:
		return sketch.Black, true
	case Burned:
		return sketch.Burned, true
	case TopProbability:
		return sketch.TopProbability, true
	case Entropy:
		return sketch.Entropy, true
	case Novelty, NoveltyHigh:
		return sketch.Novelty, true
	default:
		return 0, false
	}
}

// measures are a block's numbers with what chance alone does to each.
type measures struct {
	value [Measures]float64
	noise [Measures]float64 // variance of value through the number of sightings
	class [sketch.Classes]conditional
}

// conditional is what the sightings of one most probable class have in the mean.
type conditional struct {
	n    float64
	mean [rests]float64
}

// rests are the measures of Rest: top probability, novelty and the axes.
const rests = 2 + sketch.Axes

const (
	high = 0.9
	// highNoise is how much more than a mean that quantile of a normal
	// distribution varies: p(1-p)/density².
	highNoise = 2.92
)

func measure(s *sketch.Sketch, corrections int) measures {
	var m measures
	n, judged := float64(s.Count()), float64(s.Judged())
	for i := range Measures {
		signal, ok := signalOf(i)
		if !ok {
			continue
		}
		count := n
		if signal <= sketch.Novelty {
			count = judged
		}
		m.value[i] = s.Mean(signal)
		m.noise[i] = s.Variance(signal) / max(count, 1)
	}
	m.value[NoveltyHigh] = s.Quantile(sketch.Novelty, high)
	m.noise[NoveltyHigh] = highNoise * m.noise[Novelty]
	var poor, doubt, novel float64
	for _, o := range s.Outcomes() {
		switch of := float64(s.Of(o)); o.Reason {
		case wire.ReasonQuality:
			poor += of
		case wire.ReasonNovel:
			novel += of
		case wire.ReasonLowConfidence, wire.ReasonDisagreement:
			doubt += of
		}
	}
	m.share(PoorShare, poor, n)
	m.share(DoubtShare, doubt, n)
	m.share(NovelShare, novel, n)
	m.share(Corrected, float64(corrections), n)
	for c := range sketch.Classes {
		m.share(Class+Measure(c), float64(s.ClassCount(c)), judged)
		top, novelty, axes := s.ClassMeans(c)
		m.class[c].n = float64(s.ClassCount(c))
		m.class[c].mean = [rests]float64{top, novelty}
		copy(m.class[c].mean[2:], axes[:])
	}
	for a := range sketch.Axes {
		m.value[Axis+Measure(a)] = s.AxisMean(a)
		m.noise[Axis+Measure(a)] = s.AxisVariance(a) / max(judged, 1)
	}
	return m
}

// share sets a share k of n. Its noise is that of a share a little away from 0
// and 1: a thing that never happened may happen once.
func (m *measures) share(at Measure, k, n float64) {
	if n == 0 {
		return
	}
	p := (k + 0.5) / (n + 1)
	m.value[at], m.noise[at] = k/n, p*(1-p)/n
}

// rest is what is left of top probability, novelty and axes when every class
// had its usual means and only their shares had changed.
func (m *measures) rest(usual *[sketch.Classes]conditional) [rests]float64 {
	var r [rests]float64
	judged := 0.0
	for c := range m.class {
		judged += m.class[c].n
	}
	if judged == 0 {
		return r
	}
	for c := range m.class {
		if m.class[c].n == 0 {
			continue
		}
		for i := range r {
			r[i] += m.class[c].n / judged * (m.class[c].mean[i] - usual[c].mean[i])
		}
	}
	return r
}

// usually pools the means of each class over reference days. A class that never
// was is expected to look like all the others.
func usually(refs []*Block) [sketch.Classes]conditional {
	var usual [sketch.Classes]conditional
	for _, b := range refs {
		for c := range b.measures.class {
			one := &b.measures.class[c]
			if one.n == 0 {
				continue
			}
			usual[c].n += one.n
			for i, v := range one.mean {
				usual[c].mean[i] += one.n * v
			}
		}
	}
	var all conditional
	for c := range usual {
		all.n += usual[c].n
		for i, sum := range usual[c].mean {
			all.mean[i] += sum
		}
	}
	for c := range usual {
		if usual[c].n == 0 {
			usual[c].mean, usual[c].n = all.mean, all.n
		}
		for i := range usual[c].mean {
			usual[c].mean[i] /= math.Max(usual[c].n, 1)
		}
	}
	return usual
}

package sketch

import "math"

// Signal is one measure of a sighting.
type Signal int

// Signals. A sketch holds every one for every sighting.
const (
	TopProbability Signal = iota // calibrated probability of the most probable class
	Entropy                      // of the probabilities, 1 = all classes alike
	Novelty                      // cosine distance to the nearest training photos
	Sharpness                    // quality.Sharpness
	Brightness                   // quality.Light.Mean, 0..255
	Contrast                     // quality.Light.P99 - P5, 0..255
	Black                        // share of pixels without detail, dark
	Burned                       // share of pixels without detail, bright

	Signals = 8
)

// ofModel reports whether the model must have looked.
func (s Signal) ofModel() bool { return s <= Novelty }

// String is the name of a signal in documents and texts.
func (s Signal) String() string {
	return [Signals]string{"top_probability", "entropy", "novelty", "sharpness", "brightness", "contrast", "black", "burned"}[s]
}

const (
	// Bins of a signal's scale.
	Bins = 32
	// whole is the upper end of a signal's scale as a whole number.
	whole = 1<<16 - 1
	// mostSharpness is the upper end of the scale of Sharpness in powers of two.
	mostSharpness = 16
	mostGrey      = 255
)

// scale puts a value on the signal's scale, 0..1. What differs by factors is
// spread by logarithm or root, so that bins are fine where values lie.
func (s Signal) scale(v float64) float64 {
	switch s {
	case Sharpness:
		v = math.Log2(1+max(v, 0)) / mostSharpness
	case Brightness, Contrast:
		v /= mostGrey
	case Novelty, Black, Burned:
		v = math.Sqrt(max(v, 0))
	case TopProbability, Entropy:
	}
	if !(v > 0) { // also what is no number
		return 0
	}
	return min(v, 1)
}

// Value is what stands at u on the signal's scale.
func (s Signal) Value(u float64) float64 {
	switch s {
	case Sharpness:
		return math.Exp2(u*mostSharpness) - 1
	case Brightness, Contrast:
		return u * mostGrey
	case Novelty, Black, Burned:
		return u * u
	default:
		return u
	}
}

func (s Signal) fixed(v float64) uint64 { return uint64(math.Round(s.scale(v) * whole)) }

// binOf is the bin of a place on the scale.
func binOf(fixed uint64) int { return int(fixed * Bins / (whole + 1)) }

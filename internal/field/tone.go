package field

import (
	"math"
	"math/rand/v2"

	"gourdian/internal/vision"
)

// toneSteps is the resolution of the tone curve over the inputs 0..toneRange.
const (
	toneSteps = 8192
	toneRange = 4.0
)

// toner turns linear light into 8-bit levels. It is read-only and safe to share.
type toner struct{ curve [toneSteps + 1]float32 }

func newToner() *toner {
	t := new(toner)
	for i := range t.curve {
		t.curve[i] = float32(255 * fromLinear(shoulder(float64(i)/toneSteps*toneRange)))
	}
	return t
}

// shoulder keeps the middle tones and bends the brights softly to 1.
func shoulder(v float64) float64 {
	const knee = 0.55
	if v < knee {
		return v
	}
	return knee + (1-knee)*(1-math.Exp(-(v-knee)/(1-knee)))
}

func (t *toner) level(v float32) float32 {
	i := v * (toneSteps / toneRange)
	if i <= 0 {
		return 0
	}
	if i >= toneSteps {
		return t.curve[toneSteps]
	}
	return t.curve[int(i)]
}

// develop writes the canvas as 8-bit levels, with the sensor's noise.
func (t *toner) develop(dst *vision.Image, c *canvas, l *light, r *rand.Rand) {
	gain := float32(l.exposure)
	state := r.Uint64() | 1
	sigma := float32(l.noise)
	for i, v := range c.px {
		// xorshift64*: a fresh number a pixel; the sum of four bytes is near enough normal.
		state ^= state >> 12
		state ^= state << 25
		state ^= state >> 27
		k := state * 0x2545F4914F6CDD1D
		g := float32(int32(k>>56)+int32(k>>48&255)+int32(k>>40&255)+int32(k>>32&255)-510) * (1.0 / 148)
		level := t.level(v*gain) + g*sigma + 0.5
		dst.Pix[i] = uint8(max(0, min(255, level)))
	}
}

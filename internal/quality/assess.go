package quality

import "gourdian/internal/vision"

// Thresholds of Assess. Those of light are CleanVision's start values (dark:
// 99th percentile of brightness below 0.32; light: 5th percentile above 0.95),
// that of blur was set on photos: of 1,217 sound ones of fruit and field 0.7 %
// lie below it, all of them small or plain; of the same photos blurred by 3
// pixels (sigma, at 224x224) all do. None of the 1,217 is Dark, one is Bright.
const (
	BlurredBelow = 8.0 // Sharpness
	DarkBelow    = 82  // Light.P99
	BrightAbove  = 242 // Light.P5
	NightBelow   = 40  // Light.P99: nothing of the scene can be made out
)

// Report is what a picture allows.
type Report struct {
	Light     Light
	Sharpness float64
	Blurred   bool // never together with Dark, where nothing can be said of blur
	Dark      bool
	Bright    bool
	Night     bool // darker than Dark
}

// Sound reports whether a model may be asked.
func (r Report) Sound() bool { return !r.Blurred && !r.Dark && !r.Bright }

// Assess judges a zone by its grey picture (112x112) and its Sharpness.
func Assess(zone vision.Luma, sharpness float64) Report {
	light := Measure(zone)
	dark := light.P99 < DarkBelow
	return Report{
		Light:     light,
		Sharpness: sharpness,
		Blurred:   !dark && sharpness < BlurredBelow,
		Dark:      dark,
		Bright:    light.P5 > BrightAbove,
		Night:     light.P99 < NightBelow,
	}
}

// AssessTensor is Assess for callers that hold the tensor itself; both give the
// same report for the same zone. t must have TensorLen bytes.
func AssessTensor(t vision.Tensor) Report {
	return Assess(t.Grey().Half(), Sharpness(t))
}

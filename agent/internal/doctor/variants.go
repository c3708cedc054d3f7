package doctor

import (
	"gourdian/internal/infer/choose"
)

// exact is the variant that the others are compared with.
const exact = "fp32"

// judgeTrials says of each variant how it did, and which one is taken.
func judgeTrials(trials []choose.Trial, bundle string) []Result {
	chosen, _, err := choose.Pick(trials)
	if err != nil {
		chosen = ""
	}
	base := 0.0
	for _, t := range trials {
		if t.Variant == exact && t.Passes {
			base = t.P50
		}
	}
	var results []Result
	for _, t := range trials {
		var r Result
		switch {
		case !t.Passes:
			r = is(variantFails, "variant", t.Variant, "why", t.Fault)
		case t.P50 == 0:
			r = is(variantUntimed, "variant", t.Variant)
		case t.Variant == chosen && (base == 0 || t.Variant == exact):
			r = is(variantOnly, "variant", t.Variant, "ms", t.P50).measured(t.P50, "ms")
		case t.Variant == chosen:
			r = is(variantChosen, "variant", t.Variant, "ms", t.P50, "speedup", base/t.P50).measured(t.P50, "ms")
		case base == 0 || t.Variant == exact:
			r = is(variantBase, "variant", t.Variant, "ms", t.P50).measured(t.P50, "ms")
		default:
			r = is(variantPasses, "variant", t.Variant, "ms", t.P50, "speedup", base/t.P50).measured(t.P50, "ms")
		}
		results = append(results, r.of(t.Variant))
	}
	if chosen == "" {
		why := ""
		if err != nil {
			why = err.Error()
		}
		results = append(results, is(modelRefused, "path", bundle, "why", why))
	}
	return results
}

func chosenMillis(trials []choose.Trial) float64 {
	chosen, _, err := choose.Pick(trials)
	if err != nil {
		return 0
	}
	for _, t := range trials {
		if t.Variant == chosen {
			return t.P50
		}
	}
	return 0
}

// pace is how many pictures each second the cameras may ask the model to judge.
func (b *Board) pace() float64 {
	sum := 0.0
	for _, c := range b.Cameras {
		sum += c.FPS
	}
	return sum
}

// busiest is the share of the time that the model may take: pictures come in
// bursts, and decoding and page want to live as well.
const busiest = 0.8

// judgePace says whether the model keeps up with the cameras.
func judgePace(millis, pace float64) Result {
	if millis == 0 {
		return is(paceUnknown).under(speed)
	}
	most := 1000 / millis
	code := paceOK
	if pace > busiest*most {
		code = paceSlow
	}
	return is(code, "most", most, "pace", pace).under(speed).measured(most, "1/s")
}

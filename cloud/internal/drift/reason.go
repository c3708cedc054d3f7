package drift

import (
	"cmp"
	"math"
	"slices"
)

// Reason says in a word what happened; texts have the words for people.
type Reason string

// Reasons.
const (
	Lens     Reason = "lens"      // pictures lost detail: dirt, water, out of focus
	OtherSun Reason = "light"     // brighter or darker than usual
	OtherMix Reason = "mix"       // other shares of the classes, which look as ever
	NewKind  Reason = "new_kind"  // pumpkins unlike those before, in pictures as good as ever
	LessSure Reason = "less_sure" // the model hesitates, and nothing else says why
	Mistaken Reason = "corrections"
	Accuracy Reason = "accuracy" // labels of the random share say that it is wrong more often
)

// Moved is a measure with how far it moved, in standard deviations.
type Moved struct {
	Measure   Measure
	Deviation float64
}

// Finding is what the days of an alarm have in common.
type Finding struct {
	Reason Reason
	Groups [groups]float64 // p-values, the geometric mean over the days
	Moved  []Moved         // measures with a name, the farthest first
}

// plain is the p-value below which a group is said to have moved.
const plain = 0.05

// shadow is how far lens and light must have moved, compared with novelty and
// embedding, to be the reason for these as well: dirt on the lens makes
// everything look new, a white pumpkin makes a picture only a little brighter.
const shadow = 0.5

// Explain says why days stood out. There must be at least one.
func Explain(days []Score) Finding {
	var f Finding
	var z [Measures]float64
	for g := range groups {
		sum := 0.0
		for i := range days {
			sum += math.Log(days[i].Groups[g])
		}
		f.Groups[g] = math.Exp(sum / float64(len(days)))
	}
	for m := range Measures {
		for i := range days {
			z[m] += days[i].Deviations[m] / float64(len(days))
		}
		if m.String() != "" && math.Abs(z[m]) >= 1 {
			f.Moved = append(f.Moved, Moved{m, z[m]})
		}
	}
	slices.SortStableFunc(f.Moved, func(a, b Moved) int { return cmp.Compare(math.Abs(b.Deviation), math.Abs(a.Deviation)) })
	f.Reason = f.reason(&z)
	return f
}

func (f *Finding) reason(z *[Measures]float64) Reason {
	dirt := max(-z[Sharpness], -z[Contrast], z[PoorShare])
	sun := max(math.Abs(z[Brightness]), z[Black], z[Burned])
	unlike := max(math.Abs(z[Novelty]), math.Abs(z[NoveltyHigh]), math.Abs(z[NovelShare]), rootMeanSquare(z[Axis:]))
	moved := func(g Group) bool { return f.Groups[g] < plain }
	switch {
	case moved(Light) && dirt >= sun && dirt >= shadow*unlike:
		return Lens
	case moved(Light) && sun >= shadow*unlike:
		return OtherSun
	case moved(Mix) && !moved(Rest):
		return OtherMix
	case moved(Newness) || moved(Embedding):
		return NewKind
	case moved(Corrections):
		return Mistaken
	case moved(Mix):
		return OtherMix
	default:
		return LessSure
	}
}

// ByName are the p-values of the groups that raise alarms.
func (f *Finding) ByName() map[string]float64 {
	by := map[string]float64{}
	for g := range Group(raising) {
		by[g.String()] = f.Groups[g]
	}
	return by
}

package drift

import (
	"cmp"
	"slices"

	"gourdian/internal/sketch"
)

// longestSpan is how many days are joined at most.
const longestSpan = 7

// Rules say how much must be known of a camera before anything is said of it.
type Rules struct {
	LeastSightings int // of a day; those with fewer are joined
	Learn          int // reference days before a camera raises alarms
}

// UsualRules are those for a fleet in a field.
func UsualRules() Rules { return Rules{LeastSightings: 30, Learn: 14} }

// window is how many days are judged together beside each day alone: a small
// move that lasts stands out of their mean before it does on any one day. Those
// who want to learn from few days judge few together.
func (r Rules) window() int { return min(max((r.Learn+1)/3, 1), 5) }

// gap is how many days before the window are no reference: weather lasts, and
// what begins slowly must not become usual meanwhile. Null deviations are made
// with the same gap.
func (r Rules) gap() int { return min(r.Learn/7, 2) }

// references are the newest days that a day is compared with.
func (r Rules) references() int { return 2 * r.Learn }

// Day is what a camera's sightings of one day of the field clock, judged by one
// model, sum up to.
type Day struct {
	Date        int // days since 1970
	Model       string
	Sum         *sketch.Sketch
	Corrections int  // of them, by the farmer
	Excluded    bool // no reference: the day belongs to an alarm
	Settled     bool // that alarm is closed: what begins later has nothing to do with it
}

// Block is one observation: a day, or a few that were joined because each alone
// had too few sightings.
type Block struct {
	Date     int // the last day
	Span     int // days from the first to the last
	N        int
	Model    string
	Excluded bool
	Settled  bool
	measures measures
}

// Mean is a measure of the block, on the measure's scale.
func (b *Block) Mean(m Measure) float64 { return b.measures.value[m] }

// Blocks makes observations of the days of one camera. Days of two models are
// never joined: their scores are not comparable.
func Blocks(days []Day, rules Rules) []Block {
	days = slices.Clone(days)
	slices.SortStableFunc(days, func(a, b Day) int { return cmp.Compare(a.Date, b.Date) })
	if len(days) == 0 {
		return nil
	}
	var blocks []Block
	var open []Day
	for _, day := range days {
		if day.Sum == nil || day.Sum.Count() == 0 {
			continue
		}
		if len(open) > 0 && open[0].Model != day.Model {
			open = nil
		}
		open = append(open, day)
		for day.Date-open[0].Date >= longestSpan {
			open = open[1:]
		}
		if block, ok := join(open, rules.LeastSightings); ok {
			blocks = append(blocks, block)
			open = nil
		}
	}
	return blocks
}

// join makes a block of days, once they have enough sightings.
func join(days []Day, least int) (Block, bool) {
	last := days[len(days)-1]
	b := Block{Date: last.Date, Span: last.Date - days[0].Date + 1, Model: last.Model}
	sum, corrections := &sketch.Sketch{}, 0
	for _, day := range days {
		if sum.Merge(day.Sum) != nil {
			return b, false // beyond any camera
		}
		corrections += day.Corrections
		b.Excluded, b.Settled = b.Excluded || day.Excluded, b.Settled || day.Settled
	}
	b.N = sum.Count()
	if b.N < least {
		return b, false
	}
	b.measures = measure(sum, corrections)
	return b, true
}

package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gourdian/internal/quality"
	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

// signals are the Gaussian ones of a simulated camera; a comparator sees the
// same values.
const signals = 6

// world is a simulated fleet. Each day of a camera has an offset of its own in
// every signal: what light, field and weather do to all pictures of a day.
type world struct {
	random *rand.Rand
	daySD  float64 // of the offsets, in standard deviations within a day
	perDay int
	model  string
	// lasts is the correlation of a day's offsets with the day before: weather.
	lasts  float64
	before map[int][signals + sketch.Axes]float64 // by camera
	// edit changes a sighting before it is summed up; nil = none.
	edit func(camera, date int, g *[signals]float64, one *sketch.Sight)
}

func newWorld(seed uint64, daySD float64) *world {
	return &world{random: rand.New(rand.NewPCG(seed, 11)), daySD: daySD, perDay: 60, model: "first", before: map[int][signals + sketch.Axes]float64{}}
}

// day makes one day of a camera, and the values of its signals for others.
func (w *world) day(camera, date int) (Day, [][signals]float64) {
	both := w.before[camera]
	for i := range both {
		both[i] = w.lasts*both[i] + w.daySD*math.Sqrt(1-w.lasts*w.lasts)*w.random.NormFloat64()
	}
	w.before[camera] = both
	offsets, moved := both[:signals], both[signals:]
	sum, values := &sketch.Sketch{}, make([][signals]float64, w.perDay)
	for n := range values {
		for i := range offsets {
			values[n][i] = offsets[i] + w.random.NormFloat64()
		}
		one := sketch.Sight{Class: w.class()}
		for i := range one.Place {
			one.Place[i] = int32(5000 + 300*(moved[i]+w.random.NormFloat64()))
		}
		if w.edit != nil {
			w.edit(camera, date, &values[n], &one)
		}
		paint(&values[n], &one)
		if err := sum.Add(one); err != nil {
			panic(err) // a world of a billion sightings a day
		}
	}
	return Day{Date: date, Model: w.model, Sum: sum}, values
}

// class draws good, regular, bad or no pumpkin.
func (w *world) class() int {
	switch p := w.random.Float64(); {
	case p < 0.6:
		return 0
	case p < 0.8:
		return 1
	case p < 0.95:
		return 2
	default:
		return 3
	}
}

// paint turns the signals into what a board would have measured.
func paint(g *[signals]float64, one *sketch.Sight) {
	top := min(max(0.8+0.05*g[0], 0.4), 1)
	one.Probabilities = []float64{top, 1 - top}
	one.Verdict = []wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.NotPumpkin}[min(one.Class, 3)]
	one.Novelty = math.Pow(max(0.4+0.04*g[1], 0), 2)
	one.Look = quality.Report{
		Sharpness: math.Exp2(7 + 0.5*g[2]),
		Light:     quality.Light{Mean: 120 + 15*g[3], P99: uint8(min(max(180+12*g[4], 0), 255))},
	}
	one.Place[0] += int32(300 * g[5])
}

// fleet is a run of a world: cameras with their days.
type fleet struct {
	world   *world
	streams []Stream
	days    [][]Day
	scores  [][]Score
}

func newFleet(w *world, cameras int) *fleet {
	f := &fleet{world: w, streams: make([]Stream, cameras), days: make([][]Day, cameras), scores: make([][]Score, cameras)}
	for i := range f.streams {
		f.streams[i].Key = fmt.Sprintf("camera %d", i)
	}
	return f
}

// live lets days pass, without judging them.
func (f *fleet) live(from, to int) {
	for date := from; date < to; date++ {
		for i := range f.days {
			day, _ := f.world.day(i, date)
			f.days[i] = append(f.days[i], day)
		}
	}
	f.block()
}

func (f *fleet) block() {
	for i := range f.streams {
		f.streams[i].Blocks = Blocks(f.days[i], UsualRules())
	}
}

// judge scores the blocks of a date and keeps the scores.
func (f *fleet) judge(date int) []Score {
	scores := Judge(f.streams, date, len(f.streams), UsualRules(), LimitsFor(1))
	for _, s := range scores {
		for i := range f.streams {
			if f.streams[i].Key == s.Key {
				f.scores[i] = append(f.scores[i], s)
			}
		}
	}
	return scores
}

// outcome is what came of days that were judged as package monitor does.
type outcome struct {
	alarms int
	raised raised // the days on which each camera's alarms began
	fleet  int    // alarms for all
}

// watch judges days one by one. An alarm ends when its camera is quiet; while
// it lasts its days are no reference.
func (f *fleet) watch(from, to int) outcome {
	o := outcome{raised: raised{}}
	open := make([]bool, len(f.streams))
	for date := from; date < to; date++ {
		together := Together(f.judge(date)) != nil
		if together {
			o.fleet++
		}
		for i := range f.streams {
			moved, alarm := Lasting(f.scores[i])
			switch {
			case open[i]:
				open[i] = !Quiet(f.scores[i])
			case alarm && !together:
				open[i] = true
				o.alarms++
				o.raised[i] = append(o.raised[i], date)
				f.exclude(i, moved[0].Date, date)
			}
			f.streams[i].Alarmed = open[i]
			if open[i] {
				f.exclude(i, date, date)
			}
		}
	}
	return o
}

// exclude takes days of a camera out of its references.
func (f *fleet) exclude(camera, from, to int) {
	for i := range f.streams[camera].Blocks {
		if b := &f.streams[camera].Blocks[i]; b.Date >= from && b.Date <= to {
			b.Excluded = true
		}
	}
}

// after lets a usual past and then days with an edit pass, judges these, and
// returns what is lasting of the first camera on the last day.
func after(t *testing.T, seed uint64, cameras, days int, edit func(camera, date int, g *[signals]float64, one *sketch.Sight)) (f *fleet, moved []Score, alarm bool) {
	t.Helper()
	const past = 40
	f = newFleet(newWorld(seed, 0.3), cameras)
	f.world.edit = func(camera, date int, g *[signals]float64, one *sketch.Sight) {
		if date >= past {
			edit(camera, date, g, one)
		}
	}
	f.live(0, past+days)
	for date := past; date < past+days; date++ {
		f.judge(date)
	}
	moved, alarm = Lasting(f.scores[0])
	return f, moved, alarm
}

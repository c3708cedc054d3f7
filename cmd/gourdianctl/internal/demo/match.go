package demo

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gourdian/internal/field"
	"gourdian/internal/wire"
)

// What a board must reach on the rendered field.
const (
	// countTolerance is how far the count of sightings may be from the truth.
	countTolerance = 0.05
	// leastRecall is the share of each class that must be named rightly; being
	// unsure counts against it. The model meets a variety that it never saw, and
	// may be unsure of some for that reason.
	leastRecall = 0.5
	// mostWrong is the share of all things that may be called what they are not.
	mostWrong = 0.2
)

// stretch is a part of the field's time that begins and ends while nothing
// stands there, and what stands there in between.
type stretch struct {
	from, to time.Time
	visits   []field.Visit
}

// stretchAfter returns the first stretch after a moment that is about as long
// as asked for.
func stretchAfter(scene *field.Scene, after time.Time, length time.Duration) stretch {
	const around = 5 * time.Minute // a slot is 90 s long
	visits := scene.Visits(after.Add(-around), after.Add(length+around))
	from, to := gapAfter(visits, after), gapAfter(visits, after.Add(length))
	return stretch{from, to, slices.DeleteFunc(visits, func(v field.Visit) bool {
		return v.Arrive.Before(from) || !v.Arrive.Before(to)
	})}
}

// gapAfter is the middle of the first time after a moment in which nothing
// stands there, the moment itself where no visit follows.
func gapAfter(visits []field.Visit, after time.Time) time.Time {
	for i := 1; i < len(visits); i++ {
		gone, next := visits[i-1].Leave, visits[i].Arrive
		if middle := gone.Add(next.Sub(gone) / 2); next.After(gone) && middle.After(after) {
			return middle
		}
	}
	return after
}

// matched is what the board recorded beside what was there.
type matched struct {
	stretch
	sightings int        // records that begin in the stretch
	said      [][]record // by visit, the one that overlaps it longest first
	nothing   []record   // where nothing stood
}

// match gives each record of the stretch to the visit that it overlaps longest.
func match(st stretch, records []record) *matched {
	m := &matched{stretch: st, said: make([][]record, len(st.visits))}
	for _, r := range records {
		if r.CapturedAt.Before(st.from) || !r.CapturedAt.Before(st.to) {
			continue
		}
		m.sightings++
		best, longest := -1, time.Duration(0)
		for i := range st.visits {
			if d := overlap(&st.visits[i], &r); d > longest {
				best, longest = i, d
			}
		}
		if best < 0 {
			m.nothing = append(m.nothing, r)
			continue
		}
		m.said[best] = append(m.said[best], r)
	}
	for i, said := range m.said {
		slices.SortStableFunc(said, func(a, b record) int {
			return int(overlap(&st.visits[i], &b) - overlap(&st.visits[i], &a))
		})
	}
	return m
}

// overlap is how long a record and a visit share, 0 or less where they do not.
func overlap(v *field.Visit, r *record) time.Duration {
	start, end := r.CapturedAt, r.end()
	if end.After(v.Leave) {
		end = v.Leave
	}
	if start.Before(v.Arrive) {
		start = v.Arrive
	}
	return end.Sub(start) + time.Nanosecond // a sighting of one frame overlaps by its moment
}

// tally counts by true class.
type tally struct{ there, right, wrong, unsure, missed int }

func (m *matched) tally(class field.Class) (t tally) {
	for i, v := range m.visits {
		if v.Thing.Class != class {
			continue
		}
		t.there++
		switch {
		case len(m.said[i]) == 0:
			t.missed++
		case m.said[i][0].Verdict == wire.Verdict(class):
			t.right++
		case m.said[i][0].Verdict == wire.Unsure:
			t.unsure++
		default:
			t.wrong++
		}
	}
	return t
}

// verdict is nil where the board did well, else everything in which it fell
// short.
func (m *matched) verdict() error {
	var short []string
	if off := math.Abs(float64(m.sightings - len(m.visits))); off > math.Ceil(countTolerance*float64(len(m.visits))) {
		short = append(short, fmt.Sprintf("%d sightings where %d things stood", m.sightings, len(m.visits)))
	}
	wrong := 0
	for _, c := range field.Classes() {
		t := m.tally(c)
		wrong += t.wrong
		switch recall := float64(t.right) / float64(max(t.there, 1)); {
		case t.there == 0:
			short = append(short, fmt.Sprintf("nothing of class %s stood there, so nothing was shown", c))
		case recall < leastRecall:
			short = append(short, fmt.Sprintf("recall of %s is %.2f, below %.2f", c, recall, leastRecall))
		}
	}
	if float64(wrong) > mostWrong*float64(len(m.visits)) {
		short = append(short, fmt.Sprintf("%d of %d things were called what they are not, more than %.0f %%", wrong, len(m.visits), 100*mostWrong))
	}
	if short == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrResult, strings.Join(short, "; "))
}

func (m *matched) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "On %s of the rendered field (rendered pumpkins, no real fruit):\n", m.to.Sub(m.from).Round(time.Minute))
	fmt.Fprintf(&b, "  counted      %d sightings of %d things\n", m.sightings, len(m.visits))
	for _, c := range field.Classes() {
		t := m.tally(c)
		fmt.Fprintf(&b, "  %-12s %d of %d named rightly", c, t.right, t.there)
		if t.wrong > 0 {
			fmt.Fprintf(&b, ", %d wrongly", t.wrong)
		}
		if t.unsure > 0 {
			fmt.Fprintf(&b, ", %d unsure", t.unsure)
		}
		if t.missed > 0 {
			fmt.Fprintf(&b, ", %d missed", t.missed)
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// listing is what stood there and what the board said, one thing a line, for a
// person who wants to know what was mistaken for what.
func (m *matched) listing() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s  %-50s  %s\n", "arrived", "stood there", "the board said")
	for i := range m.visits {
		v := &m.visits[i]
		fmt.Fprintf(&b, "%s  %-50s  ", v.Arrive.Format(time.TimeOnly), describe(&v.Thing))
		switch said := m.said[i]; {
		case len(said) == 0:
			b.WriteString("nothing: missed\n")
		default:
			fmt.Fprintf(&b, "%s\n", told(&said[0], v.Thing.Class))
			for k := range said[1:] {
				fmt.Fprintf(&b, "%60s  and again: %s\n", "", told(&said[1+k], v.Thing.Class))
			}
		}
	}
	for i := range m.nothing {
		r := &m.nothing[i]
		fmt.Fprintf(&b, "%s  %-50s  %s\n", r.CapturedAt.Format(time.TimeOnly), "nothing", told(r, ""))
	}
	return b.String()
}

// told is a record in words, with a mark where it is wrong.
func told(r *record, truth field.Class) string {
	text := fmt.Sprintf("%s, novelty %.2f, %d frames", r.words(), r.Novelty, r.Frames)
	if r.Verdict != wire.Verdict(truth) && r.Verdict != wire.Unsure {
		text += "  WRONG"
	}
	return text
}

// describe is the truth about a thing in words: a class and why.
func describe(t *field.Thing) string {
	parts := []string{string(t.Class), t.Kind}
	if t.Variety != "" {
		parts[1] = string(t.Variety)
	}
	for _, d := range t.Defects {
		parts = append(parts, fmt.Sprintf("%s %.0f %%", d.Kind, 100*d.Share))
	}
	return strings.Join(parts, ", ")
}

package demo

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gourdian/internal/field"
	"gourdian/internal/wire"
)

// nine is the field's clock at the start of every made-up stretch.
func nine() time.Time { return time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC) }

func minutes(n float64) time.Time { return nine().Add(time.Duration(n * float64(time.Minute))) }

// visitsOf stands one thing of each class in the field, n times over, a minute
// each and a minute apart.
func visitsOf(n int, classes ...field.Class) stretch {
	st := stretch{from: minutes(-0.5)}
	for range n {
		for _, c := range classes {
			at := float64(2 * len(st.visits))
			st.visits = append(st.visits, field.Visit{Arrive: minutes(at), Leave: minutes(at + 1), Thing: field.Thing{Class: c, Kind: "pumpkin"}})
		}
	}
	st.to = minutes(float64(2*len(st.visits)) - 0.5)
	return st
}

func sighting(from, to float64, verdict wire.Verdict) record {
	return record{wire.Record{
		CapturedAt: minutes(from), Seconds: 60 * (to - from), Frames: 5, Verdict: verdict,
		Probabilities: map[string]float64{string(verdict): 0.9},
	}}
}

// perfect is what a board that makes no mistake records.
func perfect(st stretch) []record {
	var records []record
	for i, v := range st.visits {
		records = append(records, sighting(float64(2*i)+0.05, float64(2*i)+0.95, wire.Verdict(v.Thing.Class)))
	}
	return records
}

func TestPerfectBoardPasses(t *testing.T) {
	t.Parallel()
	st := visitsOf(5, field.Classes()...)
	m := match(st, perfect(st))
	if err := m.verdict(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.listing(), "WRONG") || strings.Contains(m.listing(), "missed") {
		t.Errorf("the listing finds fault:\n%s", m.listing())
	}
}

func TestBoardsThatFallShortFailWithWords(t *testing.T) {
	t.Parallel()
	st := visitsOf(5, field.Classes()...) // 20 things: one may be missing
	never := func(class field.Class, said wire.Verdict, reason wire.Reason) []record {
		records := perfect(st)
		for i := range records {
			if st.visits[i].Thing.Class == class {
				records[i].Verdict, records[i].Reason = said, reason
			}
		}
		return records
	}
	cases := []struct {
		name    string
		records []record
		want    []string
	}{
		{"a board that counts nothing", nil, []string{"0 sightings where 20 things stood", "recall of good is 0.00"}},
		{"a board that misses a tenth", perfect(st)[2:], []string{"18 sightings where 20 things stood"}},
		{"a board that counts shade", append(perfect(st), sighting(1.1, 1.5, "good"), sighting(3.1, 3.5, "good")), []string{"22 sightings where 20 things stood"}},
		{"a class that is never named", never(field.Bad, wire.Good, ""), []string{"recall of bad is 0.00, below"}},
		{"a board that mixes up a little of everything", mixed(perfect(st)), []string{"8 of 20 things were called what they are not"}},
		{"a class of which the board is unsure", never(field.Regular, wire.Unsure, wire.ReasonNovel), []string{"recall of regular is 0.00"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := match(st, c.records).verdict()
			if !errors.Is(err, ErrResult) {
				t.Fatalf("got %v, want ErrResult", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// mixed calls two of each class what they are not.
func mixed(records []record) []record {
	for i := range records[:8] {
		if records[i].Verdict == wire.Good {
			records[i].Verdict = wire.Bad
		} else {
			records[i].Verdict = wire.Good
		}
	}
	return records
}

func TestClassThatNeverStoodThereIsNotPassed(t *testing.T) {
	t.Parallel()
	st := visitsOf(10, field.Good, field.Regular, field.Bad)
	if err := match(st, perfect(st)).verdict(); err == nil || !strings.Contains(err.Error(), "nothing of class not_pumpkin stood there") {
		t.Fatalf("got %v", err)
	}
}

func TestOneLostThingInTwentyIsWithinTheTolerance(t *testing.T) {
	t.Parallel()
	st := visitsOf(5, field.Classes()...)
	if err := match(st, perfect(st)[1:]).verdict(); err != nil {
		t.Fatal(err)
	}
}

func TestSightingBelongsToTheThingItOverlapsLongest(t *testing.T) {
	t.Parallel()
	st := visitsOf(1, field.Bad, field.Good)
	m := match(st, []record{
		sighting(0.1, 2.2, wire.Bad), // held on too long: still the first thing
		sighting(2.3, 2.9, wire.Good),
	})
	if got := m.tally(field.Bad); got.right != 1 || got.missed != 0 {
		t.Errorf("bad: %+v", got)
	}
	if got := m.tally(field.Good); got.right != 1 || got.missed != 0 {
		t.Errorf("good: %+v", got)
	}
}

func TestTornSightingCountsTwiceAndNamesOnce(t *testing.T) {
	t.Parallel()
	st := visitsOf(1, field.Bad)
	m := match(st, []record{sighting(0, 0.2, wire.Good), sighting(0.3, 0.9, wire.Bad)})
	if m.sightings != 2 {
		t.Errorf("%d sightings, want 2", m.sightings)
	}
	if got := m.tally(field.Bad); got != (tally{there: 1, right: 1}) {
		t.Errorf("the longer part does not decide: %+v", got)
	}
	if !strings.Contains(m.listing(), "and again: good 90 %") {
		t.Errorf("the listing hides the second part:\n%s", m.listing())
	}
}

func TestRecordsOutsideTheStretchDoNotCount(t *testing.T) {
	t.Parallel()
	st := visitsOf(1, field.Good)
	m := match(st, []record{sighting(-2, -1, wire.Bad), sighting(0.1, 0.9, wire.Good), sighting(2.1, 2.9, wire.Bad)})
	if m.sightings != 1 || len(m.nothing) != 0 {
		t.Errorf("%d sightings, %d over nothing", m.sightings, len(m.nothing))
	}
}

func TestEveryVerdictStandsInTheListing(t *testing.T) {
	t.Parallel()
	st := visitsOf(1, field.Regular, field.Bad, field.Good)
	st.visits[1].Thing.Defects = []field.Defect{{Kind: field.Mould, Severe: true, Share: 0.42}}
	unsure := sighting(4.1, 4.9, wire.Unsure)
	unsure.Reason = wire.ReasonLowConfidence
	listing := match(st, []record{sighting(2.1, 2.9, wire.Good), unsure, sighting(1.2, 1.6, wire.Good)}).listing()
	for _, want := range []string{
		"09:00:00  regular, pumpkin", "nothing: missed",
		"bad, pumpkin, mould 42 %", "good 90 %, novelty 0.00, 5 frames  WRONG",
		"unsure (low confidence)",
		"09:01:12  nothing",
	} {
		if !strings.Contains(listing, want) {
			t.Errorf("the listing lacks %q:\n%s", want, listing)
		}
	}
	if strings.Contains(listing, "unsure (low confidence), novelty 0.00, 5 frames  WRONG") {
		t.Error("unsure is called wrong")
	}
}

func TestStretchBeginsAndEndsWhileNothingStandsThere(t *testing.T) {
	t.Parallel()
	scene, err := field.ParseScene(sceneQuery(30))
	if err != nil {
		t.Fatal(err)
	}
	after := scene.Start().Add(warmUp)
	st := stretchAfter(scene, after, stretchLength)
	if !st.from.After(after) || st.to.Sub(st.from) < stretchLength-5*time.Minute {
		t.Errorf("from %s to %s", st.from, st.to)
	}
	for _, edge := range []time.Time{st.from, st.to} {
		if there := scene.Visits(edge.Add(-time.Second), edge.Add(time.Second)); len(there) > 0 {
			t.Errorf("at %s there stands %+v", edge, there)
		}
	}
	if want := scene.Visits(st.from, st.to); len(want) != len(st.visits) {
		t.Errorf("%d visits, want %d", len(st.visits), len(want))
	}
}

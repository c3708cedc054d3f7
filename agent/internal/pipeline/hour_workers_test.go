//go:build workers

package pipeline

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"gourdian/internal/field"
	"gourdian/internal/wire"
)

// hourCase is one field before one camera.
type hourCase struct {
	seed  int
	query string
	pace  time.Duration // field time between two frames
}

// hourCases are fields that the tracker was never tuned on: for that, seeds 101
// to 108 were used. Frames come as the demo's do, whose hour takes two minutes;
// one field of the full run shows the pace of a camera in real time, as seldom
// as a board looks at a place in which nothing moves.
func hourCases(full bool) []hourCase {
	cases := []hourCase{
		{9002, "varieties=green,striped,warty,orange", 6 * time.Second},
		{9003, "start=2026-10-05T15:30:00Z&visits=50", 6 * time.Second},
	}
	if full {
		cases = append(cases, hourCase{9001, "", 6 * time.Second}, hourCase{9004, "start=2026-10-05T11:00:00Z&strange=0.3", 6 * time.Second}, hourCase{9005, "", time.Second})
	}
	return cases
}

// The issue that asked for sightings wants them within 5 % of the truth on an
// hour of the field. By default half an hour of small pictures is watched;
// GOURDIAN_HOUR=full watches the hour at the size that a demo has.
func TestAnHourOfTheFieldIsCountedWithinFivePercent(t *testing.T) {
	t.Parallel()
	full := os.Getenv("GOURDIAN_HOUR") == "full"
	span, size, pictures, side := 30*time.Minute, "width=320&height=320", "400", "320"
	if full {
		span, size, pictures, side = time.Hour, "width=960&height=720", "800", "384"
	}
	model := hourModel(t, pictures, side)
	cases := hourCases(full)
	results := make([]hourResult, len(cases))
	still := 0
	t.Run("fields", func(t *testing.T) {
		for i, c := range cases {
			t.Run(fmt.Sprint("seed", c.seed), func(t *testing.T) {
				t.Parallel()
				s, err := field.ParseScene(fmt.Sprintf("seed=%d&%s&%s", c.seed, size, c.query))
				if err != nil {
					t.Fatal(err)
				}
				results[i] = hourOf(t, model, s, span, c.pace)
				t.Log(hourRow(c, &results[i])) // a full run takes long: say what is known
			})
		}
		t.Run("a still pumpkin under moving shade", func(t *testing.T) {
			t.Parallel()
			still = stillHour(t, model, size)
		})
	})
	if t.Failed() {
		return
	}
	t.Log("\n" + hourTable(cases, results))
	for i, r := range results {
		if r.truth < 15 || math.Abs(r.off()) > 5 {
			t.Errorf("seed %d: %d sightings of %d visits, %+.1f %%", cases[i].seed, r.counted, r.truth, r.off())
		}
	}
	if still != 1 {
		t.Errorf("one still pumpkin under an hour of moving shade: %d sightings", still)
	}
	frames, sightings := hourTotals(results)
	// The default's model has learnt from too few pictures to be sure of much.
	least := 0.2
	if full {
		least = 0.5
	}
	if sightings.share() < frames.share()-0.05 || sightings.share() < least {
		t.Errorf("right verdicts: %.2f of the sightings, %.2f of the single frames", sightings.share(), frames.share())
	}
}

// hourOf watches a field from its start. The visits that count are those that
// have left in time to be closed.
func hourOf(t *testing.T, model string, s *field.Scene, span, pace time.Duration) hourResult {
	t.Helper()
	var visits []field.Visit
	for _, v := range s.Visits(s.Start(), s.Start().Add(span)) {
		if v.Leave.Before(s.Start().Add(span)) {
			visits = append(visits, v)
		}
	}
	// Two frames of the place it left close the last one's sighting.
	end := visits[len(visits)-1].Leave.Add(2*pace + 2*time.Second)
	records, frames := watch(t, model, &hourCamera{scene: s, at: s.Start(), end: end, pace: pace, wall: s.Start()})
	return compare(visits, records, frames)
}

// stillHour watches one pumpkin for all the time that it stands there.
func stillHour(t *testing.T, model, size string) (sightings int) {
	t.Helper()
	s, err := field.ParseScene("seed=9006&visits=0.4&strange=0&" + size)
	if err != nil {
		t.Fatal(err)
	}
	v := s.Visits(s.Start(), s.Start().Add(2*time.Hour))[0]
	if v.Leave.Sub(v.Arrive) < time.Hour {
		t.Fatalf("the visit lasts %v only", v.Leave.Sub(v.Arrive))
	}
	const pace = 12 * time.Second
	records, _ := watch(t, model, &hourCamera{scene: s, at: v.Arrive.Add(-time.Minute), end: v.Leave.Add(time.Minute), pace: pace, wall: s.Start()})
	for _, r := range records {
		t.Logf("%s for %s (%.0f s): %s %s", r.CapturedAt.Format(time.TimeOnly), time.Duration(r.Seconds)*time.Second, r.Seconds, r.Verdict, r.Reason)
	}
	if len(records) == 1 && time.Duration(records[0].Seconds)*time.Second < v.Leave.Sub(v.Arrive)-time.Minute {
		t.Errorf("the visit of %v was seen for %.0f s", v.Leave.Sub(v.Arrive), records[0].Seconds)
	}
	return len(records)
}

// score is how many of n were right.
type score struct{ right, n int }

func (s score) share() float64 { return float64(s.right) / float64(max(1, s.n)) }

// hourResult compares what was recorded with the truth.
type hourResult struct {
	truth, counted int
	missed         int                   // visits without a sighting
	extra          int                   // sightings beyond the first of a visit, or of none
	frames         map[field.Class]score // verdicts on single frames of things at rest
	sightings      map[field.Class]score // verdicts on visits; a missed one is wrong
}

func (r *hourResult) off() float64 { return 100 * float64(r.counted-r.truth) / float64(r.truth) }

// hourTravel is how long a thing of the field takes to come and to go, and a
// little more.
const hourTravel = 1300 * time.Millisecond

func compare(visits []field.Visit, records []wire.Record, frames []hourFrame) hourResult {
	r := hourResult{
		truth: len(visits), counted: len(records),
		frames: map[field.Class]score{}, sightings: map[field.Class]score{},
	}
	first := make([]*wire.Record, len(visits)) // the longest sighting of each
	for i := range records {
		k := visitOf(visits, &records[i])
		switch {
		case k < 0:
			r.extra++
		case first[k] == nil:
			first[k] = &records[i]
		default:
			r.extra++
			if records[i].Seconds > first[k].Seconds {
				first[k] = &records[i]
			}
		}
	}
	for k, v := range visits {
		if first[k] == nil {
			r.missed++
		}
		count(r.sightings, v.Thing.Class, first[k] != nil && string(first[k].Verdict) == string(v.Thing.Class))
		for _, f := range frames {
			if f.at.After(v.Arrive.Add(hourTravel)) && f.at.Before(v.Leave.Add(-hourTravel)) {
				count(r.frames, v.Thing.Class, string(f.verdict) == string(v.Thing.Class))
			}
		}
	}
	return r
}

func count(in map[field.Class]score, class field.Class, right bool) {
	s := in[class]
	s.n++
	if right {
		s.right++
	}
	in[class] = s
}

// visitOf is the visit that a sighting shares the most time with, -1 for none.
func visitOf(visits []field.Visit, r *wire.Record) int {
	best, most := -1, time.Duration(0)
	until := r.CapturedAt.Add(time.Duration(r.Seconds * float64(time.Second)))
	for k, v := range visits {
		from, to := v.Arrive, v.Leave
		if r.CapturedAt.After(from) {
			from = r.CapturedAt
		}
		if until.Before(to) {
			to = until
		}
		if shared := to.Sub(from); shared > most {
			best, most = k, shared
		}
	}
	return best
}

// hourTotals adds up the verdicts of all fields.
func hourTotals(results []hourResult) (frames, sightings score) {
	for _, r := range results {
		for _, class := range field.Classes() {
			frames.right, frames.n = frames.right+r.frames[class].right, frames.n+r.frames[class].n
			sightings.right, sightings.n = sightings.right+r.sightings[class].right, sightings.n+r.sightings[class].n
		}
	}
	return frames, sightings
}

func hourRow(c hourCase, r *hourResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %d | %v | %d | %d | %+.1f %% | %d | %d |", c.seed, c.pace, r.truth, r.counted, r.off(), r.missed, r.extra)
	for _, class := range field.Classes() {
		s, f := r.sightings[class], r.frames[class]
		fmt.Fprintf(&b, " %d/%d, %d/%d |", s.right, s.n, f.right, f.n)
	}
	return b.String()
}

// hourTable shows recall for each class as "by sighting, by single frame".
func hourTable(cases []hourCase, results []hourResult) string {
	var b strings.Builder
	fmt.Fprint(&b, "| seed | pace | visits | sightings | off | missed | extra |")
	for _, class := range field.Classes() {
		fmt.Fprintf(&b, " %s |", class)
	}
	fmt.Fprint(&b, "\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for i, c := range cases {
		fmt.Fprintln(&b, hourRow(c, &results[i]))
	}
	frames, sightings := hourTotals(results)
	fmt.Fprintf(&b, "right verdicts: %.2f of %d sightings, %.2f of %d single frames", sightings.share(), sightings.n, frames.share(), frames.n)
	return b.String()
}

package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/quality"
	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

// look is what a sketch takes of a good pumpkin.
func look() *sketch.Sight {
	return &sketch.Sight{Verdict: wire.Good, Probabilities: []float64{0.9, 0.1}, Novelty: 0.1,
		Look: quality.Report{Sharpness: 200, Light: quality.Light{Mean: 120, P5: 10, P99: 200}}}
}

func noonOf() time.Time { return time.Date(2026, 10, 4, 12, 0, 0, 0, time.UTC) }

func putSight(t *testing.T, s *Store, at time.Time, camera, model string, sight *sketch.Sight) {
	t.Helper()
	r := sighting(1, wire.Good)
	r.CapturedAt, r.Camera, r.Model = at, camera, model
	if _, err := s.Append(t.Context(), r, nil, 0, sight); err != nil {
		t.Fatal(err)
	}
}

// sketched lists the sketches of the hours: hour, camera, first letter of the
// model, and how many sightings each sums up.
func sketched(t *testing.T, s *Store) (text string) {
	t.Helper()
	hours, err := s.Hours(t.Context(), time.Time{}, 0, noonOf().Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hours {
		for _, one := range h.Sketches {
			sum, err := sketch.Decode(one.Data)
			if err != nil {
				t.Fatal(err)
			}
			text += fmt.Sprintf("%s %s %s %d, ", h.At.Format("15"), one.Camera, one.Model[:1], sum.Count())
		}
	}
	return text
}

func model(letter byte) string {
	id := make([]byte, 64)
	for i := range id {
		id[i] = letter
	}
	return string(id)
}

func TestSketchesOfAnHourSurviveARestart(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	s, stop := startUntil(t, opts, realDisk{})
	putSight(t, s, noonOf(), "north", model('a'), look())
	putSight(t, s, noonOf().Add(time.Minute), "south", model('a'), look())
	putSight(t, s, noonOf().Add(time.Minute), "south", model('a'), nil)
	stop()
	s = start(t, opts, realDisk{})
	putSight(t, s, noonOf().Add(2*time.Minute), "north", model('a'), look())
	putSight(t, s, noonOf().Add(3*time.Minute), "north", model('b'), look())
	putSight(t, s, noonOf().Add(time.Hour), "north", model('b'), look())
	if got, want := sketched(t, s), "12 north a 2, 12 south a 1, 12 north b 1, 13 north b 1, "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestADayOfManyModelsKeepsSummariesSmall(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	for _, letter := range []byte("abcdef") {
		putSight(t, s, noonOf(), "north", model(letter), look())
	}
	putSight(t, s, noonOf(), "north", model('c'), look())
	if got, want := sketched(t, s), "12 north a 1, 12 north b 1, 12 north c 2, "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestADamagedSketchCostsNoRecord(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	putSight(t, s, noonOf(), "north", model('a'), look())
	name := noonOf().Format(hourForm)
	err := s.db.Update(func(txn *badger.Txn) error {
		var hour storedHour
		if _, err := getJSON(txn, hourKey(name), &hour); err != nil {
			return err
		}
		hour.Sketches[0].Data = []byte("rust")
		return setJSON(txn, hourKey(name), &hour)
	})
	if err != nil {
		t.Fatal(err)
	}
	putSight(t, s, noonOf(), "north", model('a'), look())
	if got, want := sketched(t, s), "12 north a 1, "; got != want || s.Usage().Records != 2 {
		t.Errorf("%s, want %s; %d records", got, want, s.Usage().Records)
	}
}

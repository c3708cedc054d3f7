package ingest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strconv"
	"testing"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
)

func TestEveryChosenRecordIsExportedOnce(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		const many = 2*exportPage + 7 // pages end between records of one board
		for first := uint64(1); first <= many; first += 100 {
			if _, err := r.send(t, "b1", batch(t, "b1", first, min(first+99, many))); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.send(t, "b2", batch(t, "b2", 1, 3)); err != nil {
			t.Fatal(err)
		}
		lines := func(w Which) [][]string {
			t.Helper()
			var out bytes.Buffer
			if err := WriteCSV(t.Context(), r.db, w, &out); err != nil {
				t.Fatal(err)
			}
			all, err := csv.NewReader(&out).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			return all[1:]
		}
		for n, line := range lines(Which{Device: "b1"}) {
			if line[0] != "b1" || line[2] != strconv.Itoa(n+1) || line[3] != "north" || line[9] != "good" || line[11] != `{"good":1}` {
				t.Fatalf("line %d: %q", n, line)
			}
		}
		day := time.Date(at.Year(), at.Month(), at.Day(), 23, 0, 0, 0, time.UTC)
		for name, c := range map[string]struct {
			which Which
			want  int
		}{
			"all": {Which{}, many + 3}, "a board": {Which{Device: "b1"}, many}, "a site": {Which{Site: "north"}, many + 3}, "no such site": {Which{Site: "south"}, 0},
			"that day": {Which{From: day, Until: day}, many + 3}, "the day before": {Which{Until: day.AddDate(0, 0, -1)}, 0}, "the day after": {Which{From: day.AddDate(0, 0, 1)}, 0},
		} {
			if got := lines(c.which); len(got) != c.want {
				t.Errorf("%s: %d lines, expected are %d", name, len(got), c.want)
			}
		}
		if err := WriteCSV(t.Context(), r.db, Which{}, full{}); !errors.Is(err, errFull) {
			t.Errorf("a reader who is gone: %v", err)
		}
	})
}

var errFull = errors.New("full")

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

package store

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gourdian/internal/wire"
)

func TestQuerySelects(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	for n := range 6 {
		r := sighting(n, []wire.Verdict{wire.Good, wire.Bad, wire.Unsure}[n%3])
		r.Camera = []string{"north", "south"}[n%2]
		if _, err := s.Append(t.Context(), r, nil, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		query Query
		want  []uint64
	}{
		{"all, newest first", Query{}, []uint64{6, 5, 4, 3, 2, 1}},
		{"first page", Query{Limit: 2}, []uint64{6, 5}},
		{"next page", Query{Limit: 2, Before: 5}, []uint64{4, 3}},
		{"before the first", Query{Before: 1}, nil},
		{"camera", Query{Camera: "south"}, []uint64{6, 4, 2}},
		{"verdicts", Query{Verdicts: []wire.Verdict{wire.Bad, wire.Unsure}}, []uint64{6, 5, 3, 2}},
		{"page of a selection", Query{Verdicts: []wire.Verdict{wire.Good}, Limit: 1, Before: 4}, []uint64{1}},
		{"time is half open", Query{From: noon(1), To: noon(3)}, []uint64{3, 2}},
		{"nothing", Query{Camera: "west"}, nil},
	}
	for _, test := range tests {
		entries, err := s.Records(t.Context(), test.query)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		var got []uint64
		for _, e := range entries {
			got = append(got, e.Seq)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	for _, limit := range []int{-1, MaxLimit + 1} {
		if _, err := s.Records(t.Context(), Query{Limit: limit}); err == nil {
			t.Errorf("a limit of %d was accepted", limit)
		}
	}
	if _, err := s.Record(t.Context(), 7); !errors.Is(err, ErrNotFound) {
		t.Errorf("a record that is not there: %v", err)
	}
}

func TestDaysAreThoseOfTheBoardsZone(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	opts.Location = time.FixedZone("UTC-5", -5*3600)
	s := start(t, opts, realDisk{})
	for _, at := range []string{"2026-10-02T04:59:59Z", "2026-10-02T05:00:00Z", "2026-10-02T05:30:00Z"} {
		r := sighting(0, wire.Good)
		var err error
		if r.CapturedAt, err = time.Parse(time.RFC3339, at); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(t.Context(), r, nil, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	days, err := s.Days(t.Context(), 10)
	if err != nil || len(days) != 2 {
		t.Fatalf("%d days, %v", len(days), err)
	}
	if days[0].Date != "2026-10-02" || days[0].Hours[0][wire.Good] != 2 || days[1].Date != "2026-10-01" || days[1].Hours[23][wire.Good] != 1 {
		t.Errorf("days %+v", days)
	}
	if days, err = s.Days(t.Context(), 1); err != nil || len(days) != 1 || days[0].Date != "2026-10-02" {
		t.Errorf("newest day %+v, %v", days, err)
	}
	empty, err := s.Day(t.Context(), "2020-01-01")
	if err != nil || empty.Total != 0 || empty.Counts == nil || empty.Hours[5] == nil {
		t.Errorf("a day without sightings: %+v, %v", empty, err)
	}
	if _, err := s.Day(t.Context(), "yesterday"); err == nil {
		t.Error("a day that is none was accepted")
	}
}

func TestCorrections(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	seq := add(t, s, 1, wire.Good, 1000)
	for _, v := range []wire.Verdict{"", wire.Unsure} {
		if err := s.Correct(t.Context(), seq, v); !errors.Is(err, ErrVerdict) {
			t.Errorf("correction to %q: %v", v, err)
		}
	}
	if err := errors.Join(s.Correct(t.Context(), 9, wire.Bad), s.Uncorrect(t.Context(), 9)); !errors.Is(err, ErrNotFound) {
		t.Errorf("correction of a record that is not there: %v", err)
	}
	for _, v := range []wire.Verdict{wire.Bad, CantTell} {
		if err := s.Correct(t.Context(), seq, v); err != nil {
			t.Fatal(err)
		}
		e, err := s.Record(t.Context(), seq)
		if err != nil || e.Correction == nil || e.Correction.Verdict != v || e.Verdict != wire.Good {
			t.Errorf("corrected to %s: %+v, %v", v, e, err)
		}
	}
	for range 2 {
		if err := s.Uncorrect(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
		if e, err := s.Record(t.Context(), seq); err != nil || e.Correction != nil {
			t.Errorf("uncorrected: %+v, %v", e, err)
		}
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	opts.Location = time.FixedZone("UTC+2", 2*3600)
	s := start(t, opts, realDisk{})
	for n := range 3 {
		r := sighting(n, wire.Good)
		if n == 1 {
			r.Verdict = "=HYPERLINK(\"x\")" // a class of a custom task
		}
		if _, err := s.Append(t.Context(), r, nil, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Correct(t.Context(), 2, wire.Bad); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Export(t.Context(), &out, noon(1), time.Time{}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 3 || !slices.Equal(rows[0], exportColumns()) {
		t.Fatalf("%q, %v", rows, err)
	}
	want := []string{"2", "2026-10-01T12:01:00Z", "2026-10-01 14:01:00", "north", "left", "'=HYPERLINK(\"x\")", "",
		"bad", "0.7500", "0.2000", "7", "3.5000", "synced"}
	if got := rows[2][:len(want)]; !slices.Equal(got, want) {
		t.Errorf("row %q, want %q", got, want)
	}
	broken := errors.New("the browser went away")
	if err := s.Export(t.Context(), failingWriter{broken}, time.Time{}, time.Time{}); !errors.Is(err, broken) {
		t.Errorf("export to a broken pipe: %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestNonsenseIsNotStored(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	r := sighting(1, wire.Good)
	r.Camera = "../x"
	if _, err := s.Append(t.Context(), r, jpeg(1, 100), 0, nil); !errors.Is(err, wire.ErrRecord) {
		t.Errorf("append: %v", err)
	}
	if err := s.SaveSettings(t.Context(), make([]byte, maxSettings+1)); err == nil {
		t.Error("settings gone wild were accepted")
	}
	if u := s.Usage(); u.Records != 0 || u.Pictures != 0 {
		t.Errorf("usage %+v", u)
	}
}

func TestCallsWithoutRunEnd(t *testing.T) {
	t.Parallel()
	s, err := Open(small(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Append(ctx, sighting(1, wire.Good), jpeg(1, 100), 0, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("append with a context that is done: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Append(t.Context(), sighting(1, wire.Good), jpeg(1, 100), 0, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed store: %v", err)
	}
	if left, _ := os.ReadDir(s.arrivals()); len(left) > 0 {
		t.Errorf("%d arrivals are left", len(left))
	}
}

func TestRunCanStartAgain(t *testing.T) {
	t.Parallel()
	s, err := Open(small(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		add(t, s, 1, wire.Good, 100)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

func TestNewerFormatAndBadDeviceAreRefused(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	device := filepath.Join(opts.Dir, deviceName)
	if err := os.WriteFile(device, []byte("not hex\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(opts); err == nil {
		t.Error("a damaged device id was accepted")
	}
	if err := os.WriteFile(device, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, stop := startUntil(t, opts, realDisk{})
	err := s.change(t.Context(), &request{edit: func(b *batch) error {
		return b.txn.Set(metaKey(metaFormat), []byte{format + 1})
	}})
	if err != nil || s.Device() != "0123456789abcdef" {
		t.Errorf("device %s, %v", s.Device(), err)
	}
	stop()
	if _, err := Open(opts); !errors.Is(err, ErrFormat) {
		t.Errorf("a newer format: %v", err)
	}
}

// TestFormat1IsReadForEver holds values as they were written on 2026-11-24.
func TestFormat1IsReadForEver(t *testing.T) {
	t.Parallel()
	var r wire.Record
	err := decodeValue([]byte("\x01"+`{"device":"0123456789abcdef","seq":3,"verdict":"bad","captured_at":"2026-10-01T12:00:00Z"}`), &r)
	if err != nil || r.Seq != 3 || r.Verdict != wire.Bad || !r.CapturedAt.Equal(noon(0)) {
		t.Errorf("record %+v, %v", r, err)
	}
	var d storedDay
	if err := decodeValue([]byte("\x01"+`{"hours":[{"bad":2},null,null]}`), &d); err != nil || d.day("x").Counts[wire.Bad] != 2 {
		t.Errorf("day %+v, %v", d, err)
	}
	var c Correction
	if err := decodeValue([]byte("\x01"+`{"verdict":"good","at":"2026-10-01T12:00:00Z"}`), &c); err != nil || c.Verdict != wire.Good {
		t.Errorf("correction %+v, %v", c, err)
	}
	p, err := decodeShelved([]byte{2, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 0})
	if err != nil || p != (shelved{worth: worthMuch, seq: 9, size: 256}) {
		t.Errorf("shelved of format 2: %+v, %v", p, err)
	}
	p, err = decodeShelved([]byte{4, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 7})
	if err != nil || p != (shelved{worthWanted, 9, 256, 7}) {
		t.Errorf("shelved %+v, %v", p, err)
	}
	for _, bad := range []string{"", "\x02{}", "\x01{"} {
		if err := decodeValue([]byte(bad), &r); err == nil {
			t.Errorf("the value %q was accepted", bad)
		}
	}
}

// FuzzShelved reads entries as a damaged disk may give them.
func FuzzShelved(f *testing.F) {
	f.Add(shelved{worthMuch, 9, 256, 7}.encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodeShelved(data)
		if err == nil && !bytes.Equal(p.encode()[:len(data)], data) {
			t.Errorf("% x was read as %+v", data, p)
		}
		if h, err := decodeShelfKey(data); err == nil && !bytes.HasSuffix(data, h[:]) {
			t.Errorf("% x was read as %s", data, h)
		}
	})
}

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/internal/wire"
)

// start opens a store, runs it, and stops both when the test ends.
func start(t *testing.T, opts Options, d disk) *Store {
	t.Helper()
	s, stop := startUntil(t, opts, d)
	t.Cleanup(stop)
	return s
}

// startUntil is start with the end in the test's hand; calling stop twice does
// no harm.
func startUntil(t *testing.T, opts Options, d disk) (*Store, func()) {
	t.Helper()
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	s, err := open(opts, d)
	if err != nil {
		t.Fatal(err)
	}
	return s, run(t, s)
}

func run(t *testing.T, s *Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	})
}

// small are options for a test: little memory, little disk.
func small(dir string) Options {
	return Options{Dir: dir, MemTableMB: 1, BlockCacheMB: 1, ValueLogMB: 1, MinFreeMB: 4, ReserveMB: 2}
}

// noon is the field clock of the n-th test record: one a minute.
func noon(n int) time.Time {
	return time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
}

func sighting(n int, v wire.Verdict) wire.Record {
	r := wire.Record{
		Boot: "boot", CapturedAt: noon(n), WallAt: noon(n), Clock: wire.ClockSynced,
		Camera: "north", Zone: "left", Frames: 7, Seconds: 3.5,
		Model: fmt.Sprintf("%064x", 1), Preprocess: "area 1", Variant: "fp32",
		Probabilities: map[string]float64{"good": 0.75, "bad": 0.25}, Novelty: 0.2, Verdict: v,
	}
	if v == wire.Unsure {
		r.Reason = wire.ReasonLowConfidence
	}
	return r
}

// jpeg returns bytes that stand for the n-th picture; the store never decodes.
func jpeg(n, size int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%08d", n)), size/8+1)[:size]
}

func add(t *testing.T, s *Store, n int, v wire.Verdict, size int) uint64 {
	t.Helper()
	seq, err := s.Append(t.Context(), sighting(n, v), jpeg(n, size), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func read(t *testing.T, s *Store, hash string) ([]byte, error) {
	t.Helper()
	f, err := s.Picture(hash)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func TestMain(m *testing.M) {
	for env, child := range map[string]func(string) error{childEnv: appender, syncedEnv: appendSynced} {
		if dir := os.Getenv(env); dir != "" {
			if err := child(dir); err != nil {
				fmt.Println("failed", err)
				os.Exit(1)
			}
			return
		}
	}
	goleak.VerifyTestMain(m)
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := startUntil(t, small(dir), realDisk{})
	device, epoch := s.Device(), s.Epoch()
	verdicts := []wire.Verdict{wire.Good, wire.Bad, wire.Unsure, wire.Good}
	for n, v := range verdicts {
		if seq := add(t, s, n, v, 1000); seq != uint64(n+1) {
			t.Fatalf("append %d got the number %d", n, seq)
		}
	}
	if err := s.Correct(t.Context(), 2, wire.Regular); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveSettings(t.Context(), []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	before := s.Usage()
	stop()

	s = start(t, small(dir), realDisk{})
	if s.Device() != device || s.Epoch() != epoch {
		t.Error("device or epoch changed")
	}
	if after := s.Usage(); after != before {
		t.Errorf("usage was %+v, is %+v", before, after)
	}
	entries, err := s.Records(t.Context(), Query{})
	if err != nil || len(entries) != len(verdicts) {
		t.Fatalf("%d records, %v", len(entries), err)
	}
	for i, e := range entries {
		n := len(verdicts) - 1 - i
		want := sighting(n, verdicts[n])
		if e.Seq != uint64(n+1) || e.Verdict != want.Verdict || !e.CapturedAt.Equal(want.CapturedAt) || e.Device != device {
			t.Errorf("entry %d is %+v", i, e)
		}
		if got, err := read(t, s, e.Image); err != nil || !bytes.Equal(got, jpeg(n, 1000)) {
			t.Errorf("picture of %d: %d bytes, %v", e.Seq, len(got), err)
		}
	}
	if c := entries[2].Correction; c == nil || c.Verdict != wire.Regular {
		t.Errorf("correction %+v", c)
	}
	if data, err := s.LoadSettings(t.Context()); err != nil || string(data) != `{"a":1}` {
		t.Errorf("settings %s, %v", data, err)
	}
	day, err := s.Day(t.Context(), "2026-10-01")
	if err != nil || day.Total != 4 || day.Counts[wire.Good] != 2 || day.Hours[12][wire.Bad] != 1 {
		t.Errorf("day %+v, %v", day, err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, stop := startUntil(t, small(dir), realDisk{})
	if _, err := Open(small(dir)); !errors.Is(err, ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	stop()
	start(t, small(dir), realDisk{})
}

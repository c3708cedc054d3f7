package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"gourdian/internal/wire"
)

func TestDamagedPictureIsMissingAndNothingElse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(path string) error
	}{
		{"torn by a power cut", func(p string) error { return os.Truncate(p, 500) }},
		{"empty after a power cut", func(p string) error { return os.Truncate(p, 0) }},
		{"taken away", os.Remove},
		{"altered", func(p string) error { return os.WriteFile(p, jpeg(99, 1000), 0o600) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opts := small(t.TempDir())
			s, stop := startUntil(t, opts, realDisk{})
			add(t, s, 1, wire.Bad, 1000)
			add(t, s, 2, wire.Bad, 1000)
			e, err := s.Record(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			h, err := parseHash(e.Image)
			if err != nil {
				t.Fatal(err)
			}
			stop()
			if err := test.damage(s.place(h)); err != nil {
				t.Fatal(err)
			}
			s = start(t, opts, realDisk{})
			if _, err := s.Picture(e.Image); !errors.Is(err, ErrNotFound) {
				t.Errorf("damaged picture: %v", err)
			}
			entries, err := s.Records(t.Context(), Query{})
			if err != nil || len(entries) != 2 {
				t.Errorf("%d records, %v", len(entries), err)
			}
			if _, err := read(t, s, entries[0].Image); err != nil {
				t.Errorf("the other picture: %v", err)
			}
			add(t, s, 1, wire.Bad, 1000) // the same picture again heals it
			if got, err := read(t, s, e.Image); err != nil || !bytes.Equal(got, jpeg(1, 1000)) {
				t.Errorf("picture after it came again: %v", err)
			}
			checkConsistent(t, s, 3)
		})
	}
}

func TestOddPictureNamesAreNotFound(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	for _, name := range []string{"", "..", "../../device", "../records/MANIFEST", "ABCDEF", string(make([]byte, 64))} {
		if _, err := s.Picture(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("Picture(%q): %v", name, err)
		}
	}
}

// TestArrivalsAfterPowerCut lays out what a power cut can leave among the
// arrivals.
func TestArrivalsAfterPowerCut(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	s, stop := startUntil(t, opts, realDisk{})
	add(t, s, 1, wire.Bad, 1000)
	e, err := s.Record(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHash(e.Image)
	if err != nil {
		t.Fatal(err)
	}
	arrivals := s.arrivals()
	stop()
	// Record 1's rename did not reach the disk.
	if err := os.Rename(s.place(h), filepath.Join(arrivals, e.Image+".1")); err != nil {
		t.Fatal(err)
	}
	// Pictures whose records were never committed: whole, torn, with odd names.
	never := s.arrivals() + "/" + hash{1}.String() + ".2"
	for path, data := range map[string][]byte{
		never:                                 jpeg(2, 1000),
		filepath.Join(arrivals, e.Image+".3"): jpeg(1, 1000)[:400],
		filepath.Join(arrivals, "odd"):        nil,
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, opts, realDisk{})
	if got, err := read(t, s, e.Image); err != nil || !bytes.Equal(got, jpeg(1, 1000)) {
		t.Errorf("record 1's picture: %v", err)
	}
	if left, _ := os.ReadDir(arrivals); len(left) > 0 {
		t.Errorf("%d arrivals are left", len(left))
	}
	checkConsistent(t, s, 1)
}

func TestPictureThatCannotMoveIsShownAndMovesAtTheNextStart(t *testing.T) {
	t.Parallel()
	d := newFaultyDisk()
	opts := small(t.TempDir())
	s, stop := startUntil(t, opts, d)
	d.order("rename", fs.ErrPermission)
	e, err := s.Record(t.Context(), add(t, s, 1, wire.Bad, 1000))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, s, e.Image); err != nil {
		t.Errorf("picture among the arrivals: %v", err)
	}
	stop()
	s = start(t, opts, realDisk{})
	if _, err := read(t, s, e.Image); err != nil {
		t.Errorf("picture after a restart: %v", err)
	}
	checkConsistent(t, s, 1)
}

func TestLostRecordsStartAnEpochAndCountOldPictures(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	s, stop := startUntil(t, opts, realDisk{})
	for n := range 3 {
		add(t, s, n, wire.Bad, 1000)
	}
	device, epoch := s.Device(), s.Epoch()
	stop()
	if err := os.RemoveAll(filepath.Join(opts.Dir, recordsName)); err != nil {
		t.Fatal(err)
	}
	s = start(t, opts, realDisk{})
	if s.Device() != device || s.Epoch() == epoch {
		t.Errorf("device %s, was %s; epoch %s, was %s", s.Device(), device, s.Epoch(), epoch)
	}
	if u := s.Usage(); u.Records != 0 || u.Pictures != 3 || u.PictureBytes != 3000 {
		t.Errorf("usage %+v", u)
	}
	if seq := add(t, s, 7, wire.Good, 1000); seq != 1 {
		t.Errorf("the first number of the epoch is %d", seq)
	}
}

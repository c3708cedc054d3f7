package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gourdian/internal/wire"
)

func TestErasedPictureIsGoneAndItsRecordStays(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	s, stop := startUntil(t, opts, realDisk{})
	add(t, s, 1, wire.Bad, 100)
	add(t, s, 2, wire.Bad, 100)
	c, err := s.Candidate(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	choose(t, s, 2, chooseOf(t, s, 1, wire.WhyUnsure))
	before := s.Usage()
	if found, err := s.Erase(t.Context(), c.Image); err != nil || !found {
		t.Fatalf("found %v, %v", found, err)
	}
	if after := s.Usage(); after.Pictures != before.Pictures-1 || after.PictureBytes != before.PictureBytes-100 || after.LastSeq != 2 {
		t.Errorf("%+v became %+v", before, after)
	}
	if found, err := s.Erase(t.Context(), c.Image); err != nil || found {
		t.Errorf("a second time: found %v, %v", found, err)
	}
	stop()
	s, stop = startUntil(t, opts, realDisk{})
	defer stop()
	if _, err := s.Picture(c.Image); !errors.Is(err, ErrNotFound) {
		t.Errorf("after a restart: %v", err)
	}
	if r, err := s.Record(t.Context(), 1); err != nil || r.Image != c.Image {
		t.Errorf("its record: %+v, %v", r, err)
	}
	if letters, err := s.Outbox(t.Context(), 0, 10, 1<<20); err != nil || len(letters.Records) != 2 {
		t.Errorf("%d records for the hub, %v", len(letters.Records), err)
	}
}

// TestErasureThatWasCutOffIsDoneByTheNextOne: killed between the entry and the
// file, or with the picture still among the arrivals, nothing of it stays.
func TestErasureThatWasCutOffIsDoneByTheNextOne(t *testing.T) {
	t.Parallel()
	s, stop := startUntil(t, small(t.TempDir()), realDisk{})
	defer stop()
	add(t, s, 1, wire.Bad, 100)
	c, err := s.Candidate(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Erase(t.Context(), c.Image); err != nil {
		t.Fatal(err)
	}
	h, err := parseHash(c.Image)
	if err != nil {
		t.Fatal(err)
	}
	left := []string{s.place(h), filepath.Join(s.arrivals(), c.Image+".7")}
	for _, path := range left {
		if err := os.WriteFile(path, []byte("what a kill left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := s.Erase(t.Context(), c.Image); err != nil || !found {
		t.Fatalf("found %v, %v", found, err)
	}
	for _, path := range left {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}

func TestErasureThatTheDiskRefusesIsNotReported(t *testing.T) {
	t.Parallel()
	disk := newFaultyDisk()
	s, stop := startUntil(t, small(t.TempDir()), disk)
	defer stop()
	add(t, s, 1, wire.Bad, 100)
	c, err := s.Candidate(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	disk.order("remove", errors.New("injected"))
	if _, err := s.Erase(t.Context(), c.Image); err == nil {
		t.Error("a file that could not be removed counts as erased")
	}
	disk.order("remove", nil)
	if found, err := s.Erase(t.Context(), c.Image); err != nil || !found {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := s.Erase(t.Context(), "../../etc/passwd"); err == nil {
		t.Error("a path is taken for a picture")
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Erase takes a picture away for good, by its SHA-256 in lower-case hex, and
// reports whether it was here. The records that show it stay. When it returns,
// a power cut does not bring the picture back; cut off before, the next call
// does the rest.
func (s *Store) Erase(ctx context.Context, name string) (found bool, err error) {
	h, err := parseHash(name)
	if err != nil {
		return false, fmt.Errorf("erase picture: %w", err)
	}
	if f, err := s.openPicture(h); err == nil {
		found = true
		if err := f.Close(); err != nil {
			return false, fmt.Errorf("erase picture: %w", err)
		}
	}
	// The file goes first, as where room is made: an entry without a file is
	// tolerated, a file without an entry would stay.
	err = s.change(ctx, &request{edit: func(b *batch) error {
		p, ok, err := b.shelved(h)
		if err != nil || !ok {
			return err
		}
		return s.takeAway(b, h, p)
	}})
	if err == nil {
		err = s.eraseFiles(h)
	}
	if err != nil {
		return false, fmt.Errorf("erase picture: %w", err)
	}
	return found, nil
}

// eraseFiles takes away what lies of a picture without an entry, or among the
// arrivals, and waits until the disk has forgotten it.
func (s *Store) eraseFiles(h hash) error {
	waiting, err := filepath.Glob(filepath.Join(s.arrivals(), h.String()+".*"))
	if err != nil {
		return err
	}
	for _, path := range append(waiting, s.place(h)) {
		if err := s.disk.remove(path); err != nil {
			return err
		}
	}
	for _, folder := range []string{s.arrivals(), filepath.Dir(s.place(h))} {
		if err := s.disk.syncFolder(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

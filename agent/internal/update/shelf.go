package update

import (
	"errors"
	"io"
	"os"

	"gourdian/internal/bundle"
	"gourdian/internal/wire"
)

// shelf finds pieces in the bundles that a board has already.
type shelf struct{ places map[string]place }

type place struct {
	path string
	at   int64
	n    int
}

// newShelf looks through bundles. One that can't be read offers nothing.
func newShelf(paths ...string) *shelf {
	s := &shelf{places: map[string]place{}}
	for _, path := range paths {
		if path != "" {
			_ = s.add(path) // it is a saving, no need
		}
	}
	return s
}

func (s *shelf) add(path string) (err error) {
	b, err := bundle.OpenPart(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	piece := make([]byte, wire.MaxChunk)
	for _, f := range b.Manifest.Files {
		r, begin := b.Section(f)
		for at := int64(0); at < f.Size; at += wire.MaxChunk {
			n, err := io.ReadFull(r, piece[:min(wire.MaxChunk, f.Size-at)])
			if err != nil {
				return err
			}
			s.places[sumOf(piece[:n])] = place{path, begin + at, n}
		}
	}
	return nil
}

func (s *shelf) has(hash string) bool {
	_, ok := s.places[hash]
	return ok
}

// read returns a piece if it still lies where it was found.
func (s *shelf) read(hash string) ([]byte, bool) {
	p, ok := s.places[hash]
	if !ok {
		return nil, false
	}
	f, err := os.Open(p.path)
	if err != nil {
		return nil, false
	}
	defer func() { _ = f.Close() }() // only read
	data := make([]byte, p.n)
	if _, err := f.ReadAt(data, p.at); err != nil || sumOf(data) != hash {
		return nil, false
	}
	return data, true
}

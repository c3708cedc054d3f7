package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MarkerName is the file beside a manifest in which a generator says that its
// pictures are no photos.
const MarkerName = "dataset.json"

// maxMarker bounds the marker, in bytes.
const maxMarker = 64 << 10

// Kinds of pictures, as a bundle's provenance names them.
const (
	KindPhotos   = "photos"
	KindRendered = "rendered"
	KindMixed    = "mixed"
)

// Marker is what a data set says of itself. A set without one holds photos.
type Marker struct {
	Format int    `json:"format"` // 1
	Kind   string `json:"kind"`   // KindRendered or KindPhotos
	Source string `json:"source"` // generator with its version, or who took the photos
	Seed   uint64 `json:"seed"`   // of the generator
}

// Kind says what the pictures are.
func (s *Set) Kind() string {
	if s.Marker == nil {
		return KindPhotos
	}
	return s.Marker.Kind
}

func readMarker(root *os.Root) (*Marker, error) {
	f, err := root.Open(MarkerName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", MarkerName, unwrapPath(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMarker+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", MarkerName, unwrapPath(err))
	}
	return parseMarker(data)
}

func parseMarker(data []byte) (*Marker, error) {
	var m Marker
	if len(data) > maxMarker {
		return nil, fmt.Errorf("%s is larger than %d KiB", MarkerName, maxMarker>>10)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("read %s: %w", MarkerName, err)
	}
	switch {
	case m.Format != 1:
		return nil, fmt.Errorf("%s has format %d, this program reads 1: update it", MarkerName, m.Format)
	case m.Kind != KindPhotos && m.Kind != KindRendered && m.Kind != KindMixed:
		return nil, fmt.Errorf("%s: kind is %.20q, want %q, %q or %q", MarkerName, m.Kind, KindRendered, KindPhotos, KindMixed)
	}
	return &m, nil
}

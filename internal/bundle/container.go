package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Limits of a bundle. They bound memory and time before anything is believed.
const (
	MaxSize     = 256 << 20 // bytes of the whole container
	MaxManifest = 1 << 20   // bytes of the manifest
	MaxFiles    = 256       // entries beside the manifest
	maxName     = 100       // bytes of a name, the USTAR name field
)

const (
	manifestName = "manifest.json"
	blockSize    = 512           // tar works in blocks
	trailerSize  = 2 * blockSize // of zeros, at the end
)

// checkName allows lower-case names with at most one folder, so that no name
// means anything to a file system but itself.
func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("%w: entry name of %d bytes, allowed are 1 to %d", ErrManifest, len(name), maxName)
	}
	parts := strings.Split(name, "/")
	if len(parts) > 2 {
		return fmt.Errorf("%w: entry name %q has more than one folder", ErrManifest, name)
	}
	for _, part := range parts {
		if part == "" || part[0] == '.' {
			return fmt.Errorf("%w: entry name %q has a part that is empty or begins with '.'", ErrManifest, name)
		}
		for _, c := range part {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
				return fmt.Errorf("%w: entry name %q: only a-z, 0-9, '.', '_' and '-' are allowed", ErrManifest, name)
			}
		}
	}
	if name == manifestName {
		return fmt.Errorf("%w: a file can't be called %s", ErrManifest, manifestName)
	}
	return nil
}

// header is the one way to write an entry: a plain file with no time and no
// owner. Reading compares whole headers, so links, long names and every other
// feature of tar are refused by being different.
func header(name string, size int64) *tar.Header {
	return &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     name,
		Size:     size,
		Mode:     0o644,
		ModTime:  time.Unix(0, 0),
		Format:   tar.FormatUSTAR,
	}
}

func headerBlock(name string, size int64) ([]byte, error) {
	var block bytes.Buffer
	if err := tar.NewWriter(&block).WriteHeader(header(name, size)); err != nil {
		return nil, fmt.Errorf("write header of %s: %w", name, err)
	}
	return block.Bytes(), nil
}

// padded is the room that size bytes take in the container.
func padded(size int64) int64 { return (size + blockSize - 1) / blockSize * blockSize }

// container walks the entries of an untrusted file in the order in which they
// must stand.
type container struct {
	r    io.ReaderAt
	size int64
	at   int64 // where the next header must begin
}

// enter checks that the next entry is that one, steps over it and returns
// where its bytes begin.
func (c *container) enter(f File) (int64, error) {
	want, err := headerBlock(f.Name, f.Size)
	if err != nil {
		return 0, err
	}
	got, err := c.read(c.at, blockSize)
	if err != nil {
		return 0, err
	}
	if !bytes.Equal(got, want) {
		return 0, c.explain(f.Name)
	}
	begin := c.at + blockSize
	end := begin + padded(f.Size)
	if end > c.size {
		return 0, fmt.Errorf("%w: %s is cut off", ErrFormat, f.Name)
	}
	padding, err := c.read(begin+f.Size, end-begin-f.Size)
	if err != nil {
		return 0, err
	}
	if !allZero(padding) {
		return 0, fmt.Errorf("%w: bytes hidden behind %s", ErrExtra, f.Name)
	}
	c.at = end
	return begin, nil
}

// explain says what stands where the named entry should.
func (c *container) explain(name string) error {
	found, err := tar.NewReader(io.NewSectionReader(c.r, c.at, c.size-c.at)).Next()
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %s: the container ends before it", ErrMissing, name)
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrFormat, name, err)
	case found.Typeflag != tar.TypeReg:
		return fmt.Errorf("%w: %q is not a plain file", ErrFormat, found.Name)
	case found.Name != name:
		return fmt.Errorf("%w: %s: %q stands in its place", ErrMissing, name, found.Name)
	}
	return fmt.Errorf("%w: header of %s is not written as the manifest and the format say", ErrFormat, name)
}

// finish checks that nothing but the trailer follows.
func (c *container) finish() error {
	trailer, err := c.read(c.at, min(trailerSize, c.size-c.at))
	if err != nil {
		return err
	}
	if !allZero(trailer) {
		return fmt.Errorf("%w: the container goes on after the last file of its manifest", ErrExtra)
	}
	if left := c.size - c.at; left < trailerSize {
		return fmt.Errorf("%w: cut off within the trailer", ErrFormat)
	} else if left > trailerSize {
		return fmt.Errorf("%w: %d bytes after the trailer", ErrExtra, left-trailerSize)
	}
	return nil
}

func (c *container) read(at, n int64) ([]byte, error) {
	if at+n > c.size {
		return nil, fmt.Errorf("%w: ends at byte %d, should go on", ErrFormat, c.size)
	}
	out := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(c.r, at, n), out); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: shorter than it claims", ErrFormat)
	} else if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	return out, nil
}

func allZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

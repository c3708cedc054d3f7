package bundle

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Build writes a bundle of m and the files that it names, and returns its id.
// It fills in m's Format and Files and sorts its variants, in a copy. What
// Open would refuse is refused here, with the same errors, before a byte is
// written. The same inputs give the same bytes.
func Build(w io.Writer, m Manifest, files map[string][]byte) (id string, err error) {
	names := slices.Sorted(maps.Keys(files))
	m.Format = Format
	m.Files = make([]File, 0, len(names))
	for _, name := range names {
		m.Files = append(m.Files, File{name, int64(len(files[name])), hashOf(files[name])})
	}
	m.Variants = slices.SortedFunc(slices.Values(m.Variants), func(a, b Variant) int {
		return bytes.Compare([]byte(a.Name), []byte(b.Name))
	})
	if err := m.validate(); err != nil {
		return "", fmt.Errorf("build bundle: %w", err)
	}
	manifest, err := m.canonical()
	if err != nil {
		return "", fmt.Errorf("build bundle: %w", err)
	}
	if len(manifest) > MaxManifest {
		return "", fmt.Errorf("build bundle: %w: manifest of %d bytes", ErrTooLarge, len(manifest))
	}
	if err := m.checkContents(func(f File) ([]byte, error) { return files[f.Name], nil }); err != nil {
		return "", fmt.Errorf("build bundle: %w", err)
	}
	if err := write(w, manifest, m.Files, files); err != nil {
		return "", fmt.Errorf("write bundle: %w", err)
	}
	return hashOf(manifest), nil
}

func write(w io.Writer, manifest []byte, list []File, files map[string][]byte) error {
	archive := tar.NewWriter(w)
	if err := writeEntry(archive, manifestName, manifest); err != nil {
		return err
	}
	for _, f := range list {
		if err := writeEntry(archive, f.Name, files[f.Name]); err != nil {
			return err
		}
	}
	return archive.Close()
}

func writeEntry(archive *tar.Writer, name string, data []byte) error {
	if err := archive.WriteHeader(header(name, int64(len(data)))); err != nil {
		return err
	}
	_, err := archive.Write(data)
	return err
}

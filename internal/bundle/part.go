package bundle

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// OpenPart is Open for a bundle that may lack the files of some variants: a
// board takes those alone that it can run. The manifest is whole, so the id is
// that of the whole bundle; Manifest.Variants and Manifest.Files of the result
// hold what is there. A variant is there with all of its files or not at all,
// and one at least is: everything else is refused as Open refuses it.
func OpenPart(path string) (*Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	b, err := openFile(f, true)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open bundle %s: %w", path, err)
	}
	b.close = f.Close
	return b, nil
}

// ParseManifest reads and checks the bytes of a manifest alone, and returns its
// bundle's id with it.
func ParseManifest(data []byte) (id string, m *Manifest, err error) {
	if len(data) > MaxManifest {
		return "", nil, fmt.Errorf("%w: manifest of %d bytes", ErrTooLarge, len(data))
	}
	if m, err = parseManifest(data); err != nil {
		return "", nil, err
	}
	if err := m.validate(); err != nil {
		return "", nil, err
	}
	return hashOf(data), m, nil
}

// Part lists the files that a bundle with the named variants alone holds.
func (m *Manifest) Part(variants []string) []File {
	var out []File
	for _, f := range m.Files {
		owners := m.owners(f.Name)
		if len(owners) == 0 || slices.ContainsFunc(owners, func(v string) bool { return slices.Contains(variants, v) }) {
			out = append(out, f)
		}
	}
	return out
}

// owners are the variants that a file belongs to; none for one that belongs to
// all.
func (m *Manifest) owners(name string) (out []string) {
	for _, v := range m.Variants {
		if v.Graph == name || v.References == name {
			out = append(out, v.Name)
		}
	}
	return out
}

// WritePart writes the container of a manifest's bytes and of some files of it,
// in their order. Its reader opens it with OpenPart, which checks everything.
func WritePart(w io.Writer, manifest []byte, files []File, open func(File) (io.Reader, error)) error {
	archive := tar.NewWriter(w)
	if err := writeEntry(archive, manifestName, manifest); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	for _, f := range files {
		content, err := open(f)
		if err != nil {
			return fmt.Errorf("write %s of bundle: %w", f.Name, err)
		}
		if err := archive.WriteHeader(header(f.Name, f.Size)); err != nil {
			return fmt.Errorf("write %s of bundle: %w", f.Name, err)
		}
		if _, err := io.CopyN(archive, content, f.Size); err != nil {
			return fmt.Errorf("write %s of bundle: %w", f.Name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

// enterPart enters the files that are there and takes the variants whose files
// are not out of the manifest.
func (b *Bundle) enterPart(c *container) error {
	m := &b.Manifest
	var here []File
	absent := map[string]bool{}
	for _, f := range m.Files {
		begin, err := c.enter(f)
		owners := m.owners(f.Name)
		if errors.Is(err, ErrMissing) && len(owners) > 0 {
			for _, v := range owners {
				absent[v] = true
			}
			continue
		}
		if err != nil {
			return err
		}
		b.begin[f.Name] = begin
		here = append(here, f)
	}
	m.Variants = slices.DeleteFunc(m.Variants, func(v Variant) bool { return absent[v.Name] })
	if len(m.Variants) == 0 {
		return fmt.Errorf("%w: no variant is whole", ErrMissing)
	}
	for _, f := range here {
		if owners := m.owners(f.Name); len(owners) == 0 && !m.common(f.Name) {
			return fmt.Errorf("%w: %s belongs to a variant that is not whole", ErrMissing, f.Name)
		}
	}
	m.Files = here
	return nil
}

// common reports whether a file belongs to the bundle whatever its variants.
func (m *Manifest) common(name string) bool {
	return name == m.Trained || slices.ContainsFunc(m.Golden, func(g Golden) bool { return g.Tensor == name })
}

package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"gourdian/internal/verdict"
)

// Bundle is a bundle that passed every check. Its files stay where they are
// and are read, and hashed again, when they are asked for. Any number of
// goroutines may use it.
type Bundle struct {
	ID       string // SHA-256 of the manifest's bytes in lower-case hex
	Manifest Manifest

	r     io.ReaderAt
	begin map[string]int64 // of each file's bytes
	close func() error
}

// Open reads and checks a bundle file; see Read. Close it after use.
func Open(path string) (*Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	b, err := openFile(f, false)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open bundle %s: %w", path, err)
	}
	b.close = f.Close
	return b, nil
}

func openFile(f *os.File, part bool) (*Bundle, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a plain file", ErrFormat)
	}
	return examine(f, info.Size(), part)
}

// Read checks the bundle in the first size bytes of r and keeps r. The order
// is fixed, and the first fault is the error:
//
//  1. size of the container: ErrTooLarge
//  2. the first entry is a manifest of bearable size: ErrFormat, ErrTooLarge
//  3. the manifest's version, syntax, canonical form: ErrVersion, ErrManifest
//  4. what it says: ErrManifest, ErrTooLarge, ErrVariant, ErrExtra, ErrMissing
//  5. the entries, each in its place: ErrMissing, ErrFormat, ErrExtra
//  6. nothing after them: ErrExtra, ErrFormat
//  7. every file's SHA-256, in order: ErrHash
//  8. what the files hold, graphs excepted: ErrContent, ErrVariant
func Read(r io.ReaderAt, size int64) (*Bundle, error) { return examine(r, size, false) }

// examine is Read; a part may lack the files of variants, see OpenPart.
func examine(r io.ReaderAt, size int64, part bool) (*Bundle, error) {
	if size > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, size, int64(MaxSize))
	}
	c := &container{r: r, size: size}
	data, err := c.manifest()
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(data)
	if err != nil {
		return nil, err
	}
	if err := m.validate(); err != nil {
		return nil, err
	}
	b := &Bundle{ID: hashOf(data), Manifest: *m, r: r, begin: make(map[string]int64, len(m.Files))}
	if part {
		err = b.enterPart(c)
	} else {
		err = b.enter(c)
	}
	if err != nil {
		return nil, err
	}
	if err := c.finish(); err != nil {
		return nil, err
	}
	for _, f := range b.Manifest.Files {
		if err := b.verify(f); err != nil {
			return nil, err
		}
	}
	if err := b.Manifest.checkContents(b.read); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Bundle) enter(c *container) (err error) {
	for _, f := range b.Manifest.Files {
		if b.begin[f.Name], err = c.enter(f); err != nil {
			return err
		}
	}
	return nil
}

// manifest reads the first entry, whose size nothing but its header says.
func (c *container) manifest() ([]byte, error) {
	block, err := c.read(0, blockSize)
	if err != nil {
		return nil, err
	}
	first, err := tar.NewReader(bytes.NewReader(block)).Next()
	if err != nil || first.Name != manifestName || first.Typeflag != tar.TypeReg {
		return nil, fmt.Errorf("%w: it does not begin with a manifest", ErrFormat)
	}
	if first.Size > MaxManifest {
		return nil, fmt.Errorf("%w: the manifest claims %d bytes, at most %d are allowed", ErrTooLarge, first.Size, MaxManifest)
	}
	begin, err := c.enter(File{Name: manifestName, Size: first.Size})
	if err != nil {
		return nil, err
	}
	return c.read(begin, first.Size)
}

// Close releases the file. A Bundle from Read has nothing to release.
func (b *Bundle) Close() error {
	if b.close == nil {
		return nil
	}
	return b.close()
}

// File returns the bytes of a file; they are the caller's. The error wraps
// ErrMissing where the manifest lists no such file and ErrHash where it
// changed on disk since Open.
func (b *Bundle) File(name string) ([]byte, error) {
	for _, f := range b.Manifest.Files {
		if f.Name == name {
			return b.read(f)
		}
	}
	return nil, fmt.Errorf("read bundle: %w: %s", ErrMissing, name)
}

func (b *Bundle) read(f File) ([]byte, error) {
	data := make([]byte, f.Size)
	if _, err := io.ReadFull(b.section(f), data); err != nil {
		return nil, fmt.Errorf("read %s of bundle: %w", f.Name, err)
	}
	if hashOf(data) != f.SHA256 {
		return nil, fmt.Errorf("%w: %s", ErrHash, f.Name)
	}
	return data, nil
}

// verify hashes a file without holding it in memory.
func (b *Bundle) verify(f File) error {
	hash := sha256.New()
	if _, err := io.Copy(hash, b.section(f)); err != nil {
		return fmt.Errorf("read %s of bundle: %w", f.Name, err)
	}
	if hex.EncodeToString(hash.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: %s", ErrHash, f.Name)
	}
	return nil
}

// Section reads a file of the manifest without checking it again, and says where
// its bytes begin in the container.
func (b *Bundle) Section(f File) (content io.Reader, begin int64) {
	return b.section(f), b.begin[f.Name]
}

func (b *Bundle) section(f File) *io.SectionReader {
	return io.NewSectionReader(b.r, b.begin[f.Name], f.Size)
}

// Variant returns the named variant, or an error that wraps ErrVariant.
func (b *Bundle) Variant(name string) (Variant, error) {
	for _, v := range b.Manifest.Variants {
		if v.Name == name {
			return v, nil
		}
	}
	return Variant{}, fmt.Errorf("%w: there is no %q", ErrVariant, name)
}

// VerdictParams returns what a verdict.Decider of the named variant needs.
func (b *Bundle) VerdictParams(variant string) (verdict.Params, error) {
	v, err := b.Variant(variant)
	if err != nil {
		return verdict.Params{}, err
	}
	data, err := b.File(v.References)
	if err != nil {
		return verdict.Params{}, err
	}
	references, err := DecodeReferences(data, v.Neighbours)
	if err != nil {
		return verdict.Params{}, err
	}
	return b.Manifest.params(v, references), nil
}

// TrainedHashes returns the SHA-256 of every picture that trained the model.
func (b *Bundle) TrainedHashes() (HashSet, error) {
	data, err := b.File(b.Manifest.Trained)
	if err != nil {
		return HashSet{}, err
	}
	return DecodeHashes(data)
}

// CheckPreprocess reports, as an error that wraps ErrPreprocess, that this
// program prepares pictures in another way than the model was trained with.
// have is vision.PreprocessID() of this program.
func (b *Bundle) CheckPreprocess(have string) error {
	if want := b.Manifest.Preprocess; want != have {
		return fmt.Errorf("%w: the model needs %s, this program has %s: update this program", ErrPreprocess, want, have)
	}
	return nil
}

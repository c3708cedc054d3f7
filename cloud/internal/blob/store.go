package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"
)

// Kind is what a blob is; each has a folder of its own.
type Kind string

// Kinds of blobs.
const (
	Pictures Kind = "pictures"
	Bundles  Kind = "bundles"
	Datasets Kind = "datasets" // manifests
	// Artefacts are what steps of the pipeline left.
	Artefacts Kind = "artefacts"
)

// Errors of a store.
var (
	// ErrNotFound: there is no such blob.
	ErrNotFound = errors.New("no such file is kept")
	// ErrTooLarge: more bytes than the caller allows.
	ErrTooLarge = errors.New("the file is too large")
	// ErrDamaged: the bytes on disk are not those that were kept.
	ErrDamaged = errors.New("the file on disk is damaged")
	// ErrName: what should be a SHA-256 in lower-case hex is none.
	ErrName = errors.New("not the name of a file")
)

// Store keeps blobs in a folder. Any number of goroutines may use it.
type Store struct {
	dir    string
	bucket *blob.Bucket
}

// Open opens the store in a folder, which is made where it is missing.
func Open(dir string) (*Store, error) {
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{
		CreateDir: true, DirFileMode: 0o750,
		NoTempDir: true,                       // a rename never leaves the file system
		Metadata:  fileblob.MetadataDontWrite, // a second file beside each blob could be lost alone
	})
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return &Store{dir: dir, bucket: bucket}, nil
}

// Close releases the store.
func (s *Store) Close() error {
	if err := s.bucket.Close(); err != nil {
		return fmt.Errorf("close blobs: %w", err)
	}
	return nil
}

// Name is the name of a blob with these bytes.
func Name(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// IsName reports whether name could be one of a blob.
func IsName(name string) bool {
	if len(name) != 2*sha256.Size || strings.ToLower(name) != name {
		return false
	}
	_, err := hex.DecodeString(name)
	return err == nil
}

// key spreads the blobs over 256 folders: none grows beyond what file systems
// list quickly.
func key(kind Kind, name string) (string, error) {
	if !IsName(name) {
		return "", fmt.Errorf("%w: %.80q", ErrName, name)
	}
	return string(kind) + "/" + name[:2] + "/" + name, nil
}

// Put keeps bytes and returns their name.
func (s *Store) Put(ctx context.Context, kind Kind, data []byte) (string, error) {
	name := Name(data)
	return name, s.PutFrom(ctx, kind, name, int64(len(data)), bytes.NewReader(data))
}

// PutFrom keeps size bytes of r under the name that they must have. Errors wrap
// ErrDamaged where the bytes have another name or another length; nothing is
// kept then.
func (s *Store) PutFrom(ctx context.Context, kind Kind, name string, size int64, r io.Reader) error {
	at, err := key(kind, name)
	if err != nil {
		return err
	}
	if s.whole(ctx, at, size) {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before Close it gives the writing up
	w, err := s.bucket.NewWriter(ctx, at, &blob.WriterOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, size+1))
	if err == nil && (n != size || hex.EncodeToString(sum.Sum(nil)) != name) {
		err = fmt.Errorf("%w: %d bytes came, %d expected", ErrDamaged, n, size)
	}
	if err != nil {
		cancel()
		return fmt.Errorf("keep %s: %w", name, errors.Join(err, closeGivenUp(w)))
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return s.sync(at)
}

// whole reports whether a blob of that size is there already. That its bytes
// are right shows when they are read.
func (s *Store) whole(ctx context.Context, at string, size int64) bool {
	attributes, err := s.bucket.Attributes(ctx, at)
	return err == nil && attributes.Size == size
}

// closeGivenUp closes a writer whose context was cancelled: that it says so is
// no error.
func closeGivenUp(w *blob.Writer) error {
	if err := w.Close(); err != nil && gcerrors.Code(err) != gcerrors.Canceled && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// sync forces a blob and the folders that name it to disk.
func (s *Store) sync(at string) error {
	for path := filepath.Join(s.dir, filepath.FromSlash(at)); len(path) >= len(s.dir); path = filepath.Dir(path) {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("force %s to disk: %w", at, err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("force %s to disk: %w", at, err)
		}
	}
	return nil
}

// Get returns the bytes of a blob that has at most limit of them.
func (s *Store) Get(ctx context.Context, kind Kind, name string, limit int64) ([]byte, error) {
	r, size, err := s.Open(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	if size > limit {
		return nil, fmt.Errorf("read %s: %w: %d bytes, at most %d", name, ErrTooLarge, size, limit)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// Open returns a reader of a blob and its size. At the end it gives ErrDamaged
// instead of io.EOF where the bytes were not those of the name.
func (s *Store) Open(ctx context.Context, kind Kind, name string) (io.ReadCloser, int64, error) {
	at, err := key(kind, name)
	if err != nil {
		return nil, 0, err
	}
	r, err := s.bucket.NewReader(ctx, at, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, 0, fmt.Errorf("open %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", name, err)
	}
	return &checkedReader{ReadCloser: r, sum: sha256.New(), name: name}, r.Size(), nil
}

// Part returns n bytes of a blob from an offset. Whether they are right is for
// whoever knows their hash; ErrDamaged says that there are fewer.
func (s *Store) Part(ctx context.Context, kind Kind, name string, offset int64, n int) ([]byte, error) {
	at, err := key(kind, name)
	if err != nil {
		return nil, err
	}
	r, err := s.bucket.NewRangeReader(ctx, at, offset, int64(n), nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("open %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = r.Close() }() // only read
	data := make([]byte, n)
	switch _, err := io.ReadFull(r, data); {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, fmt.Errorf("read %s: %w: it ends before byte %d", name, ErrDamaged, offset+int64(n))
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// checkedReader hashes what it reads and compares at the end.
type checkedReader struct {
	io.ReadCloser
	sum  hash.Hash
	name string
}

// Read implements io.Reader.
func (r *checkedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(r.sum.Sum(nil)) != r.name {
		return n, ErrDamaged
	}
	return n, err
}

// Probe tries whether the store can keep anything now.
func (s *Store) Probe() error {
	for _, kind := range []Kind{Pictures, Bundles} {
		dir := filepath.Join(s.dir, string(kind))
		err := os.MkdirAll(dir, 0o750)
		var file *os.File
		if err == nil {
			file, err = os.CreateTemp(dir, ".probe-*")
		}
		if err == nil {
			err = errors.Join(file.Close(), os.Remove(file.Name()))
		}
		if err != nil {
			return fmt.Errorf("try to keep a file: %w", err)
		}
	}
	return nil
}

// Delete removes a blob for good; one that is not there is no error.
func (s *Store) Delete(ctx context.Context, kind Kind, name string) error {
	at, err := key(kind, name)
	if err != nil {
		return err
	}
	if err := s.bucket.Delete(ctx, at); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

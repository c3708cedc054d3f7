package blob

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, dir
}

func TestSameBytesAreKeptOnceAndComeBack(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	data := bytes.Repeat([]byte("pumpkin"), 5000)
	var name string
	for range 2 {
		var err error
		if name, err = s.Put(t.Context(), Pictures, data); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Put(t.Context(), Bundles, data); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), Pictures, name, int64(len(data)))
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes came back, %v", len(got), err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, string(Pictures), "*", "*")); err != nil || len(files) != 1 {
		t.Errorf("kept as %v, %v", files, err)
	}
	if _, err := s.Get(t.Context(), Pictures, name, int64(len(data))-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("beyond the limit: %v", err)
	}
}

func TestBytesOfAnotherNameAreNotKept(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	for what, tc := range map[string]struct {
		size int64
		data string
	}{"other bytes": {3, "abd"}, "too short": {3, "ab"}, "too long": {3, "abcd"}} {
		if err := s.PutFrom(t.Context(), Pictures, Name([]byte("abc")), tc.size, strings.NewReader(tc.data)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Get(t.Context(), Pictures, Name([]byte("abc")), 9); !errors.Is(err, ErrNotFound) {
		t.Errorf("it is there: %v", err)
	}
	left := 0
	if err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left++
		}
		return err
	}); err != nil || left > 0 {
		t.Errorf("%d files were left behind, %v", left, err)
	}
}

func TestRottenDiskIsAnErrorAndNoWrongPicture(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	name, err := s.Put(t.Context(), Pictures, []byte("abc"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, string(Pictures), name[:2], name)
	if err := os.WriteFile(path, []byte("abd"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), Pictures, name, 100); !errors.Is(err, ErrDamaged) {
		t.Errorf("read: %v", err)
	}
}

func TestNamesThatAreNoHashesReachNoFile(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "../secret", strings.Repeat("A", 64), strings.Repeat("a", 63), strings.Repeat("./", 32), strings.Repeat("g", 64)} {
		if _, err := s.Get(t.Context(), Pictures, name, 100); !errors.Is(err, ErrName) {
			t.Errorf("read %q: %v", name, err)
		}
		if err := s.Delete(t.Context(), Pictures, name); !errors.Is(err, ErrName) {
			t.Errorf("delete %q: %v", name, err)
		}
	}
}

func TestDeletedBlobIsGone(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	name, err := s.Put(t.Context(), Pictures, []byte("abc"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Delete(t.Context(), Pictures, name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get(t.Context(), Pictures, name, 100); !errors.Is(err, ErrNotFound) {
		t.Errorf("read: %v", err)
	}
}

func TestPartOfABlobIsReadWhereItLies(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	name, err := s.Put(t.Context(), Bundles, []byte("0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Part(t.Context(), Bundles, name, 3, 4); err != nil || string(got) != "3456" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := s.Part(t.Context(), Bundles, name, 8, 4); !errors.Is(err, ErrDamaged) {
		t.Errorf("beyond its end: %v", err)
	}
	if _, err := s.Part(t.Context(), Pictures, name, 0, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("of another kind: %v", err)
	}
}

package bundle

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// partOf writes the part of the sample with some of its files left out.
func partOf(t *testing.T, leave func(name string) bool) (path, id string) {
	t.Helper()
	m, files := sample(t)
	whole, id := build(t, m, files)
	list := entries(t, whole)
	kept := slices.DeleteFunc(list, func(e entry) bool { return leave(e.header.Name) })
	path = filepath.Join(t.TempDir(), "part.gourdian")
	if err := os.WriteFile(path, pack(t, kept), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, id
}

func TestPartWithoutAVariantKeepsTheIDAndIsStillRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	path, id := partOf(t, func(name string) bool { return name == "graphs/int8.onnx" || name == "references/int8.bin" })
	if b, err := Open(path); !errors.Is(err, ErrMissing) {
		t.Fatalf("Open took it: %v, %v", b, err)
	}
	b, err := OpenPart(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.ID != id || len(b.Manifest.Variants) != 1 || b.Manifest.Variants[0].Name != "fp32" || len(b.Manifest.Files) != 4 {
		t.Errorf("id %s, variants %+v, files %+v", b.ID, b.Manifest.Variants, b.Manifest.Files)
	}
	if _, err := b.VerdictParams("fp32"); err != nil {
		t.Error(err)
	}
	if _, err := b.VerdictParams("int8"); !errors.Is(err, ErrVariant) {
		t.Errorf("a variant that is not there: %v", err)
	}
}

func TestPartOfABundleThatLacksMoreThanVariantsIsRefused(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(string) bool{
		"half a variant":   func(n string) bool { return n == "graphs/int8.onnx" },
		"the other half":   func(n string) bool { return n == "references/fp32.bin" },
		"every variant":    func(n string) bool { return n[0] == 'g' && n[1] == 'r' || n[0] == 'r' },
		"a golden frame":   func(n string) bool { return n == "golden/0.rgb" },
		"the hashes":       func(n string) bool { return n == "trained.sha256" },
		"the manifest":     func(n string) bool { return n == manifestName },
		"all but manifest": func(n string) bool { return n != manifestName },
	} {
		path, _ := partOf(t, leave)
		if b, err := OpenPart(path); !errors.Is(err, ErrMissing) && !errors.Is(err, ErrFormat) {
			t.Errorf("without %s: %v, %v", name, b, err)
		}
	}
}

func TestDamagedPartIsRefused(t *testing.T) {
	t.Parallel()
	path, _ := partOf(t, func(name string) bool { return name == "graphs/int8.onnx" || name == "references/int8.bin" })
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("a graph"))
	data[at]++
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPart(path); !errors.Is(err, ErrHash) {
		t.Errorf("another graph: %v", err)
	}
	if err := os.WriteFile(path, data[:len(data)-700], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPart(path); !errors.Is(err, ErrFormat) {
		t.Errorf("a cut file: %v", err)
	}
}

func TestWrittenPartOpens(t *testing.T) {
	t.Parallel()
	m, files := sample(t)
	whole, id := build(t, m, files)
	manifest := entries(t, whole)[0].data
	parsed, read, err := ParseManifest(manifest)
	if err != nil || parsed != id {
		t.Fatalf("%s, %v", parsed, err)
	}
	path := filepath.Join(t.TempDir(), "part.gourdian")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	err = WritePart(f, manifest, read.Part([]string{"int8"}), func(file File) (io.Reader, error) { return bytes.NewReader(files[file.Name]), nil })
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := OpenPart(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.ID != id || len(b.Manifest.Variants) != 1 || b.Manifest.Variants[0].Name != "int8" {
		t.Errorf("%s %+v", b.ID, b.Manifest.Variants)
	}
	short := func(File) (io.Reader, error) { return bytes.NewReader(nil), nil }
	if err := WritePart(io.Discard, manifest, read.Part([]string{"int8"}), short); !errors.Is(err, io.EOF) {
		t.Errorf("content that is cut: %v", err)
	}
}

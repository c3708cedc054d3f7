package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWhatIsBuiltIsRead(t *testing.T) {
	t.Parallel()
	m, files := sample(t)
	data, id := build(t, m, files)
	path := filepath.Join(t.TempDir(), "model.gourdian")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.ID != id {
		t.Errorf("id %s, built %s", b.ID, id)
	}
	for name, want := range files {
		if got, err := b.File(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("file %s: %d bytes, error %v", name, len(got), err)
		}
	}
	if b.Manifest.Variants[0].Name != "fp32" || b.Manifest.Format != Format || b.Manifest.Name != m.Name {
		t.Errorf("manifest %+v", b.Manifest)
	}
	params, err := b.VerdictParams("int8")
	if err != nil {
		t.Fatal(err)
	}
	if params.Temperature != 1.5 || params.References.K != 1 || params.References.Len() != 3 || !slices.Equal(params.Classes, []string{"good", "bad"}) {
		t.Errorf("verdict parameters %+v", params)
	}
	trained, err := b.TrainedHashes()
	if err != nil || trained.Len() != 2 || !trained.Has(sha256.Sum256([]byte("a"))) || trained.Has(sha256.Sum256([]byte("c"))) {
		t.Errorf("trained hashes %v, error %v", trained, err)
	}
}

func TestSameInputsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	m, files := sample(t)
	first, id := build(t, m, files)
	m, files = sample(t)
	slices.Reverse(m.Variants)
	second, again := build(t, m, maps.Clone(files))
	if !bytes.Equal(first, second) || id != again {
		t.Error("the order in which variants are given changes the bundle")
	}
}

func TestBuildLeavesItsInputsAlone(t *testing.T) {
	t.Parallel()
	m, files := sample(t)
	build(t, m, files)
	if m.Format != 0 || m.Files != nil || m.Variants[0].Name != "int8" {
		t.Errorf("Build changed its caller's manifest: %+v", m)
	}
}

func TestAskingForWhatIsNotThere(t *testing.T) {
	t.Parallel()
	m, files := sample(t)
	data, _ := build(t, m, files)
	b, err := read(data)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.File("graphs/fp16.onnx")
	wantError(t, err, ErrMissing)
	_, err = b.VerdictParams("fp16")
	wantError(t, err, ErrVariant)
	if err := b.CheckPreprocess("square/1-0123456789ab"); err != nil {
		t.Error(err)
	}
	err = b.CheckPreprocess("square/2-ffffffffffff")
	wantError(t, err, ErrPreprocess)
	if !strings.Contains(err.Error(), "update this program") {
		t.Errorf("%q does not say what to do", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestFileChangedOnDiskAfterOpening(t *testing.T) {
	t.Parallel()
	m, files := sample(t)
	data, _ := build(t, m, files)
	b, err := read(data)
	if err != nil {
		t.Fatal(err)
	}
	data[bytes.Index(data, []byte("a graph"))]++
	_, err = b.File("graphs/fp32.onnx")
	wantError(t, err, ErrHash)
}

func TestToleranceFallsBackToAnyCPU(t *testing.T) {
	t.Parallel()
	v := Variant{Tolerance: map[string]float64{AnyCPU: 1, "arm64": 2}}
	if v.ToleranceFor("arm64") != 2 || v.ToleranceFor("x86-64-avx2") != 1 {
		t.Error("wrong tolerance")
	}
}

func TestFileThatCannotBeOpenedIsNoBundleError(t *testing.T) {
	t.Parallel()
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrBundle) {
		t.Errorf("error %v", err)
	}
	_, err := Open(t.TempDir())
	wantError(t, err, ErrFormat)
}

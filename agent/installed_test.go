package agent

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"gourdian/internal/bundle"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
)

// sampleBundle is a whole bundle of another preprocessing than this program's.
const sampleBundle = "../internal/bundle/testdata/format1.gourdian"

func TestRefusedModelLeavesTheOldOneInPlace(t *testing.T) {
	t.Parallel()
	damaged := filepath.Join(t.TempDir(), "damaged.gourdian")
	data, err := os.ReadFile(sampleBundle)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(damaged, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		why  error
	}{
		"missing":               {filepath.Join(t.TempDir(), "none"), os.ErrNotExist},
		"a folder":              {t.TempDir(), nil},
		"damaged":               {damaged, nil},
		"another preprocessing": {sampleBundle, bundle.ErrPreprocess},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			config := Config{Model: Model{Bundle: filepath.Join(dir, "model.gourdian")}}
			if err := os.WriteFile(config.Model.Bundle, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := InstallModel(config, c.file)
			if err == nil || c.why != nil && !errors.Is(err, c.why) {
				t.Errorf("InstallModel: %v", err)
			}
			left, _ := filepath.Glob(filepath.Join(dir, "*"))
			hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
			if old, err := os.ReadFile(config.Model.Bundle); len(left)+len(hidden) != 1 || err != nil || string(old) != "old" {
				t.Errorf("left %v %v: %q, %v", left, hidden, old, err)
			}
		})
	}
}

// wholeBundle writes the smallest bundle that this board may run.
func wholeBundle(t *testing.T) (path, id string) {
	t.Helper()
	embedding := make([]float32, 1280)
	embedding[3] = 1
	references, err := verdict.Quantise([][]float32{embedding, embedding}, 1)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "grade.gourdian")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	words := map[string]string{"en": "good", "es": "buena"}
	id, err = bundle.Build(file, bundle.Manifest{
		Task: bundle.TaskGrade, Name: "patch", Preprocess: vision.PreprocessID(), Backbone: "tiny 1",
		Classes: []bundle.Class{{Name: "good", Labels: words}, {Name: "bad", Labels: words}},
		Variants: []bundle.Variant{{Name: "fp32", Graph: "graph.onnx", Temperature: 1, Thresholds: []float64{0.5, 0.5},
			References: "references.bin", Neighbours: 1, Novelty: 0.5, Tolerance: map[string]float64{bundle.AnyCPU: 0.1}}},
		Golden: []bundle.Golden{{Tensor: "golden.rgb", Expected: map[string][]float32{"fp32": {1, 0}}}},
		Provenance: bundle.Provenance{Kind: bundle.KindRendered, Images: 2, Groups: 2,
			Classes: map[string]int{"good": 1, "bad": 1}, Sources: []string{"field 1"}},
		Trained: "trained.sha256",
	}, map[string][]byte{
		"graph.onnx": []byte("a graph"), "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes(nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	return path, id
}

func TestModelIsInstalledWholeForTheOwnerOfTheFolder(t *testing.T) {
	t.Parallel()
	file, id := wholeBundle(t)
	dir := t.TempDir()
	owner := os.Geteuid()
	if owner == 0 { // as with sudo: the service's folder is another's
		owner = 12345
		if err := os.Chown(dir, owner, owner); err != nil {
			t.Fatal(err)
		}
	}
	config := Config{Model: Model{Bundle: filepath.Join(dir, "model.gourdian")}}
	for _, replaced := range []bool{false, true} {
		done, err := InstallModel(config, file)
		if err != nil || done.ID != id || done.Name != "patch" || done.Path != config.Model.Bundle || done.Replaced != replaced {
			t.Fatalf("%+v, %v", done, err)
		}
	}
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if is, err := os.ReadFile(config.Model.Bundle); err != nil || !bytes.Equal(was, is) {
		t.Errorf("the copy is another file: %v", err)
	}
	info, err := os.Stat(config.Model.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Sys().(*syscall.Stat_t).Uid; int(got) != owner || info.Mode().Perm() != 0o640 {
		t.Errorf("the model is of user %d, with mode %v", got, info.Mode())
	}
}

func TestModelIsNotInstalledWhereNoAgentEverRan(t *testing.T) {
	t.Parallel()
	config := Config{Model: Model{Bundle: filepath.Join(t.TempDir(), "no", "model.gourdian")}}
	if _, err := InstallModel(config, sampleBundle); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("InstallModel: %v", err)
	}
}

func TestConfigOfThePackageIsForItsOwnProgram(t *testing.T) {
	t.Parallel()
	if got := DefaultFile("/home/maria/gourdian/bin/gourdian-agent"); got != "" {
		t.Errorf("a program of a checkout reads %q", got)
	}
}

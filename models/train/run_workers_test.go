//go:build workers

package train

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
	"gourdian/models"
	"gourdian/models/backbone"
	"gourdian/models/dataset"
)

// config trains with the real workers and a cache of its own.
func config(t *testing.T, data, task string) Config {
	t.Helper()
	return Config{
		Data: data, Task: task, Seed: 3, Checkpoint: testbed.Checkpoint(t), Cache: t.TempDir(), Workers: 2,
		Infer:    infer.Options{Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t)},
		Camera:   capture.Options{Program: testbed.Program(t, capture.Program)},
		Progress: func(string, int) func() { return func() {} },
	}
}

// paintings writes n pictures of each class: disks and crosses on any colours,
// so that colour alone tells nothing.
func paintings(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(8, 9))
	for _, class := range []string{"cross", "disk"} {
		if err := os.Mkdir(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			img := image.NewRGBA(image.Rect(0, 0, 160, 120))
			back, front := anyColour(random), anyColour(random)
			cx, cy, size := 60+random.IntN(40), 45+random.IntN(30), 18+random.IntN(20)
			for y := range 120 {
				for x := range 160 {
					dx, dy := x-cx, y-cy
					inside := dx*dx+dy*dy < size*size
					if class == "cross" {
						inside = (abs(dx) < size/3 || abs(dy) < size/3) && abs(dx) < size && abs(dy) < size
					}
					c := back
					if inside {
						c = front
					}
					img.Set(x, y, c)
				}
			}
			var out bytes.Buffer
			if err := jpeg.Encode(&out, img, nil); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, class, fmt.Sprintf("%d.jpg", i)), out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	marker := `{"format":1,"kind":"rendered","source":"disks and crosses"}`
	if err := os.WriteFile(filepath.Join(dir, dataset.MarkerName), []byte(marker), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func anyColour(random *rand.Rand) color.RGBA {
	return color.RGBA{uint8(random.IntN(256)), uint8(random.IntN(256)), uint8(random.IntN(256)), 255}
}

func abs(v int) int { return max(v, -v) }

func build(t *testing.T, p *Packed) (string, []byte) {
	t.Helper()
	var out bytes.Buffer
	id, err := bundle.Build(&out, p.Manifest, p.Files)
	if err != nil {
		t.Fatal(err)
	}
	return id, out.Bytes()
}

// Two trainings of the same pictures, each with an empty cache and a decoder
// and engine of its own, must give the same file; and that file must pass its
// own golden frames.
func TestTrainingTwiceFromNothingGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	data := paintings(t, 16)
	if err := os.WriteFile(filepath.Join(data, "disk", "broken.jpg"), []byte("\xff\xd8\xff no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	var files [][]byte
	for range 2 {
		c := config(t, data, models.TaskCustom)
		packed, report, err := Run(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(filepath.Join(c.Cache, "embeddings.cache")); err != nil || info.Size() < 32*4*5000 {
			t.Fatalf("the cache of this run was not filled: %v, %v", info, err)
		}
		if len(report.Data.Skipped) != 1 || report.Data.Skipped[0].File != "disk/broken.jpg" {
			t.Errorf("skipped = %v", report.Data.Skipped)
		}
		_, file := build(t, packed)
		files = append(files, file)
		if packed.Manifest.Provenance.Kind != bundle.KindRendered || len(packed.Manifest.Golden) != 6 {
			t.Errorf("provenance %+v, %d golden frames", packed.Manifest.Provenance, len(packed.Manifest.Golden))
		}
		if len(report.Variants) != 3 {
			t.Fatalf("%d variants", len(report.Variants))
		}
		for _, v := range report.Variants {
			if *v.BalancedAccuracy < 0.8 || v.Equal < 0.8 {
				t.Errorf("disks and crosses, %s: balanced accuracy %.2f, %.2f of the verdicts equal", v.Name, *v.BalancedAccuracy, v.Equal)
			}
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("two trainings gave different bundles")
	}
	path := filepath.Join(t.TempDir(), "model.gourdian")
	if err := os.WriteFile(path, files[0], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range backbone.Variants() {
		o := config(t, data, models.TaskCustom).Infer
		o.Variant = name
		runner, err := infer.StartBundle(context.Background(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		defer runner.Close()
		if info := runner.Info(); info.Variant != name || info.GoldenFrames != 6 || info.Classes != 2 || info.GoldenMaxDistance > 1e-4 {
			t.Errorf("info = %+v", info)
		}
	}
}

// Rotten and fresh oranges, by group: 0.990 was measured for a plain logistic
// head on these embeddings. A fall below 0.96 means that something is wrong.
func TestRealOrangesAreToldApart(t *testing.T) {
	t.Parallel()
	photos := testbed.Photos(t)
	_, report, err := Run(context.Background(), config(t, filepath.Join(photos, "graded", "orange"), models.TaskCustom))
	if err != nil {
		t.Fatal(err)
	}
	if acc := *report.Figures.BalancedAccuracy; acc < 0.96 || !report.Baseline.Earned {
		t.Errorf("balanced accuracy %.3f, by colour and size %.3f", acc, report.Baseline.BalancedAccuracy)
	}
	for _, v := range report.Variants[1:] {
		if lost := *report.Figures.BalancedAccuracy - *v.BalancedAccuracy; lost > 0.01 || v.Equal < 0.97 {
			t.Errorf("%s: balanced accuracy %.3f lower than fp32, %.3f of the verdicts equal", v.Name, lost, v.Equal)
		}
	}
	if len(report.Data.Skipped) != 0 || report.Data.Groups != 271 {
		t.Errorf("%d groups, skipped %v", report.Data.Groups, report.Data.Skipped)
	}
}

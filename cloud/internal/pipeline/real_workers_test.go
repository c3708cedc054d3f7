//go:build workers

package pipeline_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gourdian/cloud/internal/pipeline"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
	"gourdian/models"
	"gourdian/models/backbone"
)

// TestRealWorkersEmbedTrainAndMeasure does the heavy steps as a hub does them. A
// picture that trained the model is in no figure.
func TestRealWorkersEmbedTrainAndMeasure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	render := func(name, seed, count string) string {
		t.Helper()
		to := filepath.Join(dir, name)
		if said, err := exec.CommandContext(t.Context(), testbed.Program(t, "gourdianctl"),
			"render", "--out", to, "--count", count, "--size", "224", "--seed", seed).CombinedOutput(); err != nil {
			t.Fatalf("render: %v\n%s", err, said)
		}
		return to
	}
	w := &pipeline.Workers{
		Checkpoint: testbed.Checkpoint(t), Cache: filepath.Join(dir, "cache"), Side: 1,
		Infer:  infer.Options{Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t), Threads: 1},
		Camera: capture.Options{Program: testbed.Program(t, capture.Program)},
	}
	parts := 0
	learn := pipeline.Order{
		Data: render("learn", "5", "48"), Task: models.TaskGrade, Seed: 1, Variants: []string{backbone.INT8}, C: []float64{0.01},
		Progress: func(string, int) func() { return func() { parts++ } },
	}
	seen, err := w.Embed(t.Context(), learn)
	if err != nil || seen.Images != 48 || len(seen.Digest) != 64 || parts != 48 {
		t.Fatalf("embedded %+v in %d parts, %v", seen, parts, err)
	}
	file, report, err := w.Train(t.Context(), learn)
	if err != nil || report.C != 0.01 || report.Data.Images != 48 || report.Learning == nil {
		t.Fatalf("trained %+v, %v", report, err)
	}
	path := filepath.Join(dir, "model.gourdian")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	unseen := learn
	unseen.Data = render("unseen", "6", "16")
	measured, err := w.Evaluate(t.Context(), path, backbone.INT8, unseen)
	if err != nil || measured.Bundle != report.Bundle || measured.Images != 16 || measured.Seen != 0 || len(measured.All) != 16 || measured.Variant != backbone.INT8 {
		t.Errorf("measured %+v, %v", measured, err)
	}
	if again, err := w.Evaluate(t.Context(), path, backbone.INT8, learn); err != nil || again.Images != 0 || again.Seen != 48 {
		t.Errorf("of its own pictures it measured %d and left out %d, %v", again.Images, again.Seen, err)
	}
}

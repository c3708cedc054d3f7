//go:build workers

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
	"gourdian/models/gate"
)

// stripes writes n pictures of each class: lines that lie or stand, in any
// colour. The seed decides which pictures.
func stripes(t *testing.T, dir string, n int, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	for _, class := range []string{"good", "bad"} {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			light := color.RGBA{uint8(120 + random.IntN(120)), uint8(120 + random.IntN(120)), uint8(120 + random.IntN(120)), 255}
			dark := color.RGBA{uint8(random.IntN(100)), uint8(random.IntN(100)), uint8(random.IntN(100)), 255}
			width := 6 + random.IntN(10)
			img := image.NewRGBA(image.Rect(0, 0, 128, 96))
			for y := range 96 {
				for x := range 128 {
					along := x
					if class == "bad" {
						along = y
					}
					c := light
					if along/width%2 == 0 {
						c = dark
					}
					img.Set(x, y, c)
				}
			}
			var out bytes.Buffer
			if err := png.Encode(&out, img); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, class, fmt.Sprintf("%d-%d.png", seed, i)), out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// workers are the flags that lead a test to the built programs.
func workers(t *testing.T) []string {
	t.Helper()
	return []string{
		"--infer-program", testbed.Program(t, infer.Program), "--camera-program", testbed.Program(t, capture.Program),
		"--onnxruntime", testbed.OnnxRuntime(t),
	}
}

func trainArgs(t *testing.T, data, out string) []string {
	t.Helper()
	args := []string{"model", "train", "--data", data, "--task", "grade", "--out", out, "--cache", t.TempDir(), "--checkpoint", testbed.Checkpoint(t)}
	return append(args, workers(t)...)
}

func TestTrainThenEvalOnTheSameAndOnNewPictures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, model, table := filepath.Join(dir, "data"), filepath.Join(dir, "m.gourdian"), filepath.Join(dir, "p.csv")
	stripes(t, data, 12, 1)
	var out, errs bytes.Buffer
	s := &streams{out: &out, err: &errs}
	trained := filepath.Join(dir, "trained.html")
	if code := run(t.Context(), s, append(trainArgs(t, data, model), "--report", trained, "--json")); code != exitDone {
		t.Fatalf("train: exit code %d: %s", code, errs.String())
	}
	var report map[string]any
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || report["bundle"] == "" || report["cross_validated"] == nil {
		t.Fatalf("train printed %.300q, %v", out.String(), err)
	}
	stripes(t, data, 6, 2) // now the folder holds pictures that were not there
	out.Reset()
	page := filepath.Join(dir, "report.html")
	args := append([]string{"model", "eval", "--bundle", model, "--data", data, "--predictions", table, "--report", page, "--language", "es", "--json"}, workers(t)...)
	if code := run(t.Context(), s, args); code != exitDone {
		t.Fatalf("eval: exit code %d: %s", code, errs.String())
	}
	var measured struct {
		Images, Skipped, Seen int
		Accuracy              float64
		Coverage              float64
		Classes               map[string]struct{ Recall, Count float64 }
		Variant, Provider     string
		Latency               map[string]float64 `json:"latency_ms"`
		Frame                 map[string]float64 `json:"frame_ms"`
	}
	if err := json.Unmarshal(out.Bytes(), &measured); err != nil {
		t.Fatal(err)
	}
	if measured.Images != 12 || measured.Seen != 24 || measured.Skipped != 0 || measured.Variant != "fp32" || measured.Provider != "cpu" {
		t.Errorf("measured %+v", measured)
	}
	if measured.Accuracy < 0.9 || measured.Classes["good"].Count != 6 || measured.Latency["p50"] <= 0 || measured.Frame["p99"] < measured.Latency["p50"] {
		t.Errorf("measured %+v", measured)
	}
	for _, name := range []string{page, trained} {
		if text, err := os.ReadFile(name); err != nil || !bytes.Contains(text, []byte("data:image/jpeg")) || !bytes.Contains(text, []byte("</html>")) {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
	file, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil || len(rows) != 13 || !slices.Equal(rows[0], []string{"file", "class", "predicted", "unsure", "p_good", "p_bad"}) {
		t.Errorf("%d rows, first %v, %v", len(rows), rows[0], err)
	}
}

// A model is compared with itself and with one that learnt the two classes the
// wrong way round; what either was trained on decides nothing.
func TestModelThatSwapsTheClassesIsRejectedAndItselfIsAlike(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, exam := filepath.Join(dir, "data"), filepath.Join(dir, "exam")
	right, swapped := filepath.Join(dir, "right.gourdian"), filepath.Join(dir, "swapped.gourdian")
	stripes(t, data, 12, 1)
	stripes(t, exam, 8, 2)
	stripes(t, exam, 12, 1) // those of the training
	var out, errs bytes.Buffer
	s := &streams{out: &out, err: &errs}
	if code := run(t.Context(), s, trainArgs(t, data, right)); code != exitDone {
		t.Fatalf("train: exit code %d: %s", code, errs.String())
	}
	if code := run(t.Context(), s, append(trainArgs(t, data, swapped), "--map", "good=bad", "--map", "bad=good")); code != exitDone {
		t.Fatalf("train: exit code %d: %s", code, errs.String())
	}
	compare := func(candidate string) gate.Record {
		out.Reset()
		args := append([]string{"model", "compare", "--champion", right, "--candidate", candidate, "--data", exam, "--json"}, workers(t)...)
		if code := run(t.Context(), s, args); code != exitDone {
			t.Fatalf("compare: exit code %d: %s", code, errs.String())
		}
		var r gate.Record
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := compare(right); r.Outcome != gate.Undecided || r.Reasons[0].Code != gate.Alike || r.Images != 16 {
		t.Errorf("beside itself: %+v", r)
	}
	if r := compare(swapped); r.Outcome != gate.Reject || r.Losses < 14 {
		t.Errorf("beside one that swaps the classes: %+v", r)
	}
}

// One trained bundle goes through bench, inspect and eval of each variant.
func TestEveryVariantIsTimedAndMeasured(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, exam, model := filepath.Join(dir, "data"), filepath.Join(dir, "exam"), filepath.Join(dir, "m.gourdian")
	stripes(t, data, 12, 1)
	stripes(t, exam, 6, 2)
	var out, errs bytes.Buffer
	s := &streams{out: &out, err: &errs}
	if code := run(t.Context(), s, trainArgs(t, data, model)); code != exitDone || !strings.Contains(out.String(), "verdicts as fp32") {
		t.Fatalf("train: exit code %d: %s%s", code, out.String(), errs.String())
	}
	out.Reset()
	args := append([]string{"model", "bench", model, "--data", exam, "--rendered", "2", "--threads", "1", "--json"}, workers(t)...)
	if code := run(t.Context(), s, args); code != exitDone {
		t.Fatalf("bench: exit code %d: %s", code, errs.String())
	}
	var bench struct {
		CPU struct {
			Name     string
			Features []string
		}
		Chosen, Why      string
		Rendered, Photos int
		Variants         map[string]struct {
			P50       float64  `json:"ms_p50"`
			P99       float64  `json:"ms_p99"`
			Speedup   float64  `json:"speedup_vs_fp32"`
			Equal     *float64 `json:"equal_verdicts"`
			Passes    bool     `json:"passes_golden"`
			Operators map[string]int
		}
	}
	if err := json.Unmarshal(out.Bytes(), &bench); err != nil {
		t.Fatal(err)
	}
	if bench.CPU.Name == "" || bench.CPU.Features == nil || bench.Rendered != 2 || bench.Photos != 12 || len(bench.Variants) != 3 {
		t.Errorf("bench %+v", bench)
	}
	if !bench.Variants[bench.Chosen].Passes || bench.Why == "" {
		t.Errorf("chosen %q because %q", bench.Chosen, bench.Why)
	}
	for name, v := range bench.Variants {
		if v.Passes && (v.P50 <= 0 || v.P99 < v.P50 || v.Equal == nil || *v.Equal < 0.7) {
			t.Errorf("%s: %+v", name, v)
		}
		if integers := v.Operators["QLinearConv"]; v.Passes && integers != map[string]int{"fp32": 0, "int8": 49, "int8-rr": 49}[name] {
			t.Errorf("%s: %d convolutions in integers", name, integers)
		}
		if !v.Passes {
			continue
		}
		out.Reset()
		args := append([]string{"model", "eval", "--bundle", model, "--data", exam, "--variant", name, "--json"}, workers(t)...)
		if code := run(t.Context(), s, args); code != exitDone {
			t.Fatalf("eval of %s: exit code %d: %s", name, code, errs.String())
		}
		var measured struct {
			Variant  string
			Accuracy float64
		}
		if err := json.Unmarshal(out.Bytes(), &measured); err != nil || measured.Variant != name || measured.Accuracy < 0.8 {
			t.Errorf("eval of %s: %+v, %v", name, measured, err)
		}
	}
	if bench.Variants["fp32"].Speedup != 1 || !bench.Variants["fp32"].Passes || *bench.Variants["fp32"].Equal != 1 {
		t.Errorf("fp32 beside itself: %+v", bench.Variants["fp32"])
	}
}

// cancelAt cancels once a text has been written.
type cancelAt struct {
	text   string
	cancel context.CancelFunc
	seen   strings.Builder
}

func (c *cancelAt) Write(p []byte) (int, error) {
	c.seen.Write(p)
	if strings.Contains(c.seen.String(), c.text) {
		c.cancel()
	}
	return len(p), nil
}

func TestTrainInterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, out := filepath.Join(dir, "data"), filepath.Join(dir, "out")
	stripes(t, data, 8, 3)
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	errs := &cancelAt{text: "look at pictures: 16 of 16", cancel: cancel}
	var printed bytes.Buffer
	code := run(ctx, &streams{out: &printed, err: errs}, append(trainArgs(t, data, filepath.Join(out, "m.gourdian")), "--json"))
	if code != exitFailed || printed.Len() != 0 || !strings.Contains(errs.seen.String(), "interrupted") {
		t.Errorf("exit code %d, printed %q, said %q", code, printed.String(), errs.seen.String())
	}
	if files, err := os.ReadDir(out); err != nil || len(files) != 0 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

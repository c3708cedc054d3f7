//go:build arm64emulated

package arm64

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/infer/ort"
	"gourdian/internal/quality"
	"gourdian/internal/testbed"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// compared is how many pictures both sides look at, more than a second each.
const compared = 48

// How far both sides may be apart: twice what was measured. Convolutions give the
// same whole numbers on both; the kernels that add a residual round a few of ten
// thousand values otherwise, and all layers behind pass that on. docs/testing.md
// has the figures.
const (
	probabilityApart = 0.05
	noveltyApart     = 0.005
	embeddingApart   = 0.1 // by the largest value
)

// model is a bundle trained here on rendered pumpkins, and its pictures.
type model struct{ bundle, pictures string }

// train makes a model that is sure of some pictures: verdicts that are all
// "unsure" would be equal whatever the numbers are.
func train(t *testing.T) model {
	t.Helper()
	dir := t.TempDir()
	m := model{bundle: filepath.Join(dir, "grade.gourdian"), pictures: filepath.Join(dir, "patch")}
	ctl := testbed.Program(t, "gourdianctl")
	run(t, ctl, "render", "--out", m.pictures, "--count", "160", "--size", "256", "--seed", "5")
	run(t, ctl, "model", "train", "--data", m.pictures, "--task", "grade", "--out", m.bundle, "--folds", "3", "--cache", t.TempDir(),
		"--checkpoint", testbed.Checkpoint(t), "--onnxruntime", testbed.OnnxRuntime(t),
		"--infer-program", testbed.Program(t, infer.Program), "--camera-program", testbed.Program(t, capture.Program))
	return m
}

// some are n of the model's pictures, spread over all classes.
func (m model) some(t *testing.T, n int) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(m.pictures, "*", "*.jpg"))
	if err != nil || len(all) < n {
		t.Fatalf("%d pictures in %s, %v", len(all), m.pictures, err)
	}
	files := make([]string, n)
	for i := range files {
		files[i] = all[i*len(all)/n]
	}
	return files
}

func TestAModelMadeHereOnARM(t *testing.T) {
	t.Parallel()
	m := train(t)
	t.Run("int8", func(t *testing.T) {
		t.Parallel()
		if class := infer.CPUClass(); class != "x86-64-vnni" {
			// Sums of full-range products overflow there, and bundles of such a
			// machine expect that: ARM boards refuse the variant, as they should.
			t.Logf("not compared: this machine is %s", class)
			return
		}
		m.compare(t, "int8")
	})
	t.Run("int8-rr", func(t *testing.T) {
		t.Parallel()
		m.compare(t, "int8-rr")
	})
	t.Run("board", func(t *testing.T) {
		t.Parallel()
		m.showVerdicts(t)
	})
}

// compare lets this machine and the emulated one look at the same pictures. The
// worker serves after its golden frames only, which were run here.
func (m model) compare(t *testing.T, variant string) {
	ctx := within(t)
	here := m.start(ctx, t, infer.Options{Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t), Variant: variant})
	there := m.start(ctx, t, infer.Options{Program: filepath.Join(emulated(t), infer.Program), Library: built(t, ort.LibraryFile), Variant: variant})
	info := there.Info()
	if info.CPU != "arm64" || info.Variant != variant || info.GoldenFrames < 4 {
		t.Fatalf("the emulated worker says %+v", info)
	}
	t.Logf("golden frames on ARM: %d, at most %.2g from the expected logits", info.GoldenFrames, info.GoldenMaxDistance)

	params := m.params(t, variant)
	judgeHere, judgeThere := judge(t, params), judge(t, params)
	var far apart
	var close int
	seen := map[wire.Verdict]int{}
	for i, tensor := range prepare(ctx, t, m.some(t, compared)) {
		want, got := judgeHere(ctx, t, here, tensor), judgeThere(ctx, t, there, tensor)
		far.add(want, got)
		if want.close(&params) {
			close++
			continue
		}
		seen[want.Verdict]++
		if got.Verdict != want.Verdict || got.Reason != want.Reason || got.Top != want.Top {
			t.Errorf("picture %d: %s %s on ARM, %s %s here", i, got.Verdict, got.Reason, want.Verdict, want.Reason)
		}
	}
	t.Logf("%d pictures, %d of them close to a limit, verdicts of the others %v; largest difference of a probability %.2g, of novelty %.2g, of the embedding %.2g",
		compared, close, seen, far.probability, far.novelty, far.embedding)
	if close > compared/2 || len(seen) < 3 {
		t.Errorf("%d close to a limit and %d kinds of verdict: the comparison says little", close, len(seen))
	}
	if far.probability > probabilityApart || far.novelty > noveltyApart || far.embedding > embeddingApart {
		t.Errorf("apart: %+v", far)
	}
}

func (m model) start(ctx context.Context, t *testing.T, o infer.Options) *infer.Client {
	t.Helper()
	spec, err := o.Spec("--bundle", m.bundle)
	if err != nil {
		t.Fatal(err)
	}
	spec.HelloTimeout, spec.CallTimeout = answerWithin, answerWithin
	client, err := infer.Start(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// prepare gives the pictures as this machine's camera worker prepares them.
func prepare(ctx context.Context, t *testing.T, files []string) []vision.Tensor {
	t.Helper()
	decoder, stop, err := capture.StartDecoder(ctx, capture.Options{Program: testbed.Program(t, capture.Program)})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	var out []vision.Tensor
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tensors, _, _, err := decoder.Prepare(ctx, file)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, tensors...)
	}
	return out
}

// judged is what one side says of a picture.
type judged struct {
	verdict.Decision
	embedding []float32
}

// close reports whether a difference that is allowed may change the verdict.
func (j judged) close(p *verdict.Params) bool {
	second := 0.0
	for i, probability := range j.Probabilities {
		if i != j.Top {
			second = max(second, probability)
		}
	}
	top := j.Probabilities[j.Top]
	return math.Abs(j.Novelty-p.Novelty) <= noveltyApart ||
		math.Abs(top-p.Thresholds[j.Top]) <= probabilityApart || top-second <= 2*probabilityApart
}

func (m model) params(t *testing.T, variant string) verdict.Params {
	t.Helper()
	b, err := bundle.Open(m.bundle)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	params, err := b.VerdictParams(variant)
	if err != nil {
		t.Fatal(err)
	}
	return params
}

// judge returns a function that decides as a board does.
func judge(t *testing.T, params verdict.Params) func(context.Context, *testing.T, infer.Runner, vision.Tensor) judged {
	t.Helper()
	decider, err := verdict.NewDecider(params)
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, t *testing.T, runner infer.Runner, tensor vision.Tensor) judged {
		t.Helper()
		var scores infer.Scores
		if err := runner.Run(ctx, tensor, &scores); err != nil {
			t.Fatal(err)
		}
		q := quality.AssessTensor(tensor)
		d, err := decider.Decide(scores.Embedding, scores.Logits, verdict.Look{Blurred: q.Blurred, Dark: q.Dark, Bright: q.Bright})
		if err != nil {
			t.Fatal(err)
		}
		d.Probabilities = slices.Clone(d.Probabilities)
		return judged{d, scores.Embedding}
	}
}

// apart are the largest differences seen.
type apart struct{ probability, novelty, embedding float64 }

func (a *apart) add(want, got judged) {
	for i, p := range want.Probabilities {
		a.probability = max(a.probability, math.Abs(got.Probabilities[i]-p))
	}
	a.novelty = max(a.novelty, math.Abs(got.Novelty-want.Novelty))
	largest := float64(slices.Max(want.embedding))
	for i, v := range want.embedding {
		a.embedding = max(a.embedding, math.Abs(float64(got.embedding[i]-v))/largest)
	}
}

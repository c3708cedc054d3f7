package train

import (
	"context"
	"math"
	"testing"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/vision"
	"gourdian/models/backbone"
)

func TestSyntheticFramesAreTheSameEveryTimeAndAllDifferent(t *testing.T) {
	t.Parallel()
	first, second := SyntheticFrames(), SyntheticFrames()
	seen := map[string]bool{}
	for i, f := range first {
		if len(f.Tensor) != vision.TensorLen || string(f.Tensor) != string(second[i].Tensor) {
			t.Errorf("frame %s has %d bytes, or differs the second time", f.Name, len(f.Tensor))
		}
		seen[string(f.Tensor)] = true
	}
	if len(seen) != len(first) {
		t.Error("two golden frames are alike")
	}
}

func TestExpectGoldenRefusesAModelThatGivesNoNumbers(t *testing.T) {
	t.Parallel()
	runner := fake.New(2)
	largest, err := ExpectGolden(context.Background(), runner, SyntheticFrames())
	if err != nil || largest <= 0 || largest > 4 { // the fake's logits lie within 4
		t.Errorf("largest logit %v, %v", largest, err)
	}
	runner.Score(func(_ vision.Tensor, out *infer.Scores) { out.Logits[1] = float32(math.NaN()) })
	if _, err := ExpectGolden(context.Background(), runner, SyntheticFrames()); err == nil {
		t.Error("a model whose logits are no numbers got golden frames")
	}
}

// A bundle must be served by another kind of processor than made it, and a
// wrong kernel on the same kind must be noticed at a quarter of that.
func TestTolerancesOf8BitFormsDependOnTheProcessor(t *testing.T) {
	t.Parallel()
	float := tolerances(backbone.FP32, "x86-64-vnni", 10)
	if len(float) != 1 || math.Abs(float[bundle.AnyCPU]-0.05) > 1e-9 {
		t.Errorf("fp32: %v", float)
	}
	for _, name := range []string{backbone.INT8, backbone.INT8RR} {
		got := tolerances(name, "x86-64-vnni", 10)
		if math.Abs(got[bundle.AnyCPU]-0.2) > 1e-9 || math.Abs(got["x86-64-vnni"]-0.05) > 1e-9 || math.Abs(got["arm64"]-0.4) > 1e-9 {
			t.Errorf("%s: %v", name, got)
		}
		got = tolerances(name, "arm64", 10)
		if math.Abs(got[bundle.AnyCPU]-0.4) > 1e-9 || math.Abs(got["arm64"]-0.05) > 1e-9 {
			t.Errorf("%s made on ARM: %v", name, got)
		}
		if least := tolerances(name, "arm64", 0); least["arm64"] != toleranceLeast || least[bundle.AnyCPU] != toleranceLeast {
			t.Errorf("%s of logits near zero: %v", name, least)
		}
	}
}

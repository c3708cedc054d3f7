package train

import (
	"context"
	"math"
	"testing"

	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/vision"
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
	tolerance, err := ExpectGolden(context.Background(), runner, SyntheticFrames())
	if err != nil || tolerance < toleranceLeast {
		t.Errorf("tolerance %v, %v", tolerance, err)
	}
	runner.Score(func(_ vision.Tensor, out *infer.Scores) { out.Logits[1] = float32(math.NaN()) })
	if _, err := ExpectGolden(context.Background(), runner, SyntheticFrames()); err == nil {
		t.Error("a model whose logits are no numbers got golden frames")
	}
}

package infer_test

import (
	"errors"
	"math"
	"testing"

	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/vision"
)

func TestGoldenFrames(t *testing.T) {
	t.Parallel()
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		gives, expects []float32
		tolerance      float64
		passes         bool
	}{
		"the same":             {[]float32{1, 2}, []float32{1, 2}, 0, true},
		"within the tolerance": {[]float32{1, 2}, []float32{1.25, 2}, 0.25, true},
		"beyond the tolerance": {[]float32{1, 2}, []float32{1, 2.5}, 0.25, false},
		"not a number":         {[]float32{1, nan}, []float32{1, 2}, 100, false},
		"expecting no number":  {[]float32{1, 2}, []float32{1, nan}, 100, false},
		"infinite":             {[]float32{1, float32(math.Inf(1))}, []float32{1, 2}, 100, false},
		"another class":        {[]float32{1, 2}, []float32{1, 2, 3}, 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := fake.New(len(c.gives))
			r.Score(func(_ vision.Tensor, out *infer.Scores) { copy(out.Logits, c.gives) })
			frames := []infer.GoldenFrame{{Name: "golden/0", Tensor: make(vision.Tensor, vision.TensorLen), Expected: c.expects}}
			_, err := infer.CheckGolden(t.Context(), r, frames, c.tolerance)
			if c.passes != (err == nil) || (err != nil && !errors.Is(err, infer.ErrGolden)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestGoldenFramesThatAreNone(t *testing.T) {
	t.Parallel()
	if _, err := infer.CheckGolden(t.Context(), fake.New(2), nil, 1); !errors.Is(err, infer.ErrGolden) {
		t.Errorf("error %v: a bundle without golden frames passed", err)
	}
	damaged := []infer.GoldenFrame{{Name: "golden/0", Tensor: make(vision.Tensor, 5), Expected: []float32{1, 2}}}
	if _, err := infer.CheckGolden(t.Context(), fake.New(2), damaged, 1); !errors.Is(err, infer.ErrGolden) {
		t.Errorf("error %v: a damaged golden frame passed", err)
	}
}

package fake_test

import (
	"errors"
	"fmt"
	"testing"

	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/infer/infertest"
	"gourdian/internal/vision"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	infertest.Run(t, func(*testing.T) infer.Runner { return fake.New(4) })
}

func TestScoresAndFailuresByOrder(t *testing.T) {
	t.Parallel()
	r := fake.New(2)
	r.Score(func(in vision.Tensor, out *infer.Scores) { out.Logits[1] = float32(in[0]) })
	in := make(vision.Tensor, vision.TensorLen)
	in[0] = 9
	var out infer.Scores
	if err := r.Run(t.Context(), in, &out); err != nil || out.Logits[1] != 9 {
		t.Errorf("logits %v and error %v", out.Logits, err)
	}
	r.Fail(fmt.Errorf("unplugged: %w", infer.ErrUnavailable))
	if err := r.Run(t.Context(), in, &out); !errors.Is(err, infer.ErrUnavailable) {
		t.Errorf("error %v, expected ErrUnavailable", err)
	}
	r.Fail(nil)
	if err := r.Run(t.Context(), in, &out); err != nil {
		t.Error(err)
	}
}

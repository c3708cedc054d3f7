// Package infertest is the suite that every infer.Runner passes.
package infertest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"gourdian/internal/infer"
	"gourdian/internal/vision"
)

// Run runs the suite. open returns a fresh Runner, which the suite closes.
func Run(t *testing.T, open func(t *testing.T) infer.Runner) {
	for name, check := range map[string]func(t *testing.T, r infer.Runner){
		"scores have the lengths that Info says":     lengths,
		"the same tensor gives the same scores":      repeats,
		"scores belong to the caller":                ownership,
		"buffers of the caller are used again":       reuse,
		"a tensor of another size is refused":        wrongSize,
		"a caller that gave up gets no answer":       cancelled,
		"closing twice does no harm":                 closing,
		"Info says what runs, before the first run":  info,
		"scores are numbers for extreme pictures":    extremes,
		"a smaller result fits into a larger buffer": shrink,
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t)
			defer r.Close()
			check(t, r)
		})
	}
}

// tensor is a picture without meaning, another one for each seed.
func tensor(seed int) vision.Tensor {
	in := make(vision.Tensor, vision.TensorLen)
	for i := range in {
		in[i] = uint8(i*(2*seed+3) + i/97*seed)
	}
	return in
}

func run(t *testing.T, r infer.Runner, in vision.Tensor, out *infer.Scores) {
	t.Helper()
	if err := r.Run(t.Context(), in, out); err != nil {
		t.Fatal(err)
	}
}

func lengths(t *testing.T, r infer.Runner) {
	var out infer.Scores
	run(t, r, tensor(1), &out)
	info := r.Info()
	if len(out.Embedding) != info.EmbeddingLen || len(out.Logits) != info.Classes || len(out.Extra) != len(info.Extra) {
		t.Errorf("%d values, %d logits and %d extra outputs, Info says %d, %d and %d",
			len(out.Embedding), len(out.Logits), len(out.Extra), info.EmbeddingLen, info.Classes, len(info.Extra))
	}
}

func repeats(t *testing.T, r infer.Runner) {
	var first, other, again infer.Scores
	run(t, r, tensor(1), &first)
	run(t, r, tensor(2), &other)
	run(t, r, tensor(1), &again)
	if !slices.Equal(first.Embedding, again.Embedding) || !slices.Equal(first.Logits, again.Logits) {
		t.Error("the same tensor gave other scores")
	}
	if slices.Equal(first.Embedding, other.Embedding) {
		t.Error("another tensor gave the same embedding")
	}
}

func ownership(t *testing.T, r infer.Runner) {
	in := tensor(1)
	var first infer.Scores
	run(t, r, in, &first)
	kept := slices.Clone(first.Embedding)
	var other infer.Scores
	run(t, r, tensor(2), &other)
	if !slices.Equal(first.Embedding, kept) {
		t.Error("a later run changed scores handed out before")
	}
	if !slices.Equal(in, tensor(1)) {
		t.Error("a run changed the tensor")
	}
}

func reuse(t *testing.T, r infer.Runner) {
	var out infer.Scores
	run(t, r, tensor(1), &out)
	embedding := &out.Embedding[0]
	run(t, r, tensor(2), &out)
	if embedding != &out.Embedding[0] {
		t.Error("a second run allocated a new embedding")
	}
}

func shrink(t *testing.T, r infer.Runner) {
	out := infer.Scores{Embedding: make([]float32, 5000), Logits: make([]float32, 5000), Extra: make([][]float32, 3)}
	run(t, r, tensor(1), &out)
	info := r.Info()
	if len(out.Embedding) != info.EmbeddingLen || len(out.Logits) != info.Classes || len(out.Extra) != len(info.Extra) {
		t.Errorf("lengths %d, %d and %d were left over", len(out.Embedding), len(out.Logits), len(out.Extra))
	}
}

func wrongSize(t *testing.T, r infer.Runner) {
	var out infer.Scores
	for _, in := range []vision.Tensor{nil, tensor(1)[1:], append(tensor(1), 0)} {
		if err := r.Run(t.Context(), in, &out); !errors.Is(err, infer.ErrBadTensor) {
			t.Errorf("%d bytes: error %v, expected ErrBadTensor", len(in), err)
		}
	}
	run(t, r, tensor(1), &out)
}

func cancelled(t *testing.T, r infer.Runner) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out infer.Scores
	if err := r.Run(ctx, tensor(1), &out); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, expected context.Canceled", err)
	}
}

func closing(t *testing.T, r infer.Runner) {
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func info(t *testing.T, r infer.Runner) {
	info := r.Info()
	if info.Model == "" || info.EmbeddingLen < 1 || info.Library == "" || info.Threads < 1 ||
		info.ProviderAsked == "" || info.ProviderObtained == "" || info.CPU == "" {
		t.Errorf("Info leaves something out: %+v", info)
	}
}

func extremes(t *testing.T, r infer.Runner) {
	var out infer.Scores
	for _, v := range []uint8{0, 127, 255} {
		in := make(vision.Tensor, vision.TensorLen)
		for i := range in {
			in[i] = v
		}
		run(t, r, in, &out)
		if err := out.Check(); err != nil {
			t.Errorf("a picture of %d: %v", v, err)
		}
	}
}

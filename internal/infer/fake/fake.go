// Package fake is an infer.Runner without a network: its scores depend on the
// tensor's bytes and on nothing else. Tests and trials of everything around
// the engine use it where no library is installed.
package fake

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"

	"gourdian/internal/infer"
	"gourdian/internal/vision"
)

// embeddingLen is that of the default backbone.
const embeddingLen = 1280

// Runner is the fake. Its methods may be called by any goroutine.
type Runner struct {
	info infer.Info

	mu    sync.Mutex // guards score and err
	score func(in vision.Tensor, out *infer.Scores)
	err   error
}

// New returns a Runner with the given number of classes.
func New(classes int) *Runner {
	return &Runner{
		info: infer.Info{
			Model:            "fake",
			Classes:          classes,
			EmbeddingLen:     embeddingLen,
			ProviderAsked:    "fake",
			ProviderObtained: "fake",
			Library:          "none",
			Threads:          1,
			CPU:              infer.CPUClass(),
		},
		score: hashed,
	}
}

// Score replaces the scores: f fills out, whose slices have their lengths.
func (r *Runner) Score(f func(in vision.Tensor, out *infer.Scores)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.score = f
}

// Fail makes every Run return err, which should wrap infer.ErrUnavailable, until
// Fail(nil).
func (r *Runner) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// Run implements infer.Runner.
func (r *Runner) Run(ctx context.Context, in vision.Tensor, out *infer.Scores) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(in) != vision.TensorLen {
		return fmt.Errorf("fake engine: %w: %d bytes", infer.ErrBadTensor, len(in))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	out.Fit(&r.info)
	r.score(in, out)
	return nil
}

// Info implements infer.Runner.
func (r *Runner) Info() infer.Info { return r.info }

// Close implements infer.Runner.
func (r *Runner) Close() error { return nil }

// hashed draws embedding (0..4, half of it 0, as after a ReLU6 and a mean) and
// logits (-4..4) from a hash of the tensor.
func hashed(in vision.Tensor, out *infer.Scores) {
	h := fnv.New64a()
	h.Write(in)
	state := h.Sum64()
	for i := range out.Embedding {
		out.Embedding[i] = max(0, float32(8*next(&state)-4))
	}
	for i := range out.Logits {
		out.Logits[i] = float32(8*next(&state) - 4)
	}
}

// next is SplitMix64 (Steele, Lea and Flood, 2014) as a number in [0, 1).
func next(state *uint64) float64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

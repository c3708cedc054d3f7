// Package features runs a network over many pictures: embeddings for training,
// scores for evaluation, golden outputs for a new bundle. It belongs to hub and
// gourdianctl; a board serves bundles only and never imports it.
package features

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"gourdian/internal/infer"
	"gourdian/internal/vision"
)

// StartGraph starts a worker for a bare ONNX graph at path and returns when it
// serves. outputs names values of the graph to return beside embedding and
// logits, as Scores.Extra. The caller must Close the Runner; ctx bounds the
// start only.
func StartGraph(ctx context.Context, path string, o infer.Options, outputs ...string) (*infer.Client, error) {
	args := []string{"--graph", path}
	for _, name := range outputs {
		args = append(args, "--output", name)
	}
	spec, err := o.Spec(args...)
	if err != nil {
		return nil, fmt.Errorf("start graph %s: %w", path, err)
	}
	client, err := infer.Start(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start graph %s: %w", path, err)
	}
	return client, nil
}

// StartGraphs starts n workers for the same graph, for Compute. On an error
// none of them is left.
func StartGraphs(ctx context.Context, n int, path string, o infer.Options) ([]infer.Runner, error) {
	runners := make([]infer.Runner, 0, n)
	for range n {
		runner, err := StartGraph(ctx, path, o)
		if err != nil {
			Close(runners)
			return nil, err
		}
		runners = append(runners, runner)
	}
	return runners, nil
}

// Close closes all runners.
func Close(runners []infer.Runner) {
	for _, runner := range runners {
		runner.Close()
	}
}

// Job is the work of Compute: n tensors by number. Load and Save are called by
// several goroutines at once, but never twice for one number.
type Job struct {
	N int
	// Load fills in with tensor i. It returns false to leave it out: a picture
	// that can't be read is the caller's to list, not an end of the work.
	Load func(ctx context.Context, i int, in vision.Tensor) (bool, error)
	// Save keeps what it wants of the scores, which are reused.
	Save func(i int, scores *infer.Scores) error
}

// Compute does the job on all runners in parallel, one goroutine each, and
// returns when everything is done or at the first error. What is computed for a
// number does not depend on the runner that did it.
func Compute(ctx context.Context, runners []infer.Runner, job Job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	for _, runner := range runners {
		group.Go(func() {
			if err := work(ctx, runner, job, &next); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

func work(ctx context.Context, runner infer.Runner, job Job, next *atomic.Int64) error {
	in := make(vision.Tensor, vision.TensorLen)
	var scores infer.Scores
	for {
		i := int(next.Add(1)) - 1
		if i >= job.N || ctx.Err() != nil {
			return nil
		}
		wanted, err := job.Load(ctx, i, in)
		if err != nil {
			return fmt.Errorf("load tensor %d: %w", i, err)
		}
		if !wanted {
			continue
		}
		if err := runner.Run(ctx, in, &scores); err != nil {
			return fmt.Errorf("run tensor %d: %w", i, err)
		}
		if err := job.Save(i, &scores); err != nil {
			return fmt.Errorf("save scores %d: %w", i, err)
		}
	}
}

package choose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gourdian/internal/infer"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

const (
	// rounds and perRound are how often each variant runs: 40 times, the anchor
	// being that 50 runs at installation are enough to tell them apart.
	rounds   = 8
	perRound = 5
	// warmUps are runs that nobody times.
	warmUps = 3
	// timeMost bounds the timed runs of all variants together, for slow boards.
	timeMost = 6 * time.Second
)

// Trial is how one variant did.
type Trial struct {
	Variant string `json:"variant"`
	// Passes is whether the golden frames gave here what they gave where the
	// bundle was made. Where they did not, or the worker failed, Fault says why
	// and the times are 0.
	Passes bool    `json:"passes_golden"`
	Fault  string  `json:"fault,omitempty"`
	P50    float64 `json:"ms_p50"` // milliseconds through the worker
	P99    float64 `json:"ms_p99"`
	// Provider is the execution provider that was obtained for it, "" where it
	// does not pass: a variant may run on one that another can't.
	Provider string `json:"provider,omitempty"`
}

// Start starts a worker that serves the named variant, golden frames passed.
// The caller closes the Runner.
type Start func(ctx context.Context, variant string) (infer.Runner, error)

// Try starts and times the variants. The error is that of ctx, or says that no
// worker can be started at all, or that the required provider is missing; a
// variant that fails is a result.
func Try(ctx context.Context, variants []string, start Start) ([]Trial, infer.Info, error) {
	trials := make([]Trial, len(variants))
	runners := make([]infer.Runner, len(variants))
	defer func() {
		for _, r := range runners {
			if r != nil {
				r.Close()
			}
		}
	}()
	var info infer.Info
	for i, name := range variants {
		trials[i].Variant = name
		runner, err := start(ctx, name)
		if err := ctx.Err(); err != nil {
			return nil, info, err
		}
		switch {
		case infer.ProviderMissing(err):
			return nil, info, fmt.Errorf("try variant %s: %w", name, err)
		case refused(err):
			trials[i].Fault = err.Error()
		case err != nil:
			return nil, info, fmt.Errorf("try variant %s: %w", name, err)
		default:
			trials[i].Passes, runners[i] = true, runner
			info = runner.Info()
			trials[i].Provider = info.ProviderObtained
		}
	}
	return trials, info, timeThem(ctx, trials, runners)
}

// refused tells a variant that does not work here from a worker that can't be
// started whatever it is to run.
func refused(err error) bool {
	var failure *worker.Failure
	return errors.As(err, &failure) &&
		(failure.Code == worker.CodeRefused || failure.Code == worker.CodeCrashed || failure.Code == worker.CodeHung)
}

// timeThem runs all variants in turns until each has been timed often enough,
// or for long enough.
func timeThem(ctx context.Context, trials []Trial, runners []infer.Runner) error {
	in := pattern()
	times := make([][]time.Duration, len(runners))
	begin := time.Now()
	for round := 0; round <= rounds && (round < 2 || time.Since(begin) < timeMost); round++ {
		n := perRound
		if round == 0 {
			n = warmUps
		}
		for i, runner := range runners {
			if runner == nil {
				continue
			}
			taken, err := timeOne(ctx, runner, in, n)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				trials[i].Passes, trials[i].Fault = false, err.Error()
				runner.Close()
				runners[i] = nil
			case round > 0:
				times[i] = append(times[i], taken...)
			}
		}
	}
	for i := range trials {
		if trials[i].Passes && len(times[i]) > 0 {
			trials[i].P50, trials[i].P99 = quantile(times[i], 0.5), quantile(times[i], 0.99)
		}
	}
	return nil
}

// timeOne runs a variant n times.
func timeOne(ctx context.Context, runner infer.Runner, in vision.Tensor, n int) ([]time.Duration, error) {
	var scores infer.Scores
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		if err := runner.Run(ctx, in, &scores); err != nil {
			return nil, err
		}
		times[i] = time.Since(start)
	}
	return times, nil
}

// quantile is in milliseconds; times are sorted by it.
func quantile(times []time.Duration, q float64) float64 {
	slices.Sort(times)
	return float64(times[int(q*float64(len(times)-1)+0.5)]) / float64(time.Millisecond)
}

// pattern is a picture without meaning; the time does not depend on it.
func pattern() vision.Tensor {
	in := make(vision.Tensor, vision.TensorLen)
	for i := range in {
		in[i] = uint8(i * (7 + i/vision.Size%13))
	}
	return in
}

package choose

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow is a fake network that takes a time for each run.
type slow struct {
	*fake.Runner
	takes  time.Duration
	fails  error // from its second run on
	runs   int
	closed int
}

func (s *slow) Run(ctx context.Context, in vision.Tensor, out *infer.Scores) error {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.runs++; s.fails != nil && s.runs > 1 {
		return s.fails
	}
	return s.Runner.Run(ctx, in, out)
}

func (s *slow) Close() error {
	s.closed++
	return nil
}

// bench starts fakes by name.
type bench map[string]*slow

func (b bench) start(_ context.Context, variant string) (infer.Runner, error) {
	s, ok := b[variant]
	if !ok {
		return nil, fmt.Errorf("start bundle: %w", &worker.Failure{Code: worker.CodeRefused, Err: &worker.Error{Code: "golden", Message: "golden frame failed: disk"}})
	}
	return s, nil
}

func with(takes time.Duration) *slow { return &slow{Runner: fake.New(2), takes: takes} }

func TestVariantsAreTimedAndClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bench{"fp32": with(10 * time.Millisecond), "int8": with(4 * time.Millisecond)}
		trials, info, err := Try(t.Context(), []string{"fp32", "int8", "int8-rr"}, b.start)
		if err != nil || info.Model != "fake" {
			t.Fatalf("info %+v, %v", info, err)
		}
		for i, want := range []Trial{
			{Variant: "fp32", Passes: true, P50: 10, P99: 10, Provider: "fake"}, {Variant: "int8", Passes: true, P50: 4, P99: 4, Provider: "fake"},
			{Variant: "int8-rr"},
		} {
			if i == 2 {
				want.Fault = trials[i].Fault // its words are the worker's
			}
			if trials[i] != want || (trials[i].Fault == "") != want.Passes {
				t.Errorf("trial %+v, want %+v", trials[i], want)
			}
		}
		for name, s := range b {
			if s.closed != 1 || s.runs != warmUps+rounds*perRound {
				t.Errorf("%s ran %d times and was closed %d times", name, s.runs, s.closed)
			}
		}
	})
}

func TestSlowBoardIsNotTriedForMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bench{"fp32": with(900 * time.Millisecond), "int8": with(400 * time.Millisecond)}
		begin := time.Now()
		trials, _, err := Try(t.Context(), []string{"fp32", "int8"}, b.start)
		if took := time.Since(begin); err != nil || took > 20*time.Second || trials[0].P50 != 900 {
			t.Errorf("took %s: %+v, %v", took, trials, err)
		}
	})
}

func TestWorkerThatFailsOnTheWayCostsItsVariantOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := with(time.Millisecond)
		broken.fails = infer.ErrUnavailable
		b := bench{"fp32": with(time.Millisecond), "int8": broken}
		trials, _, err := Try(t.Context(), []string{"fp32", "int8"}, b.start)
		if err != nil || !trials[0].Passes || trials[1].Passes || trials[1].Fault == "" || broken.closed != 1 {
			t.Errorf("%+v, closed %d times, %v", trials, broken.closed, err)
		}
	})
}

func TestMissingProgramIsNoVerdictOnTheVariants(t *testing.T) {
	t.Parallel()
	first := with(0)
	_, _, err := Try(t.Context(), []string{"fp32", "int8"}, func(_ context.Context, variant string) (infer.Runner, error) {
		if variant == "fp32" {
			return first, nil
		}
		return nil, &worker.Failure{Code: worker.CodeMissing, Err: errors.New("gourdian-infer: no such file")}
	})
	if err == nil || first.closed != 1 {
		t.Errorf("error %v, the other worker was closed %d times", err, first.closed)
	}
}

func TestTrialsEndWhenTheBoardStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		b := bench{"fp32": with(20 * time.Millisecond)}
		if _, _, err := Try(ctx, []string{"fp32"}, b.start); !errors.Is(err, context.DeadlineExceeded) || b["fp32"].closed != 1 {
			t.Errorf("error %v, closed %d times", err, b["fp32"].closed)
		}
	})
}

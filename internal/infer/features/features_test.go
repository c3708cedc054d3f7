package features_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/infer/features"
	"gourdian/internal/vision"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// numbered makes tensor i of i and leaves out every fifth.
func numbered(_ context.Context, i int, in vision.Tensor) (bool, error) {
	clear(in)
	binary.LittleEndian.PutUint32(in, uint32(i))
	return i%5 != 4, nil
}

func compute(t *testing.T, n, runners int) [][]float32 {
	t.Helper()
	var pool []infer.Runner
	for range runners {
		pool = append(pool, fake.New(2))
	}
	got := make([][]float32, n)
	err := features.Compute(t.Context(), pool, features.Job{
		N: n, Load: numbered,
		Save: func(i int, s *infer.Scores) error { got[i] = slices.Clone(s.Embedding); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestResultDoesNotDependOnTheNumberOfRunners(t *testing.T) {
	t.Parallel()
	one, three := compute(t, 40, 1), compute(t, 40, 3)
	for i := range one {
		if !slices.Equal(one[i], three[i]) {
			t.Errorf("tensor %d differs", i)
		}
		if (one[i] == nil) != (i%5 == 4) {
			t.Errorf("tensor %d: left out or not, against what Load said", i)
		}
	}
}

func TestFirstFailureEndsTheWork(t *testing.T) {
	t.Parallel()
	broken, full := errors.New("broken"), errors.New("full")
	load := func(_ context.Context, i int, _ vision.Tensor) (bool, error) {
		if i == 3 {
			return false, broken
		}
		return true, nil
	}
	dead := fake.New(2)
	dead.Fail(fmt.Errorf("killed: %w", infer.ErrUnavailable))
	keep := func(int, *infer.Scores) error { return nil }
	for name, c := range map[string]struct {
		runner infer.Runner
		job    features.Job
		want   error
	}{
		"loading": {fake.New(2), features.Job{N: 1 << 30, Load: load, Save: keep}, broken},
		"running": {dead, features.Job{N: 1 << 30, Load: numbered, Save: keep}, infer.ErrUnavailable},
		"saving":  {fake.New(2), features.Job{N: 1 << 30, Load: numbered, Save: func(int, *infer.Scores) error { return full }}, full},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := features.Compute(t.Context(), []infer.Runner{c.runner, c.runner}, c.job); !errors.Is(err, c.want) {
				t.Errorf("error %v, expected %v", err, c.want)
			}
		})
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	err := features.Compute(ctx, []infer.Runner{fake.New(2)}, features.Job{
		N: 1 << 30, Load: numbered,
		Save: func(int, *infer.Scores) error { once.Do(cancel); return nil },
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, expected context.Canceled", err)
	}
}

package predict

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

func TestWithoutAChampionNothingAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	if _, _, err := r.Predict(t.Context(), [][]byte{{1}}); !errors.Is(err, ErrNoModel) {
		t.Errorf("before any push: %v", err)
	}
	r.serve(t, bundleFile(t, "a"))
	r.shelf.put(nil)
	r.until(t, "nothing answers", func(s State) bool { return s.Model == nil })
}

func TestEveryPictureHasItsOwnAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.score = func(in vision.Tensor, out *infer.Scores) {
		out.Embedding[0] = 1
		out.Logits[0], out.Logits[1] = 4*float32(in[0]%2), 2
	}
	c := bundleFile(t, "a")
	r.serve(t, c)
	results, model, err := r.Predict(t.Context(), [][]byte{{1}, []byte("bad"), {2}})
	if err != nil || model.ID != c.ID || len(results) != 3 {
		t.Fatal(results, model.ID, err)
	}
	if results[0].Verdict != wire.Good || results[2].Verdict != wire.Bad || results[0].Model != c.ID {
		t.Errorf("verdicts %q and %q of %q", results[0].Verdict, results[2].Verdict, results[0].Model)
	}
	if p := results[0].Probabilities; p["good"]+p["bad"] < 0.999 || p["good"] < p["bad"] {
		t.Errorf("probabilities %v", p)
	}
	if !errors.Is(results[1].Err, capture.ErrBadImage) || results[0].Err != nil {
		t.Errorf("faults %v and %v", results[0].Err, results[1].Err)
	}
}

func TestPictureThatKillsTwoDecodersIsToBlame(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.serve(t, bundleFile(t, "a"))
	results, _, err := r.Predict(t.Context(), [][]byte{[]byte("killer"), {1}})
	if err != nil || !errors.Is(results[0].Err, capture.ErrBadImage) || results[1].Err != nil {
		t.Fatalf("%+v, %v", results, err)
	}
	if r.camera.deaths != attempts {
		t.Errorf("%d deaths", r.camera.deaths)
	}
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Queue = 3 })
	release, err := r.Reserve(2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Reserve(2); !errors.Is(err, ErrBusy) {
		t.Errorf("beyond the queue: %v", err)
	}
	release()
	release() // giving twice gives once
	if again, err := r.Reserve(3); err != nil {
		t.Error(err)
	} else {
		again()
	}
	if s := r.State(); s.Waiting != 0 || s.Refused != 2 {
		t.Errorf("%d wait, %d were refused", s.Waiting, s.Refused)
	}
}

func TestNoRequestFailsWhileTheChampionMoves(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Queue = 1000 })
	a, b := bundleFile(t, "a"), bundleFile(t, "b")
	r.serve(t, a)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var failed, byA, byB atomic.Int64
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				results, _, err := r.Predict(t.Context(), [][]byte{{1}, {2}})
				switch {
				case err != nil || results[0].Model != results[1].Model:
					failed.Add(1)
				case results[0].Model == a.ID:
					byA.Add(1)
				default:
					byB.Add(1)
				}
			}
		})
	}
	for range 5 {
		r.serve(t, b)
		r.serve(t, a)
	}
	stop()
	all.Wait()
	if failed.Load() > 0 || byA.Load() == 0 || byB.Load() == 0 {
		t.Errorf("%d failed, %d by one model, %d by the other", failed.Load(), byA.Load(), byB.Load())
	}
}

func TestChampionThatDoesNotStartLeavesTheOneBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a := bundleFile(t, "a")
	r.serve(t, a)
	broken := bundleFile(t, "b")
	broken.Path += ".gone"
	r.shelf.put(&broken)
	r.until(t, "it says why", func(s State) bool { return s.Err != "" })
	if _, model, err := r.Predict(t.Context(), [][]byte{{1}}); err != nil || model.ID != a.ID {
		t.Errorf("answered by %q, %v", model.ID, err)
	}
}

func TestRequestsEndAtTheirDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Deadline = 50 * time.Millisecond })
	release := make(chan struct{})
	r.score = func(vision.Tensor, *infer.Scores) { <-release }
	r.serve(t, bundleFile(t, "a"))
	var all sync.WaitGroup
	for range 2 { // both workers hang
		all.Go(func() {
			for { // on a busy machine the deadline may pass before a worker has it
				if _, _, err := r.Predict(t.Context(), [][]byte{{1}}); !errors.Is(err, ErrLate) {
					return
				}
			}
		})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	r.mu.Lock()
	now := r.now
	r.mu.Unlock()
	for len(now.idle) > 0 {
		<-tick.C
	}
	if _, _, err := r.Predict(t.Context(), [][]byte{{1}}); !errors.Is(err, ErrLate) {
		t.Errorf("behind two that hang: %v", err)
	}
	close(release)
	all.Wait()
}

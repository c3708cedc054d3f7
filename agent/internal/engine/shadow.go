package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"gourdian/internal/infer"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// ErrShadow is wrapped where a candidate's scores can't be used: they are no
// numbers, or they don't come.
var ErrShadow = errors.New("the model's scores can't be used")

// ErrSlow is wrapped where a candidate is too slow for the board.
var ErrSlow = errors.New("the model is too slow here")

// timedRuns is how often each model is timed, after some runs that warm it up.
const (
	timedRuns = 20
	warmRuns  = 3
)

// Speed is how long one frame takes, of twenty: the median, which a processor
// that is busy with something else for a moment does not move, and the second
// longest.
type Speed struct {
	Serving, Candidate         time.Duration
	LateServing, LateCandidate time.Duration
}

// Time times a candidate and the model that serves by turns on one tensor, while
// no camera scores; between two turns cameras have theirs. A run of the candidate
// that takes longer than most ends it with ErrSlow, and one that gives no
// answer or no numbers with ErrShadow. Where none serves, only the candidate is
// timed.
func (e *Engine) Time(ctx context.Context, c *Candidate, most time.Duration) (Speed, error) {
	tensor := make(vision.Tensor, vision.TensorLen)
	for i := range tensor {
		tensor[i] = byte(i * 7)
	}
	var serving, candidate []time.Duration
	for i := range warmRuns + timedRuns {
		if err := ctx.Err(); err != nil {
			return Speed{}, err
		}
		old, fresh, err := e.turn(ctx, c, tensor, most)
		if err != nil {
			return Speed{}, err
		}
		if i >= warmRuns {
			serving, candidate = append(serving, old), append(candidate, fresh)
		}
	}
	serving, candidate = sorted(serving), sorted(candidate)
	middle, late := timedRuns/2, timedRuns-2
	return Speed{serving[middle], candidate[middle], serving[late], candidate[late]}, nil
}

func (e *Engine) turn(ctx context.Context, c *Candidate, in vision.Tensor, most time.Duration) (old, fresh time.Duration, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var scores infer.Scores
	if m := e.current.Load(); m != nil {
		began := time.Now()
		if err := e.bounded(ctx, m, in, &scores, scoreTimeout); err != nil {
			return 0, 0, fmt.Errorf("time the serving model: %w", err)
		}
		old = time.Since(began)
	}
	began := time.Now()
	err = e.bounded(ctx, c.model, in, &scores, most)
	fresh = time.Since(began)
	switch {
	case err == nil:
		err = scores.Check()
	case errors.Is(err, context.DeadlineExceeded):
		return old, fresh, fmt.Errorf("%w: no answer in %s", ErrSlow, most)
	}
	if err != nil {
		return old, fresh, fmt.Errorf("%w: %w", ErrShadow, err)
	}
	return old, fresh, nil
}

// bounded runs a model and is not cut short: a worker whose call is given up is
// killed, and that would be the serving one's end, or a candidate's.
func (e *Engine) bounded(ctx context.Context, m *Model, in vision.Tensor, out *infer.Scores, most time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	return m.runner.Run(ctx, in, out)
}

func sorted(d []time.Duration) []time.Duration {
	slices.Sort(d)
	return d
}

// witness takes frames that the serving model has scored. One at a time: what
// comes while its reader is at work is left out.
type witness struct {
	model  *Model // that serves
	taken  atomic.Bool
	frames chan *seenFrame
	frame  seenFrame // guarded by taken
}

type seenFrame struct {
	tensor vision.Tensor
	scores infer.Scores // of the serving model
}

// witness begins to take frames. end must be called.
func (e *Engine) witness() (w *witness, end func(), err error) {
	m := e.Model()
	if m == nil {
		return nil, nil, ErrNoModel
	}
	w = &witness{model: m, frames: make(chan *seenFrame, 1)}
	e.watched.Store(w)
	return w, func() { e.watched.CompareAndSwap(w, nil) }, nil
}

// offer copies a frame unless the last one is still at work. It never waits.
func (w *witness) offer(m *Model, in vision.Tensor, out *infer.Scores) {
	if m != w.model || !w.taken.CompareAndSwap(false, true) {
		return
	}
	w.frame.tensor = append(w.frame.tensor[:0], in...)
	w.frame.scores.Embedding = append(w.frame.scores.Embedding[:0], out.Embedding...)
	w.frame.scores.Logits = append(w.frame.scores.Logits[:0], out.Logits...)
	w.frames <- &w.frame // never full: taken lets one through
}

// Shadow is what scoring the same frames by two models gave.
type Shadow struct {
	Frames, Agree  uint64
	Unsure, Before uint64 // frames of which the candidate is unsure, and the serving model
	Seconds        float64
}

// Shadow scores frames that the serving model has scored by the candidate too,
// until it has seen most of them or ctx is done; then it returns what it has,
// with ctx's error. Cameras don't wait for the candidate. told hears of each
// frame. Errors wrap ErrShadow where the candidate fails.
func (e *Engine) Shadow(ctx context.Context, c *Candidate, most int, told func(Shadow)) (done Shadow, err error) {
	w, end, err := e.witness()
	if err != nil {
		return done, err
	}
	defer end()
	was, err := verdict.NewDecider(w.model.Params)
	if err != nil {
		return done, err
	}
	is, err := verdict.NewDecider(c.model.Params)
	if err != nil {
		return done, fmt.Errorf("%w: %w", ErrShadow, err)
	}
	began := time.Now()
	for done.Frames < uint64(most) {
		select {
		case f := <-w.frames:
			err = e.compare(ctx, c, f, was, is, &done)
			w.taken.Store(false)
		case <-c.process.Changed(): // it may have died between two frames
		case <-ctx.Done():
			return done, ctx.Err()
		}
		if state := c.process.State(); err == nil && (!state.Up || state.Restarts > 0) {
			err = fmt.Errorf("%w: its worker ended: %s", ErrShadow, state.Err)
		}
		if err != nil {
			return done, err
		}
		done.Seconds = time.Since(began).Seconds()
		told(done)
	}
	return done, nil
}

// scoreBoth scores a frame by the candidate.
func (e *Engine) compare(ctx context.Context, c *Candidate, f *seenFrame, was, is *verdict.Decider, done *Shadow) error {
	var scores infer.Scores
	err := e.bounded(ctx, c.model, f.tensor, &scores, scoreTimeout)
	if err == nil {
		err = scores.Check()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrShadow, err)
	}
	after, err := is.Decide(scores.Embedding, scores.Logits, verdict.Look{})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrShadow, err)
	}
	before, err := was.Decide(f.scores.Embedding, f.scores.Logits, verdict.Look{})
	if err != nil {
		return fmt.Errorf("decide by the serving model: %w", err)
	}
	done.Frames++
	if before.Verdict == after.Verdict {
		done.Agree++
	}
	if after.Verdict == wire.Unsure {
		done.Unsure++
	}
	if before.Verdict == wire.Unsure {
		done.Before++
	}
	return nil
}

// Watch counts frames of the serving model, and of them those it is unsure of,
// until ctx is done. told hears of each.
func (e *Engine) Watch(ctx context.Context, told func(frames, unsure uint64)) error {
	w, end, err := e.witness()
	if err != nil {
		return err
	}
	defer end()
	decider, err := verdict.NewDecider(w.model.Params)
	if err != nil {
		return err
	}
	var frames, unsure uint64
	for {
		select {
		case f := <-w.frames:
			d, err := decider.Decide(f.scores.Embedding, f.scores.Logits, verdict.Look{})
			w.taken.Store(false)
			if err != nil {
				return fmt.Errorf("decide by the serving model: %w", err)
			}
			frames++
			if d.Verdict == wire.Unsure {
				unsure++
			}
			told(frames, unsure)
		case <-ctx.Done():
			return nil
		}
	}
}

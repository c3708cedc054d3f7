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
)

// ErrShadow is wrapped where a candidate's scores can't be used: they are no
// numbers, or they don't come.
var ErrShadow = errors.New("the model's scores can't be used")

// Shadow is what scoring the same frames by two models gave.
type Shadow struct {
	Frames, Agree uint64
	Seconds       float64
	Serving       time.Duration // median of the serving model, scoring the same frame again
	Candidate     time.Duration // median of the candidate
}

// shadow hands frames that were scored to the candidate's run. One at a time:
// what comes meanwhile is left out.
type shadow struct {
	model  *Model // that serves
	taken  atomic.Bool
	frames chan *shadowFrame
	frame  shadowFrame // guarded by taken
}

type shadowFrame struct {
	tensor vision.Tensor
	scores infer.Scores // of the serving model
}

// offer copies a frame unless the last one is still at work. It never waits.
func (s *shadow) offer(m *Model, in vision.Tensor, out *infer.Scores) {
	if m != s.model || !s.taken.CompareAndSwap(false, true) {
		return
	}
	s.frame.tensor = append(s.frame.tensor[:0], in...)
	s.frame.scores.Embedding = append(s.frame.scores.Embedding[:0], out.Embedding...)
	s.frame.scores.Logits = append(s.frame.scores.Logits[:0], out.Logits...)
	s.frames <- &s.frame // never full: taken lets one through
}

// Shadow scores frames that the serving model scores by the candidate too, until
// it has seen most of them or ctx is done; then it returns what it has with
// ctx.Err(). told hears of each. Errors wrap ErrShadow where the candidate fails.
func (e *Engine) Shadow(ctx context.Context, c *Candidate, most int, told func(Shadow)) (Shadow, error) {
	m := e.Model()
	if m == nil {
		return Shadow{}, ErrNoModel
	}
	was, err := verdict.NewDecider(m.Params)
	if err != nil {
		return Shadow{}, err
	}
	is, err := verdict.NewDecider(c.model.Params)
	if err != nil {
		return Shadow{}, fmt.Errorf("%w: %w", ErrShadow, err)
	}
	s := &shadow{model: m, frames: make(chan *shadowFrame, 1)}
	e.shadow.Store(s)
	defer e.shadow.Store(nil)
	var done Shadow
	var serving, candidate []time.Duration
	began := time.Now()
	for done.Frames < uint64(most) {
		var f *shadowFrame
		select {
		case f = <-s.frames:
		case <-ctx.Done():
			return done, ctx.Err()
		}
		agree, old, fresh, err := e.compare(ctx, m, c, f, was, is)
		if err != nil {
			return done, err
		}
		// Cameras come first: a fifth of the time is the most that shadows take.
		select {
		case <-time.After(4 * (old + fresh)):
			s.taken.Store(false)
		case <-ctx.Done():
			return done, ctx.Err()
		}
		serving, candidate = append(serving, old), append(candidate, fresh)
		done.Frames++
		if agree {
			done.Agree++
		}
		done.Seconds = time.Since(began).Seconds()
		done.Serving, done.Candidate = median(serving), median(candidate)
		told(done)
	}
	return done, nil
}

// compare scores a frame by the candidate, and by the serving model again: the
// two are timed by turns on the same frame, while nothing else is scored.
func (e *Engine) compare(ctx context.Context, m *Model, c *Candidate, f *shadowFrame, was, is *verdict.Decider) (agree bool, old, fresh time.Duration, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, scoreTimeout)
	defer cancel()
	var again, scores infer.Scores
	began := time.Now()
	if err := m.runner.Run(ctx, f.tensor, &again); err != nil {
		return false, 0, 0, fmt.Errorf("score frame again: %w", err)
	}
	old = time.Since(began)
	began = time.Now()
	err = c.model.runner.Run(ctx, f.tensor, &scores)
	fresh = time.Since(began)
	if err == nil {
		err = scores.Check()
	}
	if err != nil {
		return false, old, fresh, fmt.Errorf("%w: %w", ErrShadow, err)
	}
	before, err := was.Decide(f.scores.Embedding, f.scores.Logits, verdict.Look{})
	if err != nil {
		return false, old, fresh, fmt.Errorf("decide by the serving model: %w", err)
	}
	first := before.Verdict
	after, err := is.Decide(scores.Embedding, scores.Logits, verdict.Look{})
	if err != nil {
		return false, old, fresh, fmt.Errorf("%w: %w", ErrShadow, err)
	}
	return first == after.Verdict, old, fresh, nil
}

func median(d []time.Duration) time.Duration {
	sorted := slices.Clone(d)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

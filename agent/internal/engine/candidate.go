package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gourdian/internal/worker"
)

// ErrGolden is wrapped where a candidate's worker refused it: its golden frames
// or its graph are wrong here.
var ErrGolden = errors.New("the worker refuses the model")

// Candidate is a model that runs in a worker of its own beside the one that
// serves. Its holder hands it to Switch or calls End.
type Candidate struct {
	*running
}

// End stops it; one that has no worker has ended. A candidate that serves is the
// engine's to end.
func (c *Candidate) End() {
	if c.running != nil {
		c.end()
	}
}

// switchTo asks Run to let another model serve: candidate, or nil for the one
// that is to be opened, or none at all.
type switchTo struct {
	candidate *Candidate
	vacate    bool
	done      chan struct{} // closed when it is done
}

// Prepare starts a bundle beside the one that serves, and returns it when its
// golden frames have passed. ctx bounds the start only. Errors wrap those of package bundle, and ErrGolden where the worker says no.
func (e *Engine) Prepare(ctx context.Context, path string) (*Candidate, error) {
	o, err := e.open(ctx, path, false)
	if err != nil {
		return nil, err
	}
	c := &Candidate{e.begin(context.WithoutCancel(ctx), o)}
	if err := c.await(ctx); err != nil {
		c.End()
		return nil, err
	}
	return c, nil
}

// await is over when the worker is up, or will not be.
func (c *Candidate) await(ctx context.Context) error {
	late := time.NewTimer(trialStart)
	defer late.Stop()
	for {
		changed := c.process.Changed()
		state := c.process.State()
		switch {
		case state.Up && c.model.runner.Info().Model == c.model.ID:
			return nil
		case state.Code == worker.CodeRefused, state.Code == worker.CodeMissing, state.Code == worker.CodeMismatch:
			return fmt.Errorf("%w: %s", ErrGolden, state.Err)
		}
		select {
		case <-changed:
		case <-late.C:
			return fmt.Errorf("%w: it is not up after %s: %s", ErrGolden, trialStart, state.Err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Switch lets a candidate serve, between two frames, and ends the model before.
// A camera that has begun a frame with that one scores it by the new one, see
// ErrExchanged. It does not return before Run has taken the candidate.
func (e *Engine) Switch(ctx context.Context, c *Candidate) error {
	to := switchTo{candidate: c, done: make(chan struct{})}
	select {
	case e.switches <- to:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-to.done
	return nil
}

// Reopen ends what serves and opens what is to be run by Config.Chosen.
func (e *Engine) Reopen(ctx context.Context) error { return e.Switch(ctx, nil) }

// Vacate ends what serves, so that a candidate can start on a board whose memory
// bears one model alone. Until Switch or Reopen no frame is scored.
func (e *Engine) Vacate(ctx context.Context) error {
	to := switchTo{done: make(chan struct{}), vacate: true}
	select {
	case e.switches <- to:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-to.done
	return nil
}

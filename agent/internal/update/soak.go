package update

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/wire"
)

const (
	// lookEvery is the pause between two looks at a model under watch.
	lookEvery = time.Second
	// mostFailed is how many frames in a row it may fail to score, and mostDown
	// how long its worker may be coming up.
	mostFailed = 3
	mostDown   = 90 * time.Second
)

// alarms are the conditions of which a model can be the cause.
func alarms() []string {
	return []string{"model_restarting", "model_refused", "model_missing", "provider_missing", "memory_high", "board_hot"}
}

// soak watches a model that serves, and commits it, or goes back.
func (u *Update) soak(run, ctx context.Context, w wish) error {
	u.edit(w, func(s *wire.UpdateState) { s.Stage = wire.StageSoaking })
	why := u.watch(ctx, w)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case why != nil:
		u.returnTo(run, why)
		return nil
	}
	err := u.slots.change(func(j *journal) {
		j.Soaking, j.Starts = false, 0
		if j.State != nil {
			j.State.Stage = wire.StageCommitted
		}
	})
	if err = errors.Join(err, u.slots.sweep()); err != nil {
		u.config.Log.Warn("a model has proved itself, and that can't be kept", "error", err)
	}
	u.edit(w, func(s *wire.UpdateState) { s.Stage, s.Step, s.Why = wire.StageCommitted, "", "" })
	u.config.Log.Info("a model of the hub has proved itself", "model", w.Bundle, "rollout", w.Rollout)
	return nil
}

// watch is over when the model has served for long enough, or with the reason
// why it must not serve.
func (u *Update) watch(ctx context.Context, w wish) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	before := codes(u.config.Board.State().Conditions)
	doubts := make(chan error, 1)
	over := make(chan struct{})
	go func() { // owned by watch, which waits for it
		defer close(over)
		u.doubt(ctx, u.unsure, doubts)
	}()
	defer func() { end(); <-over }()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	began := time.Now()
	for time.Since(began) < u.config.Plan.Soak {
		select {
		case <-ctx.Done():
			return nil
		case <-u.back:
			return errByHand
		case why := <-doubts:
			return why
		case <-ticker.C:
		}
		if why := u.look(w, before, time.Since(began)); why != nil {
			return why
		}
	}
	return nil
}

// look is one look at a model under watch.
func (u *Update) look(w wish, before []string, since time.Duration) error {
	h := u.config.Engine.Health()
	switch {
	case h.ID != "" && h.ID != w.Bundle:
		return fmt.Errorf("another model serves: %.12s", h.ID)
	case h.Restarts > 0:
		return errors.New("its worker ended by itself")
	case !h.Up && since > mostDown || h.Code == "refused":
		return errors.New("its worker does not come up")
	case h.Failed >= mostFailed:
		return fmt.Errorf("it could not score %d frames in a row", h.Failed)
	}
	for _, code := range codes(u.config.Board.State().Conditions) {
		if slices.Contains(alarms(), code) && !slices.Contains(before, code) {
			return fmt.Errorf("an alarm came up: %s", code)
		}
	}
	return nil
}

func codes(conditions []live.Condition) (out []string) {
	for _, c := range conditions {
		out = append(out, c.Code)
	}
	return out
}

// doubt notices that the model is unsure of far more frames than it was beside
// the old one.
func (u *Update) doubt(ctx context.Context, expected float64, doubts chan<- error) {
	told := func(frames, unsure uint64) {
		if frames < leastFrames || float64(unsure)/float64(frames) <= expected+unsureJump {
			return
		}
		select {
		case doubts <- fmt.Errorf("unsure of %d of %d frames", unsure, frames):
		default:
		}
	}
	for ctx.Err() == nil { // it may not serve yet
		if err := u.config.Engine.Watch(ctx, told); err != nil {
			select {
			case <-time.After(lookEvery):
			case <-ctx.Done():
			}
		}
	}
}

// goBack writes down that the model before serves again.
func (u *Update) goBack(why string) error {
	err := u.slots.change(func(j *journal) {
		if j.State == nil || j.State.Bundle != j.Current {
			j.State = &wire.UpdateState{Bundle: j.Current, Rollout: j.Wish.Rollout}
		}
		j.State.At = u.config.Now().UTC()
		j.back(why)
	})
	if err != nil {
		return err
	}
	u.mu.Lock()
	u.state = u.slots.now().State
	u.mu.Unlock()
	u.show()
	return nil
}

// returnTo lets the model before serve again.
func (u *Update) returnTo(ctx context.Context, why error) {
	j := u.slots.now()
	if j.Current == "" {
		return
	}
	u.config.Log.Warn("going back to the model before", "from", j.Current, "why", why)
	if err := u.goBack(why.Error()); err != nil {
		u.config.Log.Error("go back", "error", err) // the disk: what serves must change all the same
	}
	path := u.slots.folder.bundle(j.Previous)
	if path == "" {
		path = u.config.Own
	}
	if err := u.serve(ctx, path); err != nil && ctx.Err() == nil {
		u.config.Log.Error("go back", "error", err)
	}
	if err := u.slots.sweep(); err != nil {
		u.config.Log.Warn("go back", "error", err)
	}
}

// serve lets a bundle serve that has proved itself before: beside the one that
// serves where memory bears that, so that no frame is lost.
func (u *Update) serve(ctx context.Context, path string) error {
	if u.config.Engine.Model() != nil && u.config.Beside() {
		c, err := u.config.Engine.Prepare(ctx, path)
		if err == nil {
			if err = u.config.Engine.Switch(ctx, c); err != nil {
				c.End()
			}
			return err
		}
		u.config.Log.Warn("a model can't be started beside the one that serves", "error", err)
	}
	return u.config.Engine.Reopen(ctx)
}

package update

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gourdian/agent/internal/engine"
	"gourdian/internal/bundle"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// reserve is how much of the disk a model never takes: records go first.
const reserve = 96 << 20

// errPaused: the hub holds downloads.
var errPaused = errors.New("the hub holds downloads")

// take brings a model here, tries it, lets it serve and watches it. Errors are
// refusals, or may pass. ctx ends with the wish, run with the board: a switch
// that has begun is ended.
func (u *Update) take(run, ctx context.Context, w wish) error {
	if j := u.slots.now(); j.Current == w.Bundle && j.Soaking { // a rollout of what is under watch
		return u.soak(run, ctx, w)
	}
	u.edit(w, func(s *wire.UpdateState) { s.Stage = wire.StageWaiting })
	path, err := u.bring(ctx, w)
	if err != nil {
		return err
	}
	u.edit(w, func(s *wire.UpdateState) { s.Stage, s.Why = wire.StageStaged, "" })
	if err := u.try(run, ctx, w, path); err != nil {
		return err
	}
	return u.soak(run, ctx, w)
}

// bring puts the bundle on disk.
func (u *Update) bring(ctx context.Context, w wish) (string, error) {
	if online, _ := u.post.online(); !online {
		return "", errCut
	}
	found, err := u.trust.find(ctx, w.Bundle)
	var no *refusal
	if errors.As(err, &no) && no.step == wire.StepExpired {
		// The board's clock may be wrong, or the hub was away for long: what is
		// late today may be right tomorrow.
		u.edit(w, func(s *wire.UpdateState) { s.Step = no.step })
		return "", no.err
	}
	if err != nil {
		return "", err
	}
	u.mu.Lock()
	paused := u.paused
	u.mu.Unlock()
	if paused {
		return "", errPaused
	}
	u.edit(w, func(s *wire.UpdateState) { s.Stage, s.Step, s.Why = wire.StageDownloading, "", "" })
	d := &download{
		folder: u.slots.folder, post: u.post, have: newShelf(append(u.slots.here(), u.config.Own)...),
		told: func(t tally) {
			u.edit(w, func(s *wire.UpdateState) { s.DoneBytes, s.TotalBytes, s.ReusedBytes = t.done, t.total, t.reused })
		},
		allowed: u.allowed, room: u.room,
	}
	return d.fetch(ctx, w.Bundle, found)
}

// room is a refusal where the disk has no room for so many bytes.
func (u *Update) room(need int64) error {
	free, err := u.config.Free()
	if err != nil {
		return err
	}
	if free < need+reserve {
		return refuse(wire.StepDisk, fmt.Errorf("%d MB are free on the disk, %d are needed", free>>20, (need+reserve)>>20))
	}
	return nil
}

// allowed are the variants of a bundle that are taken: those that this board may
// run, or the one that it runs where all of them have been weighed here before.
func (u *Update) allowed(m *bundle.Manifest) ([]string, error) {
	if m.Preprocess != vision.PreprocessID() {
		return nil, refuse(wire.StepPreprocess, fmt.Errorf("%w: the model needs %s, this program has %s: update this program",
			bundle.ErrPreprocess, m.Preprocess, vision.PreprocessID()))
	}
	var names []string
	for _, v := range m.Variants {
		if slices.Contains(u.config.Variants, v.Name) {
			names = append(names, v.Name)
		}
	}
	if names == nil {
		return nil, refuse(wire.StepFormat, fmt.Errorf("%w: it has none that this board may run", bundle.ErrVariant))
	}
	known := u.slots.now().Known
	if runs := u.config.Board.State().Model; runs != nil && slices.Contains(names, runs.Variant) {
		for _, t := range runs.Tried {
			known = append(known, t.Name)
		}
		if !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(known, name) }) {
			return []string{runs.Variant}, u.slots.change(func(j *journal) { j.Known = sorted(known) })
		}
	}
	return names, nil
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// try starts a model beside the one that serves, times it, lets both score the
// same frames, and lets it serve.
func (u *Update) try(run, ctx context.Context, w wish, path string) (err error) {
	beside := u.config.Engine.Model() != nil && u.config.Beside()
	u.edit(w, func(s *wire.UpdateState) {
		s.Stage = wire.StageTesting
		if !beside {
			s.Why = "memory bears one model alone: the old one stops meanwhile"
		}
	})
	if !beside && u.config.Engine.Model() != nil {
		if err := u.config.Engine.Vacate(ctx); err != nil {
			return err
		}
		defer func() {
			if err != nil { // the old one again
				err = errors.Join(err, u.config.Engine.Reopen(run))
			}
		}()
	}
	c, err := u.config.Engine.Prepare(ctx, path)
	if err != nil {
		return ofBundle(err)
	}
	serves := false
	defer func() {
		if !serves {
			c.End()
		}
	}()
	if err := u.timeIt(ctx, c); err != nil {
		return err
	}
	if beside {
		if err := u.shadow(ctx, w, c); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	u.edit(w, func(s *wire.UpdateState) { s.Stage, s.Why = wire.StageSoaking, "" })
	err = u.slots.change(func(j *journal) {
		j.flip(w.Bundle)
		j.State = u.State()
	})
	if err != nil {
		return onDisk(err)
	}
	serves = u.config.Engine.Switch(run, c) == nil
	return run.Err()
}

// slowest is how much slower a model may be than the one before.
const slowest = 2

// timeIt refuses a model that can't keep up with the cameras, or takes more than
// twice the time of the old one.
func (u *Update) timeIt(ctx context.Context, c *engine.Candidate) error {
	speed, err := u.config.Engine.Time(ctx, c, 4*u.config.Frame)
	if err != nil {
		return ofBundle(err)
	}
	u.config.Log.Info("a model was timed", "serving", speed.Serving, "candidate", speed.Candidate, "frame", u.config.Frame)
	switch {
	case speed.LateCandidate > u.config.Frame && speed.LateCandidate > slowest*speed.LateServing:
		err = fmt.Errorf("a frame takes up to %s, this board has %s", speed.LateCandidate.Round(time.Millisecond), u.config.Frame)
	case speed.Serving > 0 && speed.Candidate > slowest*speed.Serving && speed.Candidate-speed.Serving > besides:
		err = fmt.Errorf("a frame takes %s, with the model before %s", speed.Candidate.Round(time.Millisecond), speed.Serving.Round(time.Millisecond))
	}
	return refuse(wire.StepSpeed, err)
}

// besides is a difference that is no model's: that of a busy processor.
const besides = 20 * time.Millisecond

// Bounds of what a model may do differently. Whether it is right was decided by
// the hub on labelled pictures; here it is held to be no other than it was there.
const (
	leastFrames = 20  // fewer tell nothing
	unsureJump  = 0.4 // more of the frames unsure than the old model is of the same ones
)

// shadow lets both models score the same frames.
func (u *Update) shadow(ctx context.Context, w wish, c *engine.Candidate) error {
	u.edit(w, func(s *wire.UpdateState) { s.Stage, s.Shadow = wire.StageShadow, &wire.ShadowState{} })
	short, end := context.WithTimeout(ctx, u.config.Plan.Shadow)
	defer end()
	done, err := u.config.Engine.Shadow(short, c, u.config.Plan.ShadowFrames, func(s engine.Shadow) {
		u.edit(w, func(state *wire.UpdateState) {
			state.Shadow = &wire.ShadowState{Frames: s.Frames, Agree: s.Agree, Seconds: s.Seconds}
		})
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, engine.ErrShadow) || err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return ofBundle(err)
	}
	u.unsure = 0
	if done.Frames > 0 {
		u.unsure = float64(done.Unsure) / float64(done.Frames)
	}
	if n := float64(done.Frames); done.Frames >= leastFrames && float64(done.Unsure)-float64(done.Before) > unsureJump*n {
		return refuse(wire.StepShadow, fmt.Errorf("unsure of %d of %d frames, the model before of %d", done.Unsure, done.Frames, done.Before))
	}
	return nil
}

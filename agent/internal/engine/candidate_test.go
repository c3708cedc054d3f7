package engine

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// moody is a fake network that answers as a test says.
type moody struct {
	*fakeRunner
	takes time.Duration
	spoil func(*infer.Scores)
}

func (m *moody) Run(ctx context.Context, in vision.Tensor, out *infer.Scores) error {
	select {
	case <-time.After(m.takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := m.fakeRunner.Run(ctx, in, out); err != nil {
		return err
	}
	if m.spoil != nil {
		m.spoil(out)
	}
	return nil
}

// duel is a rig whose model serves, and a candidate beside it.
type duel struct {
	*rig
	other   *moody
	process *fakeProcess
	path    string
	id      string
}

// newDuel is for the inside of a synctest bubble. The first worker serves, every
// later one is the candidate's.
func newDuel(t *testing.T) (d *duel, stop func()) {
	t.Helper()
	d = &duel{rig: newRig(t), process: newFakeProcess()}
	d.engine.config.Variants = []string{"fp32"}
	d.path = filepath.Join(filepath.Dir(d.rig.path), "other.gourdian")
	first := bundleOf(t, d.rig.path, nil)
	d.id = bundleOf(t, d.path, func(m *bundle.Manifest) { m.Name = "other" })
	d.other = &moody{fakeRunner: &fakeRunner{Runner: fake.New(2), model: d.id}}
	d.engine.supervise = func(path string, _ infer.Options) (infer.Runner, process, error) {
		if path == d.path {
			return d.other, d.process, nil
		}
		return d.runner, d.rig.process, nil
	}
	stop = d.run(t)
	synctest.Wait()
	d.up(first, 0)
	d.process.become(worker.State{Up: true})
	synctest.Wait()
	return d, stop
}

func (d *duel) prepare(t *testing.T) *Candidate {
	t.Helper()
	c, err := d.engine.Prepare(t.Context(), d.path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// look is a camera that scores a frame with m, and where that one went with the
// next.
func (d *duel) look(ctx context.Context, m *Model) error {
	var out infer.Scores
	err := d.engine.Score(ctx, m, make(vision.Tensor, vision.TensorLen), &out)
	if errors.Is(err, ErrExchanged) {
		err = d.engine.Score(ctx, d.engine.Model(), make(vision.Tensor, vision.TensorLen), &out)
	}
	return err
}

func TestFrameThatWasBegunWithTheOldModelIsScoredByTheNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, stop := newDuel(t)
		defer stop()
		begun := d.engine.Model()
		if err := d.engine.Switch(t.Context(), d.prepare(t)); err != nil {
			t.Fatal(err)
		}
		if err := d.look(t.Context(), begun); err != nil {
			t.Errorf("the frame is lost: %v", err)
		}
		if m := d.engine.Model(); m.ID != d.id || d.hub.State().Model.Trust != TrustHub || d.engine.Health().Scored != 1 {
			t.Errorf("%s serves, the page says %+v", m.ID, d.hub.State().Model)
		}
	})
}

func TestCandidateThatCannotServe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(d *duel)
		want  error
	}{
		"slow":        {func(d *duel) { d.other.takes = 2 * time.Second }, ErrSlow},
		"no numbers":  {func(d *duel) { d.other.spoil = func(s *infer.Scores) { s.Logits[0] = float32(math.NaN()) } }, ErrShadow},
		"wrong shape": {func(d *duel) { d.other.spoil = func(s *infer.Scores) { s.Logits = nil } }, ErrShadow},
		"dies":        {func(d *duel) { d.process.become(worker.State{Restarts: 1, Code: worker.CodeCrashed}) }, ErrShadow},
		"golden":      {func(d *duel) { d.process.become(worker.State{Code: worker.CodeRefused, Err: "golden"}) }, ErrGolden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, stop := newDuel(t)
				defer stop()
				serves := d.engine.Model()
				if name == "golden" {
					c.spoil(d)
				}
				candidate, err := d.engine.Prepare(t.Context(), d.path)
				if err == nil {
					defer candidate.End()
					if name != "golden" {
						c.spoil(d)
					}
					if name != "dies" && name != "wrong shape" {
						_, err = d.engine.Time(t.Context(), candidate, time.Second)
					}
					if err == nil {
						done := make(chan struct{})
						go func() {
							defer close(done)
							_, err = d.engine.Shadow(t.Context(), candidate, 5, func(Shadow) {})
						}()
						synctest.Wait()
						if looked := d.look(t.Context(), serves); looked != nil {
							t.Error(looked)
						}
						<-done
					}
				}
				if !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if d.engine.Model() != serves || d.look(t.Context(), serves) != nil {
					t.Error("the old one does not serve on")
				}
			})
		})
	}
}

func TestShadowCountsWhereTheModelsAgree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, stop := newDuel(t)
		defer stop()
		c := d.prepare(t)
		defer c.End()
		got := make(chan Shadow, 1)
		go func() {
			s, err := d.engine.Shadow(t.Context(), c, 10, func(Shadow) {})
			if err != nil {
				t.Error(err)
			}
			got <- s
		}()
		synctest.Wait()
		for range 10 {
			if err := d.look(t.Context(), d.engine.Model()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if s := <-got; s.Frames != 10 || s.Agree != 10 {
			t.Errorf("%+v", s)
		}
	})
}

func TestVacatedBoardTakesTheCandidateOrOpensItsOwnAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, stop := newDuel(t)
		defer stop()
		if err := d.engine.Vacate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d.engine.Model() != nil {
			t.Error("a vacated board has a model")
		}
		if err := d.engine.Switch(t.Context(), d.prepare(t)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if m := d.engine.Model(); m == nil || m.ID != d.id {
			t.Errorf("%+v serves", m)
		}
		if err := d.engine.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if m := d.engine.Model(); m == nil || m.ID == d.id {
			t.Errorf("%+v serves, not its own", m)
		}
	})
}

func TestChosenBundleThatCannotBeOpenedGivesWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		own := bundleOf(t, r.path, nil)
		chosen := filepath.Join(t.TempDir(), "gone.gourdian")
		r.engine.config.Chosen = func() string { return chosen }
		r.engine.config.Unfit = func(string, error) bool { chosen = ""; return true }
		defer r.run(t)()
		synctest.Wait()
		if m := r.engine.Model(); m == nil || m.ID != own {
			t.Errorf("%+v serves", m)
		}
	})
}

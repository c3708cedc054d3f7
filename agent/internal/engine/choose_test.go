package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/choose"
	"gourdian/internal/infer/fake"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// timed is a fake network that takes a time for each run.
type timed struct {
	*fake.Runner
	takes time.Duration
}

func (r *timed) Run(ctx context.Context, in vision.Tensor, out *infer.Scores) error {
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	return r.Runner.Run(ctx, in, out)
}

// twoVariants gives a manifest an int8 beside its fp32.
func twoVariants(m *bundle.Manifest) {
	second := m.Variants[0]
	second.Name = "int8"
	m.Variants = append(m.Variants, second)
	m.Golden[0].Expected["int8"] = []float32{1, 0}
}

// trialRig is a rig whose variants take the given times; one without a time
// fails its golden frames. tried counts the started trials.
func trialRig(t *testing.T, takes map[string]time.Duration) (r *rig, tried *[]string) {
	t.Helper()
	r, tried = newRig(t), new([]string)
	r.engine.config.Memory = filepath.Join(t.TempDir(), "engine", "variants.json")
	r.engine.start = func(_ context.Context, _ string, o infer.Options) (infer.Runner, error) {
		*tried = append(*tried, o.Variant)
		if takes[o.Variant] == 0 {
			return nil, &worker.Failure{Code: worker.CodeRefused, Err: &worker.Error{Code: "golden", Message: "golden frame failed"}}
		}
		return &timed{fake.New(2), takes[o.Variant]}, nil
	}
	return r, tried
}

const ms = time.Millisecond

func TestFastestVariantIsTakenAndThePageSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes map[string]time.Duration
		want  string
		why   choose.Reason
	}{
		"integers are faster": {map[string]time.Duration{"fp32": 6 * ms, "int8": 3 * ms}, "int8", choose.Fastest},
		"integers are slower": {map[string]time.Duration{"fp32": 6 * ms, "int8": 9 * ms}, "fp32", choose.Fastest},
		"integers are wrong":  {map[string]time.Duration{"fp32": 6 * ms}, "fp32", choose.Passed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, tried := trialRig(t, c.takes)
				id := bundleOf(t, r.path, twoVariants)
				defer r.run(t)()
				synctest.Wait()
				r.wantCodes(t, "model_choosing")
				<-time.After(10 * time.Second)
				synctest.Wait()
				r.up(id, 0)
				synctest.Wait()
				r.wantCodes(t, "trained_on_rendered")
				shown := r.hub.State().Model
				if m := r.engine.Model(); m == nil || m.Variant != c.want || shown.Variant != c.want || shown.VariantWhy != string(c.why) {
					t.Errorf("runs %+v, shown %s because %s; want %s because %s", m, shown.Variant, shown.VariantWhy, c.want, c.why)
				}
				if len(*tried) != 2 || len(shown.Tried) != 2 || len(r.started) != 1 || r.started[0].Variant != c.want {
					t.Errorf("tried %v, shown %v, started %v", *tried, shown.Tried, r.started)
				}
			})
		})
	}
}

// restart is the board starting again with the same data folder.
func restart(t *testing.T, old *rig) *rig {
	t.Helper()
	r := newRig(t)
	r.engine.config, r.path, r.engine.start = old.engine.config, old.path, old.engine.start
	return r
}

func TestChoiceIsMadeOnceForEachBundle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, tried := trialRig(t, map[string]time.Duration{"fp32": 6 * ms, "int8": 3 * ms})
		bundleOf(t, first.path, twoVariants)
		stop := first.run(t)
		<-time.After(10 * time.Second)
		synctest.Wait()
		stop()
		second := restart(t, first)
		stop = second.run(t)
		synctest.Wait()
		if len(*tried) != 2 || second.engine.Model() == nil || second.engine.Model().Variant != "int8" || len(second.hub.State().Model.Tried) != 2 {
			t.Errorf("the second start tried %v and runs %+v", (*tried)[2:], second.engine.Model())
		}
		stop()
		other := restart(t, first)
		bundleOf(t, other.path, func(m *bundle.Manifest) {
			twoVariants(m)
			m.Name = "another"
		})
		defer other.run(t)()
		<-time.After(10 * time.Second)
		synctest.Wait()
		if len(*tried) != 4 {
			t.Errorf("another bundle was tried %d times", len(*tried)-2)
		}
	})
}

func TestWhatWasRememberedIsTriedAgainWhenItHoldsNoLonger(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(r *rig, id string){
		"another library":     func(r *rig, id string) { r.up(id, 0) }, // the fake's is "none"
		"golden frames fails": func(r *rig, _ string) { r.process.become(worker.State{Code: worker.CodeRefused, Err: "golden"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, tried := trialRig(t, map[string]time.Duration{"fp32": 6 * ms, "int8": 9 * ms})
				id := bundleOf(t, r.path, twoVariants)
				machine := choose.Machine(choose.ThisCPU(), "", 0)
				if err := r.engine.memory().Keep(choose.Choice{
					Bundle: id, Machine: machine, Library: "onnxruntime of last year", Allowed: []string{"int8", "fp32"}, Variant: "int8", Reason: choose.Fastest,
				}); err != nil {
					t.Fatal(err)
				}
				defer r.run(t)()
				synctest.Wait()
				if m := r.engine.Model(); m == nil || m.Variant != "int8" || len(*tried) != 0 {
					t.Fatalf("runs %+v after trials of %v", m, *tried)
				}
				happens(r, id)
				<-time.After(10 * time.Second)
				synctest.Wait()
				if m := r.engine.Model(); m == nil || m.Variant != "fp32" || len(*tried) != 2 {
					t.Errorf("runs %+v after trials of %v", m, *tried)
				}
			})
		})
	}
}

func TestModelOfWhichNothingWorksHereIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := trialRig(t, nil)
		bundleOf(t, r.path, twoVariants)
		defer r.run(t)()
		synctest.Wait()
		r.wantCodes(t, "model_refused")
		if why := r.conditions()["model_refused"].Args["why"]; !strings.Contains(why, "golden frame failed") {
			t.Errorf("the page says %q", why)
		}
	})
}

func TestFullDiskDoesNotKeepTheBoardFromChoosing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := trialRig(t, map[string]time.Duration{"fp32": 6 * ms, "int8": 3 * ms})
		blocked := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(blocked, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r.engine.config.Memory = filepath.Join(blocked, "variants.json") // below a file nothing can be written
		bundleOf(t, r.path, twoVariants)
		defer r.run(t)()
		<-time.After(10 * time.Second)
		synctest.Wait()
		if m := r.engine.Model(); m == nil || m.Variant != "int8" || r.logged("remember the variant") != 1 {
			t.Errorf("runs %+v", m)
		}
	})
}

func TestStopDuringTheTrialsIsNoFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := trialRig(t, map[string]time.Duration{"fp32": time.Second, "int8": time.Second})
		bundleOf(t, r.path, twoVariants)
		stop := r.run(t)
		<-time.After(100 * ms)
		stop()
		if n := r.logged("no model"); n != 0 {
			t.Error("a stopped board complains of its model")
		}
	})
}

func TestTrialsWithoutAProgramRefuseInWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := trialRig(t, nil)
		r.engine.start = func(context.Context, string, infer.Options) (infer.Runner, error) {
			return nil, errors.New("gourdian-infer is missing")
		}
		bundleOf(t, r.path, twoVariants)
		defer r.run(t)()
		synctest.Wait()
		r.wantCodes(t, "model_refused")
	})
}

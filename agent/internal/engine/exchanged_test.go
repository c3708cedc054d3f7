package engine

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/worker"
)

// restarts puts the worker into the state in which the next one begins: one fake
// stands for all of them.
func (r *rig) restarts() { r.process.become(worker.State{Code: worker.CodeStarting}) }

func TestBundleExchangedBesideARunningWorkerIsTakenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		old := bundleOf(t, r.path, nil)
		defer r.run(t)()
		synctest.Wait()
		r.up(old, 0)
		<-time.After(time.Minute)
		if r.process.runs != 1 {
			t.Errorf("a bundle that nobody touched was opened %d times", r.process.runs)
		}
		r.restarts()
		id := bundleOf(t, r.path, func(m *bundle.Manifest) { m.Name = "better" })
		<-time.After(2 * retryBundle)
		synctest.Wait()
		if m := r.engine.Model(); m == nil || m.ID != id || r.hub.State().Model.Name != "better" {
			t.Errorf("model %+v", m)
		}
	})
}

func TestFileThatCannotBeRunLeavesTheModelThatDoes(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(t *testing.T, path string){
		"half copied": func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, data[:len(data)/2], 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"another preprocessing": func(t *testing.T, path string) {
			bundleOf(t, path, func(m *bundle.Manifest) { m.Preprocess = "square/9-0123456789ab" })
		},
		"gone": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				old := bundleOf(t, r.path, nil)
				defer r.run(t)()
				synctest.Wait()
				r.up(old, 0)
				put(t, r.path)
				<-time.After(time.Minute)
				synctest.Wait()
				if m := r.engine.Model(); m == nil || m.ID != old || r.process.runs != 1 {
					t.Errorf("model %+v, started %d times", m, r.process.runs)
				}
				if n := r.logged("exchanged for one"); name == "gone" && n != 0 || name != "gone" && n != 1 {
					t.Errorf("logged %d times", n)
				}
				r.restarts()
				id := bundleOf(t, r.path, func(m *bundle.Manifest) { m.Name = "better" })
				<-time.After(2 * retryBundle)
				synctest.Wait()
				if m := r.engine.Model(); m == nil || m.ID != id {
					t.Errorf("the whole one was not taken up: %+v", m)
				}
			})
		})
	}
}

package engine

import (
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

func TestMissingBundleIsFoundLaterWithoutARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.run(t)()
		synctest.Wait()
		r.wantCodes(t, "model_missing")
		if got := r.conditions()["model_missing"].Args["path"]; got != r.path {
			t.Errorf("the page names %q", got)
		}
		<-time.After(time.Hour)
		if n := r.logged("no model"); n != 1 {
			t.Errorf("logged %d times in an hour", n)
		}
		if r.engine.Model() != nil || r.hub.State().Model != nil {
			t.Error("there is a model of nothing")
		}
		id := bundleOf(t, r.path, nil)
		<-time.After(retryBundle)
		synctest.Wait()
		r.up(id, 0)
		synctest.Wait()
		r.wantCodes(t, "trained_on_rendered")
		shown := r.hub.State().Model
		if m := r.engine.Model(); m == nil || m.ID != id || m.Variant != "fp32" || shown == nil || shown.ID != id || shown.Provider != "fake" {
			t.Errorf("model %+v, shown %+v", m, shown)
		}
	})
}

func TestUnusableBundleIsRefusedInWords(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit   func(*bundle.Manifest)
		spoil  func([]byte) []byte
		forbid bool // fp32 on this board
		code   string
		why    string
	}{
		"cut off":             {spoil: func(b []byte) []byte { return b[:len(b)/2] }, code: "model_refused", why: "unusable model bundle"},
		"one bit of a graph":  {spoil: func(b []byte) []byte { return []byte(strings.Replace(string(b), "a graph", "a grapf", 1)) }, code: "model_refused", why: "hash"},
		"no bundle at all":    {spoil: func([]byte) []byte { return []byte("<html>not found</html>") }, code: "model_refused", why: "unusable model bundle"},
		"empty":               {spoil: func([]byte) []byte { return nil }, code: "model_refused", why: "unusable model bundle"},
		"other preprocessing": {edit: func(m *bundle.Manifest) { m.Preprocess = "square/9-000000000000" }, code: "model_newer", why: "update this program"},
		"newer format":        {spoil: func(b []byte) []byte { return []byte(strings.Replace(string(b), `"format":1`, `"format":2`, 1)) }, code: "model_newer", why: "format version"},
		"no variant allowed":  {forbid: true, code: "model_refused", why: "variant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				bundleOf(t, r.path, tc.edit)
				if tc.spoil != nil {
					data, err := os.ReadFile(r.path)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(r.path, tc.spoil(data), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if tc.forbid {
					r.engine.config.Variants = []string{"int8"}
				}
				defer r.run(t)()
				synctest.Wait()
				r.wantCodes(t, tc.code)
				if why := r.conditions()[tc.code].Args["why"]; !strings.Contains(why, tc.why) {
					t.Errorf("the page says %q, want %q", why, tc.why)
				}
				if len(r.started) > 0 || r.engine.Model() != nil {
					t.Error("a worker was started for it")
				}
				// A better one takes its place, and what was said goes.
				r.engine.config.Variants = []string{"fp32"}
				id := bundleOf(t, r.path, nil)
				<-time.After(retryBundle)
				synctest.Wait()
				r.up(id, 0)
				synctest.Wait()
				r.wantCodes(t, "trained_on_rendered")
			})
		})
	}
}

func TestNewestReasonForNoModelReplacesTheOneBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.run(t)()
		synctest.Wait()
		r.wantCodes(t, "model_missing")
		for _, step := range []struct {
			data string
			code string
		}{{"half a copy", "model_refused"}, {"", "model_missing"}} {
			if err := os.WriteFile(r.path, []byte(step.data), 0o600); err != nil {
				t.Fatal(err)
			}
			if step.data == "" {
				if err := os.Remove(r.path); err != nil {
					t.Fatal(err)
				}
			}
			<-time.After(retryBundle)
			synctest.Wait()
			r.wantCodes(t, step.code)
		}
		bundleOf(t, r.path, func(m *bundle.Manifest) { m.Preprocess = "square/9-000000000000" })
		<-time.After(retryBundle)
		synctest.Wait()
		r.wantCodes(t, "model_newer")
	})
}

func TestFileThatMayNotBeReadIsNotCalledMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.engine.config.Bundle = t.TempDir() // a folder: found, and no file
		defer r.run(t)()
		synctest.Wait()
		r.wantCodes(t, "model_refused")
	})
}

func TestMissingProgramIsNotCalledAMissingModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		bundleOf(t, r.path, nil)
		r.engine.supervise = func(bundle string, o infer.Options) (infer.Runner, process, error) {
			o.Program = "/nowhere/gourdian-infer"
			runner, process, err := infer.Supervise(bundle, o)
			return runner, process, err
		}
		defer r.run(t)()
		synctest.Wait()
		r.wantCodes(t, "model_refused")
		if why := r.conditions()["model_refused"].Args["why"]; !strings.Contains(why, "gourdian-infer") {
			t.Errorf("the page says %q", why)
		}
	})
}

func TestConditionFollowsTheWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		id := bundleOf(t, r.path, func(m *bundle.Manifest) { m.Provenance.Kind = bundle.KindPhotos })
		defer r.run(t)()
		synctest.Wait()
		r.wantCodes(t) // its first start is no fault
		for _, step := range []struct {
			state worker.State
			codes []string
			note  string
		}{
			{worker.State{Up: true}, nil, ""},
			{worker.State{Code: worker.CodeCrashed, Err: "signal: killed"}, []string{"model_restarting"}, worker.CodeCrashed},
			{worker.State{Code: worker.CodeHung, Restarts: 1}, []string{"model_restarting"}, worker.CodeHung},
			{worker.State{Up: true, Restarts: 2}, nil, ""},
			{worker.State{Code: worker.CodeRefused, Err: "golden frame 3 differs", Restarts: 2}, []string{"model_refused"}, worker.CodeRefused},
			{worker.State{Code: worker.CodeCrashed, Restarts: 3}, []string{"model_restarting"}, worker.CodeCrashed},
			{worker.State{Code: worker.CodeMissing, Err: "no such file", Restarts: 4}, []string{"model_refused"}, worker.CodeMissing},
			{worker.State{Code: worker.CodeMismatch, Err: "it speaks protocol 2, not 1", Restarts: 4}, []string{"workers_mismatch"}, worker.CodeMismatch},
			{worker.State{Up: true, Restarts: 5, Version: "v2"}, []string{"workers_version"}, ""},
			{worker.State{Up: true, Restarts: 6, Version: "v1"}, nil, ""},
		} {
			r.runner.serves(id)
			r.process.become(step.state)
			synctest.Wait()
			r.wantCodes(t, step.codes...)
			if shown := r.hub.State().Model; shown.WorkerNote != step.note || shown.Restarts != step.state.Restarts {
				t.Errorf("%+v: shown %q after %d restarts", step.state, shown.WorkerNote, shown.Restarts)
			}
		}
		if r.engine.Model() == nil {
			t.Error("the model went with its worker: sightings would begin anew")
		}
	})
}

// The worker reads the file at each start: whoever puts another bundle there
// must not get its scores judged by the thresholds of the old one.
func TestBundleExchangedWhileTheWorkerWasDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		old := bundleOf(t, r.path, nil)
		defer r.run(t)()
		synctest.Wait()
		r.up(old, 0)
		synctest.Wait()
		model := r.engine.Model()
		id := bundleOf(t, r.path, func(m *bundle.Manifest) { m.Name = "better" })
		r.runner.serves(id) // up again, and the engine has not heard of it
		var out infer.Scores
		if err := r.engine.Score(t.Context(), model, make(vision.Tensor, vision.TensorLen), &out); !errors.Is(err, infer.ErrUnavailable) {
			t.Errorf("scores of one bundle for the rules of another: %v", err)
		}
		r.up(id, 1)
		synctest.Wait()
		if m := r.engine.Model(); m == nil || m.ID != id || r.hub.State().Model.Name != "better" {
			t.Errorf("model %+v", m)
		}
		if r.process.runs != 2 {
			t.Errorf("the worker was started %d times by the engine", r.process.runs)
		}
	})
}

func TestScore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		id := bundleOf(t, r.path, nil)
		defer r.run(t)()
		synctest.Wait()
		r.up(id, 0)
		synctest.Wait()
		in, out, m := make(vision.Tensor, vision.TensorLen), infer.Scores{}, r.engine.Model()
		if err := r.engine.Score(t.Context(), m, in, &out); err != nil || len(out.Logits) != 2 {
			t.Errorf("%v, %d logits", err, len(out.Logits))
		}
		if got := r.hub.State().Model.InferMillis; got != 0 { // the fake takes no time in a bubble
			t.Errorf("latency %v ms", got)
		}
		r.runner.Score(func(_ vision.Tensor, out *infer.Scores) { <-time.After(40 * time.Millisecond) })
		for range 70 {
			if err := r.engine.Score(t.Context(), m, in, &out); err != nil {
				t.Fatal(err)
			}
		}
		if got := r.hub.State().Model.InferMillis; got != 40 {
			t.Errorf("latency %v ms, want 40", got)
		}
		r.runner.Score(func(_ vision.Tensor, out *infer.Scores) { out.Logits[1] = float32(math.NaN()) })
		if err := r.engine.Score(t.Context(), m, in, &out); err == nil {
			t.Error("a score that is no number is taken")
		}
		r.runner.Fail(infer.ErrUnavailable)
		if err := r.engine.Score(t.Context(), m, in, &out); !errors.Is(err, infer.ErrUnavailable) {
			t.Errorf("worker down: %v", err)
		}
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.engine.Score(stopped, m, in, &out); !errors.Is(err, context.Canceled) {
			t.Errorf("board stops: %v", err)
		}
	})
}

func TestConfigsVariantAndProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.engine.config.Variant, r.engine.config.Worker.Provider = "fp32", "xnnpack"
		r.engine.config.Variants = []string{"int8"} // the config wins over the profile
		id := bundleOf(t, r.path, nil)
		defer r.run(t)()
		synctest.Wait()
		r.up(id, 0)
		synctest.Wait()
		if len(r.started) != 1 || r.started[0].Variant != "fp32" || r.started[0].Provider != "xnnpack" {
			t.Errorf("started: %+v", r.started)
		}
		if m := r.hub.State().Model; m.Asked != "xnnpack" || m.Provider != "fake" || m.Trust != "local" {
			t.Errorf("shown: %+v", m)
		}
	})
}

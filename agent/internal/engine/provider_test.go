package engine

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/worker"
)

func refusedProvider() *worker.Error {
	return &worker.Error{Code: infer.CodeProvider, Message: `the required provider is missing: provider "cuda" is not in this ONNX Runtime`}
}

func TestRequiredProviderThatIsMissingIsSaidByItsName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.engine.config.Worker.Provider, r.engine.config.Worker.Require = "cuda,cpu", "cuda"
		id := bundleOf(t, r.path, nil)
		defer r.run(t)()
		synctest.Wait()
		if len(r.started) != 1 || r.started[0].Require != "cuda" || r.started[0].Provider != "cuda,cpu" {
			t.Fatalf("started: %+v", r.started)
		}
		r.process.become(worker.State{Code: worker.CodeRefused, Refusal: infer.CodeProvider, Err: refusedProvider().Error()})
		synctest.Wait()
		r.wantCodes(t, codeProvider, codeRendered)
		c := r.conditions()[codeProvider]
		if c.Severity != live.Serious || c.Args["provider"] != "cuda" || !strings.Contains(c.Args["why"], "is not in this ONNX Runtime") {
			t.Errorf("%+v", c)
		}
		r.up(id, 1) // somebody put a library there that has it
		synctest.Wait()
		r.wantCodes(t, codeRendered)
	})
}

// TestRequiredProviderIsNoVerdictOnTheVariants: with several variants it is met
// in the trials already, and no variant is to blame.
func TestRequiredProviderIsNoVerdictOnTheVariants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, _ := trialRig(t, nil)
		r.engine.config.Worker.Require = "cuda"
		r.engine.start = func(context.Context, string, infer.Options) (infer.Runner, error) {
			return nil, &worker.Failure{Code: worker.CodeRefused, Err: refusedProvider()}
		}
		bundleOf(t, r.path, twoVariants)
		defer r.run(t)()
		<-time.After(20 * time.Second)
		synctest.Wait()
		r.wantCodes(t, codeProvider)
		if len(r.started) != 0 || r.logged("no model") != 1 {
			t.Errorf("%d workers started, log %s", len(r.started), r.log.String())
		}
	})
}

// on is a fake network that says what it runs on.
type on struct {
	*fake.Runner
	provider string
}

func (o *on) Info() infer.Info {
	info := o.Runner.Info()
	info.ProviderObtained = o.provider
	return info
}

func TestOtherProviderThanInTheTrialsIsTriedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, tried := trialRig(t, nil)
		provider := "cuda"
		r.engine.start = func(_ context.Context, _ string, o infer.Options) (infer.Runner, error) {
			*tried = append(*tried, o.Variant)
			return &on{fake.New(2), provider}, nil
		}
		id := bundleOf(t, r.path, twoVariants)
		stop := r.run(t)
		<-time.After(time.Second)
		synctest.Wait()
		r.up(id, 0) // it serves on "fake", but this choice is not from memory
		synctest.Wait()
		if len(*tried) != 2 {
			t.Fatalf("tried %v", *tried)
		}
		stop()

		provider = "fake" // the card was taken out
		stop = r.run(t)
		synctest.Wait()
		r.up(id, 0)
		<-time.After(time.Second)
		synctest.Wait()
		if len(*tried) != 4 || r.logged("another provider") != 1 {
			t.Errorf("tried %v, log %s", *tried, r.log.String())
		}
		stop()
	})
}

func TestProvidersThatWereMissedAreShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.engine.config.Worker.Provider = "cuda,cpu"
		id := bundleOf(t, r.path, nil)
		r.runner.edit = func(info *infer.Info) {
			info.ProvidersMissed = []infer.Miss{{Provider: "cuda", Why: "not in this library"}}
			info.ProviderOperators = map[string]int{"fake": 40, "cpu": 2}
		}
		defer r.run(t)()
		synctest.Wait()
		r.up(id, 0)
		synctest.Wait()
		m := r.hub.State().Model
		if m.Asked != "cuda,cpu" || len(m.Missed) != 1 || m.Missed[0] != (live.ProviderMiss{Provider: "cuda", Why: "not in this library"}) || m.Operators["fake"] != 40 {
			t.Errorf("shown: %+v", m)
		}
		r.process.become(worker.State{Code: worker.CodeCrashed, Restarts: 1})
		synctest.Wait()
		r.up(id, 1)
		synctest.Wait()
		if r.logged(`not_cuda="not in this library"`) != 1 {
			t.Errorf("log: %s", r.log.String())
		}
	})
}

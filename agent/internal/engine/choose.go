package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/choose"
	"gourdian/internal/worker"
)

// trialStart bounds the start of one worker for a trial: the slowest board
// loads FP32 and runs its golden frames in some seconds.
const trialStart = time.Minute

// choice is the variant that runs, why, and whether that is from memory.
type choice struct {
	choose.Choice
	remembered bool
}

func (e *Engine) memory() choose.Memory { return choose.Memory{Path: e.config.Memory} }

// choose takes the variant that the config names; else, of those that the
// board's profile allows and the bundle has, the fastest one whose golden
// frames pass here, by memory or by trial.
func (e *Engine) choose(ctx context.Context, b *bundle.Bundle, path string, loud bool) (choice, error) {
	if e.config.Variant != "" {
		_, err := b.Variant(e.config.Variant)
		return choice{Choice: choose.Choice{Variant: e.config.Variant, Reason: choose.Asked}}, err
	}
	var allowed []string
	for _, name := range e.config.Variants {
		if slices.ContainsFunc(b.Manifest.Variants, func(v bundle.Variant) bool { return v.Name == name }) {
			allowed = append(allowed, name)
		}
	}
	switch len(allowed) {
	case 0:
		return choice{}, fmt.Errorf("the bundle has no variant that this board's profile allows (%s): %w",
			strings.Join(e.config.Variants, ", "), bundle.ErrVariant)
	case 1:
		return choice{Choice: choose.Choice{Variant: allowed[0], Reason: choose.Only}}, nil
	}
	machine := choose.Machine(choose.ThisCPU(), e.config.Worker.Provider, e.config.Worker.Threads)
	if known, ok := e.memory().Recall(b.ID, machine, allowed); ok {
		return choice{known, true}, nil
	}
	made, err := e.try(ctx, b.ID, path, loud, machine, allowed)
	return choice{Choice: made}, err
}

// try makes the trials and keeps the choice.
func (e *Engine) try(ctx context.Context, id, path string, loud bool, machine string, allowed []string) (choose.Choice, error) {
	if loud {
		e.board.SetModel(nil)
		e.clearBut("")
		e.board.Raise(live.Condition{Code: codeChoosing, Severity: live.Info})
		defer e.board.Clear(codeChoosing, "")
	}
	trials, info, err := choose.Try(ctx, allowed, func(ctx context.Context, variant string) (infer.Runner, error) {
		ctx, cancel := context.WithTimeout(ctx, trialStart)
		defer cancel()
		o := e.config.Worker
		o.Variant = variant
		return e.start(ctx, path, o)
	})
	if err != nil {
		return choose.Choice{}, err
	}
	variant, reason, err := choose.Pick(trials)
	if err != nil {
		return choose.Choice{}, fmt.Errorf("%w: %w", bundle.ErrVariant, err)
	}
	made := choose.Choice{
		Bundle: id, Machine: machine, Library: info.Library, Allowed: allowed, Variant: variant, Reason: reason, Trials: trials,
	}
	e.config.Log.Info("variant chosen", "variant", variant, "reason", string(reason), "trials", fmt.Sprintf("%+v", trials))
	if err := e.memory().Keep(made); err != nil {
		e.config.Log.Warn("variant", "error", err) // the next start tries again
	}
	return made, nil
}

// outdated says why a remembered choice holds no longer, "" while it does.
func (c choice) outdated(state worker.State, info infer.Info) string {
	switch {
	case !c.remembered:
		return ""
	case state.Up && info.Library != c.Library:
		return "the library was exchanged"
	case state.Up && c.Provider() != "" && info.ProviderObtained != c.Provider():
		return "it runs on another provider now"
	case state.Code == worker.CodeRefused:
		return "the variant no longer works here"
	}
	return ""
}

// tried is what the page shows of the trials.
func (c choice) tried() []live.VariantTime {
	var out []live.VariantTime
	for _, t := range c.Trials {
		out = append(out, live.VariantTime{Name: t.Variant, Millis: t.P50, Passes: t.Passes})
	}
	return out
}

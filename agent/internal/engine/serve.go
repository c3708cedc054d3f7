package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/worker"
)

// Codes of the conditions that the engine raises.
const (
	codeMissing    = "model_missing"
	codeRefused    = "model_refused"
	codeNewer      = "model_newer"
	codeRestarting = "model_restarting"
	codeRendered   = "trained_on_rendered"
	codeChoosing   = "model_choosing"
	codeProvider   = "provider_missing"
	codeMismatch   = "workers_mismatch"
	codeVersion    = "workers_version"
)

// refuse says on the page why there is no model. The log says it once, however
// often the file is looked for.
func (e *Engine) refuse(err error) {
	c := live.Condition{Code: codeRefused, Severity: live.Serious, Args: map[string]string{"why": err.Error()}}
	switch {
	case errors.Is(err, errMissing):
		c.Code, c.Args = codeMissing, map[string]string{"path": e.config.Bundle}
	case infer.ProviderMissing(err):
		c = e.providerMissing(err.Error())
	case errors.Is(err, bundle.ErrPreprocess), errors.Is(err, bundle.ErrVersion):
		c.Code = codeNewer
	case worker.CodeOf(err) == worker.CodeMismatch:
		c = mismatch(err.Error())
	}
	e.board.SetModel(nil)
	e.clearBut(c.Code)
	e.board.Clear(codeRendered, "")
	e.board.Raise(c)
	if e.refused != err.Error() {
		e.config.Log.Warn("no model", "bundle", e.config.Bundle, "error", err)
	}
	e.refused = err.Error()
}

// providerMissing says that the model may not run on what there is.
func (e *Engine) providerMissing(why string) live.Condition {
	return live.Condition{Code: codeProvider, Severity: live.Serious, Args: map[string]string{
		"provider": cmp.Or(e.config.Worker.Require, strings.ReplaceAll(e.config.Worker.Provider, ",", ", ")), "why": why,
	}}
}

// mismatch says that agent and worker don't speak with each other.
func mismatch(why string) live.Condition {
	return live.Condition{Code: codeMismatch, Severity: live.Serious, Args: map[string]string{"program": infer.Program, "why": why}}
}

// compareVersion says when the worker's program is of another version than this one,
// though they understand each other. A program that knows no version says
// nothing about it.
func (e *Engine) compareVersion(version string) {
	if version == "" || e.config.Version == "" || version == e.config.Version {
		e.board.Clear(codeVersion, "")
		return
	}
	e.board.Raise(live.Condition{Code: codeVersion, Severity: live.Info, Args: map[string]string{
		"program": infer.Program, "version": version, "mine": e.config.Version,
	}})
}

// clearBut ends every condition about what runs but the named one.
func (e *Engine) clearBut(code string) {
	for _, other := range []string{codeMissing, codeRefused, codeNewer, codeRestarting, codeProvider, codeMismatch} {
		if other != code {
			e.board.Clear(other, "")
		}
	}
}

// running is an opened bundle whose worker is kept running.
type running struct {
	*opened
	stop context.CancelFunc
	done chan struct{} // closed when the worker has ended
}

// begin starts the worker. Who holds the result waits for its end.
func (e *Engine) begin(ctx context.Context, o *opened) *running {
	ctx, stop := context.WithCancel(ctx)
	r := &running{opened: o, stop: stop, done: make(chan struct{})}
	go func() { // owned by whoever holds r
		defer close(r.done)
		if err := o.process.Run(ctx); err != nil {
			e.config.Log.Error("inference worker", "error", err)
		}
	}()
	return r
}

// end stops the worker and waits for it.
func (r *running) end() {
	r.stop()
	<-r.done
}

// present puts a model in front: frames that come now are scored by it.
func (e *Engine) present(r *running) {
	e.refused = ""
	e.clearBut("")
	e.board.SetModel(r.describe())
	if r.bundle.Manifest.Provenance.Kind == bundle.KindRendered {
		e.board.Raise(live.Condition{Code: codeRendered, Severity: live.Info})
	} else {
		e.board.Clear(codeRendered, "")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.latency, e.process = window{}, r.process
	e.scored.Store(0)
	e.failed.Store(0)
	e.current.Store(r.model)
}

// serve mirrors the worker's state until ctx is done, or until there is another
// bundle: then that one has to be opened.
func (e *Engine) serve(ctx context.Context, r *running) {
	defer func() { r.end() }()
	e.present(r)
	defer e.withdraw()
	look := time.NewTicker(retryBundle)
	defer look.Stop()
	for {
		changed := r.process.Changed()
		why := e.mirror(r.opened)
		if why == "" && e.exchanged(r.opened) {
			why = "another bundle was put in its place"
		}
		if why != "" {
			e.config.Log.Info("the bundle is opened again", "bundle", r.file.path, "reason", why)
			return
		}
		select {
		case to := <-e.switches:
			if to.candidate == nil {
				e.leave(ctx, r, to)
				return
			}
			old := r
			r = to.candidate.running
			e.present(r)
			close(to.done)
			old.end()
		case <-changed:
		case <-look.C:
		case <-r.done:
			return
		case <-ctx.Done(): // the worker of a candidate does not end with it by itself
			return
		}
	}
}

// leave ends what serves. Where the board is vacated, it waits for a candidate.
func (e *Engine) leave(ctx context.Context, r *running, to switchTo) {
	e.withdraw()
	r.end()
	if to.vacate {
		e.board.SetModel(nil)
		e.board.Raise(live.Condition{Code: codeChoosing, Severity: live.Info})
		defer e.board.Clear(codeChoosing, "")
	}
	close(to.done)
	for to.vacate {
		select {
		case to = <-e.switches:
		case <-ctx.Done():
			return
		}
		close(to.done)
		if to.candidate != nil {
			e.board.Clear(codeChoosing, "")
			e.serve(ctx, to.candidate.running)
			return
		}
	}
}

// withdraw takes away what serves, between two frames.
func (e *Engine) withdraw() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current.Store(nil)
}

// exchanged looks whether the file is another bundle by now.
func (e *Engine) exchanged(o *opened) bool {
	other, err := o.file.exchanged(o.bundle.ID)
	if err != nil {
		e.config.Log.Warn("the file was exchanged for one that can't be run; the model stays", "bundle", o.file.path, "error", err)
	}
	return other
}

// missed is what the page shows of the providers that were not obtained.
func missed(info infer.Info) []live.ProviderMiss {
	var out []live.ProviderMiss
	for _, m := range info.ProvidersMissed {
		out = append(out, live.ProviderMiss(m))
	}
	return out
}

// logProvider says once, and whenever it changes, what runs the model.
func (e *Engine) logProvider(info infer.Info) {
	attributes := []any{"asked", info.ProviderAsked, "obtained", info.ProviderObtained}
	if len(info.ProviderOperators) > 0 {
		attributes = append(attributes, "operators", fmt.Sprint(info.ProviderOperators))
	}
	for _, miss := range info.ProvidersMissed {
		attributes = append(attributes, "not_"+miss.Provider, miss.Why)
	}
	if line := fmt.Sprint(attributes...); line != e.provider {
		e.provider = line
		e.config.Log.Info("provider", attributes...)
	}
}

// mirror copies the worker's state to the page. Where the bundle has to be
// opened again it says why: somebody put another one in the file's place, and
// the worker was started since; or what was remembered of it holds no longer.
func (e *Engine) mirror(o *opened) (again string) {
	state, info := o.process.State(), o.model.runner.Info()
	if state.Up && info.Model != o.model.ID {
		return "the bundle was exchanged"
	}
	if why := o.choice.outdated(state, info); why != "" {
		if err := e.memory().Forget(o.model.ID); err != nil {
			e.config.Log.Warn("variant", "error", err)
		}
		return why
	}
	e.board.UpdateModel(func(m *live.Model) {
		m.Restarts, m.WorkerNote = state.Restarts, state.Code
		if state.Up {
			m.Provider, m.Library, m.LoadedAt = info.ProviderObtained, info.Library, state.Since
			m.Missed, m.Operators = missed(info), info.ProviderOperators
		}
	})
	switch {
	case state.Up:
		e.clearBut("")
		e.logProvider(info)
		e.compareVersion(state.Version)
	case state.Code == worker.CodeRefused && state.Refusal == infer.CodeProvider:
		e.clearBut(codeProvider)
		e.board.Raise(e.providerMissing(state.Err))
	case state.Code == worker.CodeMismatch:
		e.clearBut(codeMismatch)
		e.board.Raise(mismatch(state.Err))
	case state.Code == worker.CodeRefused || state.Code == worker.CodeMissing:
		e.clearBut(codeRefused)
		e.board.Raise(live.Condition{Code: codeRefused, Severity: live.Serious, Args: map[string]string{"why": state.Err}})
	case state.Restarts > 0 || state.Code != worker.CodeStarting:
		e.clearBut(codeRestarting)
		e.board.Raise(live.Condition{Code: codeRestarting, Severity: live.Warning})
	}
	return ""
}

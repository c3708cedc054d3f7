package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// ErrNoModel is returned by Score while no model is loaded.
var ErrNoModel = errors.New("no model is loaded")

const (
	// retryBundle is the pause between two looks for a bundle that is missing
	// or was refused: a person may put a better one in its place.
	retryBundle = 5 * time.Second
	// scoreTimeout bounds one inference. FP32 on the slowest board takes about
	// half a second; a worker that is later hangs.
	scoreTimeout = 5 * time.Second
)

// Board is where the engine says how it is; *live.Hub is one.
type Board interface {
	SetModel(*live.Model)
	UpdateModel(func(*live.Model))
	Raise(live.Condition)
	Clear(code, subject string)
}

// Config says what the engine runs.
type Config struct {
	Bundle   string   // path of the bundle file
	Variant  string   // "" = the first of Variants that the bundle has
	Variants []string // that the board's profile allows
	Worker   infer.Options
	Log      *slog.Logger
}

// Model is what the engine runs now. It does not change.
type Model struct {
	ID         string
	Variant    string
	Preprocess string
	Params     verdict.Params
	runner     infer.Runner
}

// Engine runs one model for any number of cameras.
type Engine struct {
	config  Config
	board   Board
	current atomic.Pointer[Model]

	mu      sync.Mutex // serialises Run of the runner and guards latency
	latency window
}

// New returns an Engine that Run will bring to life.
func New(config Config, board Board) *Engine {
	return &Engine{config: config, board: board}
}

// Model returns what runs now, nil while there is none.
func (e *Engine) Model() *Model { return e.current.Load() }

// Score runs one tensor through m and fills out. Cameras take turns. Errors:
// wrapping infer.ErrUnavailable while the worker is coming back, ctx.Err(), or
// what makes the scores unusable.
func (e *Engine) Score(ctx context.Context, m *Model, in vision.Tensor, out *infer.Scores) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, scoreTimeout)
	defer cancel()
	start := time.Now()
	if err := m.runner.Run(ctx, in, out); err != nil {
		return fmt.Errorf("score frame: %w", err)
	}
	if err := out.Check(); err != nil {
		return fmt.Errorf("score frame: %w", err)
	}
	if e.latency.add(time.Since(start)) {
		median := e.latency.median()
		e.board.UpdateModel(func(l *live.Model) { l.InferMillis = float64(median) / float64(time.Millisecond) })
	}
	return nil
}

// Run opens the bundle and keeps its worker running until ctx is done.
func (e *Engine) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		opened, err := e.open()
		if err != nil {
			e.refuse(err)
			select {
			case <-time.After(retryBundle):
			case <-ctx.Done():
			}
			continue
		}
		e.serve(ctx, opened)
	}
	return nil
}

// refuse says on the page why there is no model.
func (e *Engine) refuse(err error) {
	e.board.SetModel(nil)
	code, args := "model_refused", map[string]string{"why": err.Error()}
	if !errors.Is(err, bundle.ErrBundle) && !errors.Is(err, worker.ErrDown) {
		code, args = "model_missing", map[string]string{"path": e.config.Bundle}
	}
	e.board.Raise(live.Condition{Code: code, Severity: live.Serious, Args: args})
	e.config.Log.Warn("no model", "bundle", e.config.Bundle, "error", err)
}

// serve runs the worker and mirrors its state until ctx is done.
func (e *Engine) serve(ctx context.Context, o *opened) {
	e.board.Clear("model_missing", "")
	e.board.Clear("model_refused", "")
	e.board.SetModel(o.describe())
	if o.bundle.Manifest.Provenance.Kind == bundle.KindRendered {
		e.board.Raise(live.Condition{Code: "trained_on_rendered", Severity: live.Info})
	} else {
		e.board.Clear("trained_on_rendered", "")
	}
	done := make(chan struct{})
	go func() { // owned by serve, which waits for it
		defer close(done)
		if err := o.supervised.Run(ctx); err != nil {
			e.config.Log.Error("inference worker", "error", err)
		}
	}()
	e.current.Store(o.model)
	for {
		changed := o.supervised.Changed()
		e.mirror(o)
		select {
		case <-changed:
		case <-done:
			e.current.Store(nil)
			return
		}
	}
}

// mirror copies the worker's state to the page.
func (e *Engine) mirror(o *opened) {
	state, info := o.supervised.State(), o.client.Info()
	e.board.UpdateModel(func(m *live.Model) {
		m.Restarts, m.WorkerNote = state.Restarts, state.Code
		if state.Up {
			m.Provider, m.Library, m.LoadedAt = info.ProviderObtained, info.Library, state.Since
		}
	})
	switch {
	case state.Up:
		e.board.Clear("model_restarting", "")
		e.board.Clear("model_refused", "")
	case state.Code == worker.CodeRefused || state.Code == worker.CodeMissing || state.Code == worker.CodeMismatch:
		e.board.Raise(live.Condition{Code: "model_refused", Severity: live.Serious, Args: map[string]string{"why": state.Err}})
	case state.Restarts > 0 || state.Code != worker.CodeStarting:
		e.board.Raise(live.Condition{Code: "model_restarting", Severity: live.Warning})
	}
}

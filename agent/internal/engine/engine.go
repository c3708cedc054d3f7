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
	"gourdian/internal/infer"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// ErrExchanged is wrapped by errors of Score for a model that serves no longer:
// the frame is to be scored by Model's. It wraps infer.ErrUnavailable.
var ErrExchanged = fmt.Errorf("%w: another model serves", infer.ErrUnavailable)

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
	Bundle string // path of the bundle file
	// Chosen is the bundle to run instead, that of the hub; "" = Bundle. nil =
	// there is no hub that could choose.
	Chosen func() string
	// Unfit hears that a chosen bundle can't be opened here, and reports whether
	// another one is chosen now.
	Unfit    func(path string, err error) bool
	Variant  string   // "" = the fastest of Variants that is right here
	Variants []string // that the board's profile allows
	Memory   string   // file that keeps what was chosen
	Worker   infer.Options
	Version  string // of the agent, to tell whether its worker is of another one
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

// process is the worker that serves a bundle and comes back when it dies;
// *worker.Supervised is one.
type process interface {
	Run(ctx context.Context) error
	State() worker.State
	Changed() <-chan struct{}
}

// Engine runs one model for any number of cameras.
type Engine struct {
	config    Config
	board     Board
	supervise func(bundle string, o infer.Options) (infer.Runner, process, error)
	start     func(ctx context.Context, bundle string, o infer.Options) (infer.Runner, error) // for trials
	current   atomic.Pointer[Model]
	refused   string // why there is no model, as it was last logged; Run's own
	provider  string // what runs it, as it was last logged; Run's own
	switches  chan switchTo
	watched   atomic.Pointer[witness]
	scored    atomic.Uint64 // frames by the model that serves
	failed    atomic.Uint64 // frames that it could not score since the last one that it did

	mu      sync.Mutex // serialises Run of the runner and what serves, and guards the rest
	latency window
	process process // of what serves, or served last
}

// New returns an Engine that Run will bring to life.
func New(config Config, board Board) *Engine {
	return &Engine{
		config: config, board: board, switches: make(chan switchTo),
		supervise: func(bundle string, o infer.Options) (infer.Runner, process, error) { return infer.Supervise(bundle, o) },
		start: func(ctx context.Context, bundle string, o infer.Options) (infer.Runner, error) {
			return infer.StartBundle(ctx, bundle, o)
		},
	}
}

// Model returns what runs now, nil while there is none.
func (e *Engine) Model() *Model { return e.current.Load() }

// Score runs one tensor through m and fills out. Cameras take turns. Errors:
// wrapping infer.ErrUnavailable while the worker is coming back, and ErrExchanged
// where another model serves now; ctx.Err(); or what makes the scores unusable.
func (e *Engine) Score(ctx context.Context, m *Model, in vision.Tensor, out *infer.Scores) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current.Load() != m {
		return fmt.Errorf("score frame: %w", ErrExchanged)
	}
	if err := e.score(ctx, m, in, out); err != nil {
		if ctx.Err() == nil {
			e.failed.Add(1)
		}
		return fmt.Errorf("score frame: %w", err)
	}
	e.scored.Add(1)
	e.failed.Store(0)
	if w := e.watched.Load(); w != nil {
		w.offer(m, in, out)
	}
	return nil
}

func (e *Engine) score(ctx context.Context, m *Model, in vision.Tensor, out *infer.Scores) error {
	ctx, cancel := context.WithTimeout(ctx, scoreTimeout)
	defer cancel()
	start := time.Now()
	if err := m.runner.Run(ctx, in, out); err != nil {
		return err
	}
	if m.runner.Info().Model != m.ID { // it came back with another bundle, of which Run hears next
		return fmt.Errorf("%w: the bundle was exchanged", infer.ErrUnavailable)
	}
	if err := out.Check(); err != nil {
		return err
	}
	if e.latency.add(time.Since(start)) {
		median := e.latency.median()
		e.board.UpdateModel(func(l *live.Model) { l.InferMillis = float64(median) / float64(time.Millisecond) })
	}
	return nil
}

// Health is how the model that serves does.
type Health struct {
	ID       string // "" = none serves
	Up       bool
	Code     string // of worker.State, "" while up
	Restarts int
	Scored   uint64 // frames since it serves
	Failed   uint64 // frames in a row that it could not score
}

// Health says how the model that serves does.
func (e *Engine) Health() Health {
	e.mu.Lock()
	m, p := e.current.Load(), e.process
	e.mu.Unlock()
	if m == nil || p == nil {
		return Health{}
	}
	state := p.State()
	return Health{ID: m.ID, Up: state.Up, Code: state.Code, Restarts: state.Restarts, Scored: e.scored.Load(), Failed: e.failed.Load()}
}

// source is the bundle to run.
func (e *Engine) source() string {
	if e.config.Chosen != nil {
		if path := e.config.Chosen(); path != "" {
			return path
		}
	}
	return e.config.Bundle
}

// Run opens the bundle and keeps its worker running until ctx is done.
func (e *Engine) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		path := e.source()
		opened, err := e.open(ctx, path, true)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			e.serve(ctx, e.begin(ctx, opened))
			continue
		}
		if path != e.config.Bundle && e.config.Unfit != nil && e.config.Unfit(path, err) {
			continue // there is another one now
		}
		e.refuse(err)
		select {
		case <-time.After(retryBundle):
		case to := <-e.switches: // where nothing runs, a candidate is taken at once
			close(to.done)
			if to.candidate != nil {
				e.serve(ctx, to.candidate.running)
			}
		case <-ctx.Done():
		}
	}
	return nil
}

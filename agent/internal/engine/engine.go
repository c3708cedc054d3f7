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

	mu      sync.Mutex // serialises Run of the runner and guards latency
	latency window
}

// New returns an Engine that Run will bring to life.
func New(config Config, board Board) *Engine {
	return &Engine{
		config: config, board: board,
		supervise: func(bundle string, o infer.Options) (infer.Runner, process, error) { return infer.Supervise(bundle, o) },
		start: func(ctx context.Context, bundle string, o infer.Options) (infer.Runner, error) {
			return infer.StartBundle(ctx, bundle, o)
		},
	}
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
	if m.runner.Info().Model != m.ID { // it came back with another bundle, of which Run hears next
		return fmt.Errorf("score frame: %w: the bundle was exchanged", infer.ErrUnavailable)
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
		opened, err := e.open(ctx)
		if ctx.Err() != nil {
			return nil
		}
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

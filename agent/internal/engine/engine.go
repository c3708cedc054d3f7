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
	Bundle string // path of the bundle file
	// Chosen is the bundle to run instead, that of the hub; "" = Bundle. nil =
	// there is no hub that could choose.
	Chosen   func() string
	Variant  string   // "" = the fastest of Variants that is right here
	Variants []string // that the board's profile allows
	Memory   string   // file that keeps what was chosen
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
	shadow    atomic.Pointer[shadow]

	mu      sync.Mutex // serialises Run of the runner and guards latency
	latency window
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
	if s := e.shadow.Load(); s != nil {
		s.offer(m, in, out)
	}
	return nil
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
		opened, err := e.open(ctx, e.source(), true)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			e.refuse(err)
			select {
			case <-time.After(retryBundle):
			case to := <-e.switches: // where nothing runs, a candidate is taken at once
				close(to.done)
				e.serve(ctx, to.candidate.running)
			case <-ctx.Done():
			}
			continue
		}
		e.serve(ctx, e.begin(ctx, opened))
	}
	return nil
}

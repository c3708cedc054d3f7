package predict

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/quality"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// Limits of one request.
const (
	MaxImages = 8
	// retryChampion is the pause before a champion that did not start is tried
	// again: its worker program may come back.
	retryChampion = 15 * time.Second
)

// Champion is the bundle that shall answer.
type Champion struct {
	Version int64
	ID      string
	Path    string // of a file that stays while it is the champion
}

// Models says which bundle shall answer; *registry.Registry is one. Changed
// returns a channel that is closed when that changes; it is taken before
// Champion is asked. Champion returns ok = false while there is none.
type Models interface {
	Champion(ctx context.Context) (c Champion, ok bool, err error)
	Changed() <-chan struct{}
}

// Config says how much is served.
type Config struct {
	Workers  int           // inference workers, at least 1
	Queue    int           // pictures that may wait or be worked on, at least Workers
	Deadline time.Duration // of one request
	Memory   string        // file that keeps which variant was chosen
	Infer    infer.Options
	Log      *slog.Logger
}

// Result is the verdict on one picture.
type Result struct {
	Verdict       wire.Verdict
	Reason        wire.Reason
	Probabilities map[string]float64
	Novelty       float64
	Model         string // bundle id
	Look          quality.Report
	Embedding     []float32
	W, H          int   // of the upright picture
	Err           error // the picture's own fault: nothing else is set then
}

// State says how the service is.
type State struct {
	Model    *Model // nil = none answers
	Starting bool   // a champion is being started
	Err      string // why the champion does not answer, "" = nothing is wrong
	Unfit    bool   // its bundle is for another version of this program
	Waiting  int
	Refused  uint64 // pictures, since the start
	Served   uint64
}

// Service answers for pictures. Any number of goroutines may use it.
type Service struct {
	config    Config
	models    Models
	decoders  *Decoders
	queue     queue
	supervise func(path string, o infer.Options) (infer.Runner, process, error)

	mu       sync.Mutex // guards what follows
	now      *serving
	starting bool
	fault    error
	served   uint64
}

// New returns a Service that answers while Run and the decoders' Run do.
func New(config Config, models Models, decoders *Decoders) *Service {
	return &Service{
		config: config, models: models, decoders: decoders, queue: queue{most: config.Queue},
		supervise: func(path string, o infer.Options) (infer.Runner, process, error) { return infer.Supervise(path, o) },
	}
}

// Run keeps the champion's workers running until ctx is done.
func (s *Service) Run(ctx context.Context) error {
	defer func() { s.turnTo(nil).endIfAny() }()
	for {
		changed := s.models.Changed()
		var again <-chan time.Time
		if err := s.follow(ctx); err != nil && ctx.Err() == nil {
			s.config.Log.Error("the champion does not answer", "error", err)
			again = time.After(retryChampion)
		}
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done():
			return nil
		}
	}
}

// follow makes the champion answer. While it can't, the model before it goes on.
func (s *Service) follow(ctx context.Context) (err error) {
	champion, ok, err := s.models.Champion(ctx)
	defer func() { s.note(false, err) }()
	switch {
	case err != nil:
		return fmt.Errorf("ask for the champion: %w", err)
	case !ok:
		s.turnTo(nil).endIfAny()
		return nil
	}
	if m := s.State().Model; m != nil && m.ID == champion.ID {
		return nil
	}
	s.note(true, nil)
	next, err := s.open(ctx, champion.Path, champion.Version)
	if err != nil {
		return err
	}
	s.config.Log.Info("a new champion answers", "version", champion.Version, "bundle", champion.ID, "variant", next.Variant)
	s.turnTo(next).endIfAny()
	return nil
}

func (s *Service) note(starting bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starting, s.fault = starting, err
}

// turnTo lets requests that begin from now on use next, and returns what they
// used before.
func (s *Service) turnTo(next *serving) *serving {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.now
	s.now = next
	return before
}

func (v *serving) endIfAny() {
	if v != nil {
		v.end()
	}
}

// take returns what serves now; the caller calls used.Done.
func (s *Service) take() (*serving, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.now != nil:
		s.now.used.Add(1)
		return s.now, nil
	case s.starting || s.fault != nil:
		return nil, ErrStarting
	}
	return nil, ErrNoModel
}

// State returns how the service is.
func (s *Service) State() State {
	waiting, refused := s.queue.counts()
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{Starting: s.starting, Waiting: waiting, Refused: refused, Served: s.served}
	if s.fault != nil {
		state.Err, state.Unfit = s.fault.Error(), unfit(s.fault)
	}
	if s.now != nil {
		state.Model = &s.now.Model
	}
	return state
}

// Reserve takes places in the queue for n pictures before they are read, and
// says in which errors there are none; release gives them back.
func (s *Service) Reserve(n int) (release func(), err error) {
	if n < 1 || n > MaxImages {
		return nil, fmt.Errorf("%d pictures, allowed are 1 to %d", n, MaxImages)
	}
	if !s.queue.take(n) {
		return nil, ErrBusy
	}
	return sync.OnceFunc(func() { s.queue.give(n) }), nil
}

// Predict answers for encoded pictures, in their order, all by one model. The
// caller has Reserved their places. Pictures that can't be read have their own
// error.
func (s *Service) Predict(ctx context.Context, files [][]byte) ([]Result, Model, error) {
	v, err := s.take()
	if err != nil {
		return nil, Model{}, err
	}
	defer v.used.Done()
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.Deadline, ErrLate)
	defer cancel()
	results := make([]Result, len(files))
	for i, file := range files {
		if results[i], err = s.one(ctx, v, file); err != nil {
			if ctx.Err() != nil {
				err = errors.Join(context.Cause(ctx), err)
			}
			return nil, Model{}, fmt.Errorf("predict: %w", err)
		}
	}
	s.mu.Lock()
	s.served += uint64(len(files))
	s.mu.Unlock()
	return results, v.Model, nil
}

func (s *Service) one(ctx context.Context, v *serving, file []byte) (Result, error) {
	in, w, h, err := s.decoders.Prepare(ctx, file)
	if errors.Is(err, capture.ErrBadImage) || errors.Is(err, capture.ErrTooLarge) {
		return Result{Err: err}, nil
	}
	if err != nil {
		return Result{}, err
	}
	r, err := v.judge(ctx, in)
	r.W, r.H = w, h
	return r, err
}

// Embed returns what the champion's backbone makes of a tensor, and in which
// space; it is for work that can wait: requests go first in the queue's limit
// only.
func (s *Service) Embed(ctx context.Context, in vision.Tensor) ([]float32, Model, error) {
	v, err := s.take()
	if err != nil {
		return nil, Model{}, err
	}
	defer v.used.Done()
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.Deadline, ErrLate)
	defer cancel()
	r, err := v.judge(ctx, in)
	return r.Embedding, v.Model, err
}

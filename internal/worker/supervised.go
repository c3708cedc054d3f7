package worker

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Back-off between two starts of a worker: firstPause doubles up to maxPause
// and starts anew once a worker ran for steadyAfter. A pause is shortened by up
// to pauseJitter of itself, so that two workers that died together do not load
// their models together for ever.
const (
	firstPause  = 200 * time.Millisecond
	maxPause    = 30 * time.Second
	pauseJitter = 0.25
	steadyAfter = time.Minute
)

// State is what the page says of a supervised worker.
type State struct {
	Up       bool
	Code     string    // "" while up, else one of the health codes
	Refusal  string    // the worker's own code where Code is CodeRefused
	Err      string    // the newest failure, kept while up again; "" = none yet
	Restarts int       // starts after the first one
	Since    time.Time // wall clock of the newest change between up and down
	PID      int       // 0 while down
	Version  string    // of the newest worker's program, "" = none was up yet
}

// child is a running worker: a *Process, or a fake in tests.
type child interface {
	Caller
	Hello() Hello
	PID() int
	Done() <-chan struct{}
	Err() error
	Close()
}

// Supervised is a worker that comes back. It implements Caller; all methods may
// be called by any goroutine.
type Supervised struct {
	spec  Spec
	log   *slog.Logger
	start func(context.Context, Spec) (child, error)

	mu      sync.Mutex
	child   child // guarded by mu: nil while down
	hello   Hello // guarded by mu: of the newest child
	state   State // guarded by mu
	failure error // guarded by mu: for Call while down
	changed chan struct{}
}

// NewSupervised returns a worker that Run will keep running. It is down until then.
func NewSupervised(spec Spec) *Supervised {
	spec = spec.withDefaults()
	return &Supervised{
		spec: spec,
		log:  spec.Log.With("worker", spec.Program),
		start: func(ctx context.Context, spec Spec) (child, error) {
			p, err := Start(ctx, spec)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
		state:   State{Code: CodeStarting, Since: time.Now()},
		failure: &Failure{Code: CodeStarting, Err: errors.New("not yet up")},
		changed: make(chan struct{}),
	}
}

// Run keeps the worker running until ctx is done, then stops it and returns nil.
func (s *Supervised) Run(ctx context.Context) error {
	pause := firstPause
	for {
		ran := s.runOnce(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if ran >= steadyAfter {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(jitter(pause)):
		}
		pause = min(2*pause, maxPause)
		s.mu.Lock()
		s.state.Restarts++
		s.mu.Unlock()
	}
}

// runOnce starts the worker, waits for its end and returns how long it was up.
func (s *Supervised) runOnce(ctx context.Context) time.Duration {
	c, err := s.start(ctx, s.spec)
	if err != nil {
		s.setDown(ctx, err)
		return 0
	}
	began := time.Now()
	s.setUp(c)
	select {
	case <-c.Done():
	case <-ctx.Done():
	}
	c.Close()
	s.setDown(ctx, c.Err())
	return time.Since(began)
}

func jitter(pause time.Duration) time.Duration {
	return pause - time.Duration(rand.Float64()*pauseJitter*float64(pause))
}

func (s *Supervised) setUp(c child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.child, s.hello = c, c.Hello()
	s.state.Up, s.state.Code, s.state.Refusal, s.state.PID = true, "", "", c.PID()
	s.state.Since, s.state.Version = time.Now(), s.hello.Version
	s.announceLocked()
	s.log.Info("worker is up", "pid", s.state.PID, "version", s.hello.Version, "restarts", s.state.Restarts)
}

func (s *Supervised) setDown(ctx context.Context, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := CodeCrashed
	var failure *Failure
	switch {
	case ctx.Err() != nil:
		code, err = CodeStopped, &Failure{Code: CodeStopped, Err: context.Cause(ctx)}
	case errors.As(err, &failure):
		code = failure.Code
	default:
		err = &Failure{Code: code, Err: err}
	}
	if s.state.Up {
		s.state.Since = time.Now()
	}
	again := !s.state.Up && s.state.Err == err.Error()
	s.child, s.failure = nil, err
	s.state.Up, s.state.Code, s.state.Refusal, s.state.Err, s.state.PID = false, code, refusal(err), err.Error(), 0
	s.announceLocked()
	if code != CodeStopped && !again {
		s.log.Warn("worker is down", "code", code, "err", err)
	}
}

// refusal is the code with which a worker refused to serve.
func refusal(err error) string {
	var reason *Error
	if errors.As(err, &reason) {
		return reason.Code
	}
	return ""
}

func (s *Supervised) announceLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Call implements Caller. It fails at once, with an error that wraps ErrDown,
// while the worker is down.
func (s *Supervised) Call(ctx context.Context, op string, params any, body []byte, result any) ([]byte, error) {
	s.mu.Lock()
	c, failure := s.child, s.failure
	s.mu.Unlock()
	if c == nil {
		return nil, failure
	}
	return c.Call(ctx, op, params, body, result)
}

// Hello returns what the newest worker said of itself; ok is false before the
// first one was up.
func (s *Supervised) Hello() (hello Hello, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hello, s.hello.Protocol != 0
}

// State returns the present state.
func (s *Supervised) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Changed returns a channel that is closed when the worker next comes up or
// goes down. Take it before State, so that no change falls between the two.
func (s *Supervised) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

var (
	_ Caller = (*Process)(nil)
	_ Caller = (*Supervised)(nil)
)

// Package service runs the long-lived parts of a program: it starts their
// goroutines, starts them again when they fail, and stops them together with a
// reason. It is the one home of suture.
//
// A part is a function Run(ctx) error that blocks until its work is done (nil),
// it failed (an error) or ctx is done; then it has cleaned up after itself.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/thejerf/suture/v4"
)

// A failed part is started again at once; more than quickRestarts failures
// within some failureDecay's bring a pause of about restartPause before every
// further start. Each part is counted for itself.
const (
	quickRestarts = 3
	failureDecay  = 30 * time.Second
	restartPause  = 5 * time.Second
	stopTimeout   = 10 * time.Second
)

// Policy says what follows when a part returns an error or panics. A part that
// returns nil is finished under every policy.
type Policy int

// Policies.
const (
	Restart Policy = iota // it is started again, with back-off
	Fatal                 // the whole group stops with its error
	Once                  // it stays down and the others go on
)

// String returns the policy as it stands in the log.
func (p Policy) String() string {
	switch p {
	case Restart:
		return "restart"
	case Fatal:
		return "fatal"
	default:
		return "once"
	}
}

// Part is one long-lived part of a program.
type Part struct {
	Name   string
	Policy Policy
	Run    func(ctx context.Context) error
	// Ready is closed by the part when it can do its work, e.g. once its port
	// is open; nil = nobody needs to wait for it.
	Ready <-chan struct{}
	// Beats says that Run calls Beat each time it comes round its loop: Stalled
	// then notices when it no longer does.
	Beats bool

	pulse *pulse // of a part with Beats
}

// Group is a set of parts that run and stop together.
type Group struct {
	log   *slog.Logger
	parts []Part
	ended chan struct{} // closed when Run returns
}

// New returns an empty group.
func New(log *slog.Logger) *Group {
	return &Group{log: log, ended: make(chan struct{})}
}

// Add adds a part. It must not be called once Run has been.
func (g *Group) Add(part Part) {
	if part.Beats {
		part.pulse = new(pulse)
	}
	g.parts = append(g.parts, part)
}

// WaitReady returns nil when every part is ready, and an error when ctx is done
// or the group has ended before.
func (g *Group) WaitReady(ctx context.Context) error {
	for _, part := range g.parts {
		if part.Ready == nil {
			continue
		}
		select {
		case <-part.Ready:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", part.Name, context.Cause(ctx))
		case <-g.ended:
			return fmt.Errorf("wait for %s: the group has ended", part.Name)
		}
	}
	return nil
}

// Run starts all parts and blocks until ctx is done or a Fatal part failed.
// Every part then finds the reason in context.Cause of its context. Run returns
// when all have stopped: the error of the Fatal part, or nil. A part that is
// not back after 10 s is named in the log and left behind. Run is called once.
func (g *Group) Run(ctx context.Context) error {
	defer close(g.ended)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	root := suture.New("group", suture.Spec{EventHook: g.hook, Timeout: stopTimeout + time.Second})
	for _, part := range g.parts {
		// A supervisor for each part, so that one's back-off delays no other.
		own := suture.New(part.Name, suture.Spec{
			EventHook:        g.hook,
			FailureThreshold: quickRestarts,
			FailureDecay:     failureDecay.Seconds(),
			FailureBackoff:   restartPause,
			Timeout:          stopTimeout,
		})
		own.Add(&runner{part: part, log: g.log.With("part", part.Name), stop: stop})
		root.Add(own)
	}
	// Serve only tells that ctx is done; why is in the cause.
	_ = root.Serve(ctx)

	var fatal *fatalError
	if errors.As(context.Cause(ctx), &fatal) {
		return fatal
	}
	return nil
}

// hook logs what only suture knows; runner logs the failures themselves.
func (g *Group) hook(event suture.Event) {
	switch e := event.(type) {
	case suture.EventBackoff:
		g.log.Warn("part keeps failing, pausing", "part", e.SupervisorName, "pause", restartPause)
	case suture.EventStopTimeout:
		g.log.Error("part did not stop in time", "part", e.SupervisorName)
	}
}

// fatalError is the error of a Fatal part that ended its group.
type fatalError struct {
	part string
	err  error
}

func (e *fatalError) Error() string { return e.part + ": " + e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

// runner is a part as suture sees it.
type runner struct {
	part Part
	log  *slog.Logger
	stop context.CancelCauseFunc
}

// Serve runs the part once and tells suture what follows.
func (r *runner) Serve(ctx context.Context) error {
	err := r.run(ctx)
	switch {
	case err == nil, ctx.Err() != nil:
		if err != nil && !errors.Is(err, ctx.Err()) && !errors.Is(err, context.Cause(ctx)) {
			r.log.Warn("part failed while stopping", "err", err)
		}
		return suture.ErrDoNotRestart
	case r.part.Policy == Restart:
		r.log.Error("part failed", "err", err, "policy", r.part.Policy)
		// %v: what suture does must not depend on what err wraps.
		return fmt.Errorf("%v", err)
	case r.part.Policy == Fatal:
		r.log.Error("part failed", "err", err, "policy", r.part.Policy)
		r.stop(&fatalError{part: r.part.Name, err: err})
		return suture.ErrDoNotRestart
	default:
		r.log.Error("part failed", "err", err, "policy", r.part.Policy)
		return suture.ErrDoNotRestart
	}
}

// run turns a panic into an error: one part's bug must not stop the others.
func (r *runner) run(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
			r.log.Error("part panicked", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	if p := r.part.pulse; p != nil {
		ctx = context.WithValue(ctx, pulseKey{}, p)
		p.beat()
		defer p.last.Store(nil)
	}
	return r.part.Run(ctx)
}

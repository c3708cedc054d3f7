package worker

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeChild is a worker that dies when told to.
type fakeChild struct {
	done chan struct{}
	err  error
}

func (c *fakeChild) Call(context.Context, string, any, []byte, any) ([]byte, error) {
	return []byte("ok"), nil
}
func (c *fakeChild) Hello() Hello          { return Hello{Protocol: Protocol, Version: "fake"} }
func (c *fakeChild) PID() int              { return 42 }
func (c *fakeChild) Done() <-chan struct{} { return c.done }
func (c *fakeChild) Err() error            { return c.err }
func (c *fakeChild) Close()                {}

func (c *fakeChild) dieAfter(d time.Duration) {
	c.err = &Failure{Code: CodeCrashed, Err: errors.New("segmentation fault")}
	time.AfterFunc(d, func() { close(c.done) })
}

// runSupervised runs s in the bubble of a synctest and stops it at the end.
func runSupervised(t *testing.T, s *Supervised) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestBackoffDoublesAndIsForgottenAfterASteadyRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewSupervised(Spec{Program: childProgram})
		lifetimes := make([]time.Duration, 12) // the first 10 die at once
		lifetimes[10] = steadyAfter
		starts := make(chan time.Time, len(lifetimes)+1)
		n := 0
		s.start = func(context.Context, Spec) (child, error) {
			starts <- time.Now()
			c := &fakeChild{done: make(chan struct{})}
			if n < len(lifetimes) {
				c.dieAfter(lifetimes[n])
			}
			n++
			return c, nil
		}
		runSupervised(t, s)

		last := <-starts
		want := firstPause
		for i, lifetime := range lifetimes {
			if lifetime >= steadyAfter {
				want = firstPause
			}
			next := <-starts
			pause := next.Sub(last) - lifetime
			if pause > want || pause < want*3/4 {
				t.Errorf("pause %d is %v, want up to a quarter less than %v", i, pause, want)
			}
			last, want = next, min(2*want, maxPause)
		}
		synctest.Wait()
		if state := s.State(); !state.Up || state.Restarts != len(lifetimes) || state.PID != 42 || state.Code != "" {
			t.Errorf("state %+v", state)
		}
	})
}

func TestDownIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewSupervised(Spec{Program: childProgram})
		refusal := &Failure{Code: CodeRefused, Err: &Error{Code: "bad_bundle", Message: "golden frames"}}
		s.start = func(context.Context, Spec) (child, error) { return nil, refusal }
		_, err := s.Call(t.Context(), "run", nil, nil, nil)
		wantCode(t, err, CodeStarting)
		if _, ok := s.Hello(); ok {
			t.Error("a hello before the first start")
		}

		changed := s.Changed()
		runSupervised(t, s)
		<-changed
		state := s.State()
		if state.Up || state.Code != CodeRefused || state.Refusal != "bad_bundle" || state.Err == "" {
			t.Errorf("state %+v", state)
		}
		_, err = s.Call(t.Context(), "run", nil, nil, nil)
		wantCode(t, err, CodeRefused)
		var own *Error
		if !errors.As(err, &own) || own.Code != "bad_bundle" {
			t.Errorf("the worker's own reason is lost: %v", err)
		}
	})
}

func TestSupervisorIsToldToStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewSupervised(Spec{Program: childProgram})
		s.start = func(context.Context, Spec) (child, error) {
			return &fakeChild{done: make(chan struct{})}, nil
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		cancel(errors.New("new model"))
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if state := s.State(); state.Code != CodeStopped {
			t.Errorf("state %+v", state)
		}
	})
}

// The whole thing once with real processes: killed and hung workers come back.
func TestRealWorkersComeBack(t *testing.T) {
	t.Parallel()
	spec := testSpec("serve")
	spec.CallTimeout = time.Second
	s := NewSupervised(spec)
	runSupervised(t, s)
	first := waitUp(t, s, 0)
	for _, fault := range []struct {
		op, code string
	}{{"kill", CodeCrashed}, {"stop", CodeHung}} {
		changed := s.Changed()
		_, err := s.Call(t.Context(), fault.op, nil, nil, nil)
		wantCode(t, err, fault.code)
		<-changed
		first = waitUp(t, s, first)
		if _, err := s.Call(t.Context(), "echo", nil, nil, nil); err != nil {
			t.Fatalf("after %s: %v", fault.op, err)
		}
	}
	// Killed while nobody calls.
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitUp(t, s, first)
	if got := s.State().Restarts; got != 3 {
		t.Errorf("%d restarts, want 3", got)
	}
}

// waitUp waits for a worker with another process id than old.
func waitUp(t *testing.T, s *Supervised, old int) int {
	t.Helper()
	for {
		changed := s.Changed()
		if state := s.State(); state.Up && state.PID != old {
			return state.PID
		}
		<-changed
	}
}

package service

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBoom = errors.New("boom")

// start runs a group of the parts and returns its end.
func start(ctx context.Context, t *testing.T, parts ...Part) (*Group, <-chan error, *bytes.Buffer) {
	var logged bytes.Buffer
	g := New(slog.New(slog.NewTextHandler(&logged, nil)))
	for _, part := range parts {
		g.Add(part)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	return g, ended, &logged
}

// untilStopped is a part that only waits and sends the reason of its stop.
func untilStopped(reason chan<- error) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		reason <- context.Cause(ctx)
		return ctx.Err()
	}
}

func TestStopTellsWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := make(chan error, 1)
		_, ended, logged := start(ctx, t, Part{Name: "page", Run: untilStopped(reason)})
		synctest.Wait()
		cancel(errBoom)
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := <-reason; !errors.Is(got, errBoom) {
			t.Errorf("the part was told %v", got)
		}
		if logged.Len() > 0 {
			t.Errorf("a plain stop was logged: %s", logged)
		}
	})
}

func TestFatalPartStopsTheOthers(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errBoom },
		"panic": func(context.Context) error { panic(errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				reason := make(chan error, 1)
				_, ended, logged := start(t.Context(), t,
					Part{Name: "store", Policy: Fatal, Run: run},
					Part{Name: "page", Run: untilStopped(reason)})
				err := <-ended
				if err == nil || !strings.HasPrefix(err.Error(), "store: ") {
					t.Errorf("Run: %v", err)
				}
				if got := <-reason; !strings.Contains(got.Error(), "boom") {
					t.Errorf("the other part was told %v", got)
				}
				if n := strings.Count(logged.String(), "part failed"); n != 1 {
					t.Errorf("logged %d times: %s", n, logged)
				}
			})
		})
	}
}

func TestFailingPartComesBackAndDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		var starts []time.Duration
		bad := func(ctx context.Context) error {
			starts = append(starts, time.Since(began))
			if len(starts) > 6 {
				<-ctx.Done()
				return nil
			}
			if len(starts)%2 == 0 {
				panic("nil map")
			}
			return context.Canceled // of some inner context: no reason to stay down
		}
		var otherRuns atomic.Int32
		other := func(ctx context.Context) error {
			if otherRuns.Add(1) == 1 {
				<-time.After(restartPause / 2) // fails while bad is paused
				return errBoom
			}
			<-ctx.Done()
			return nil
		}
		_, ended, _ := start(ctx, t, Part{Name: "bad", Run: bad}, Part{Name: "other", Run: other})
		<-time.After(restartPause / 2)
		synctest.Wait()
		if otherRuns.Load() != 2 {
			t.Errorf("the other part ran %d times while the first was paused", otherRuns.Load())
		}
		<-time.After(10 * restartPause)
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if len(starts) != 7 {
			t.Fatalf("starts at %v", starts)
		}
		if quick := starts[quickRestarts]; quick != 0 {
			t.Errorf("the first restarts waited %v", quick)
		}
		if paused := starts[quickRestarts+1]; paused < restartPause {
			t.Errorf("no pause after many failures: %v", starts)
		}
	})
}

func TestFinishedAndOncePartsStayDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var folder, imports, survey atomic.Int32
		_, ended, _ := start(ctx, t,
			Part{Name: "folder", Policy: Restart, Run: func(context.Context) error { folder.Add(1); return nil }},
			Part{Name: "import", Policy: Fatal, Run: func(context.Context) error { <-time.After(1); imports.Add(1); return nil }},
			Part{Name: "survey", Policy: Once, Run: func(context.Context) error { <-time.After(2); survey.Add(1); return errBoom }})
		<-time.After(time.Hour)
		synctest.Wait()
		if folder.Load() != 1 || imports.Load() != 1 || survey.Load() != 1 {
			t.Errorf("runs: folder %d, import %d, survey %d", folder.Load(), imports.Load(), survey.Load())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestPartThatDoesNotStopIsNamedAndLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		_, ended, logged := start(ctx, t, Part{Name: "driver", Run: func(context.Context) error { <-release; return nil }})
		synctest.Wait()
		cancel()
		began := time.Now()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if took := time.Since(began); took > stopTimeout+time.Second {
			t.Errorf("stop took %v", took)
		}
		if got := logged.String(); !strings.Contains(got, "did not stop") || !strings.Contains(got, "part=driver") {
			t.Errorf("log: %s", got)
		}
		close(release)
	})
}

func TestWaitReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ready := make(chan struct{})
		g, ended, _ := start(ctx, t,
			Part{Name: "guard", Run: untilStopped(make(chan error, 1))},
			Part{Name: "page", Ready: ready, Run: func(ctx context.Context) error {
				<-time.After(time.Second)
				close(ready)
				<-ctx.Done()
				return nil
			}},
			Part{Name: "never", Ready: make(chan struct{}), Run: untilStopped(make(chan error, 1))})
		short, stop := context.WithTimeout(t.Context(), 2*time.Second)
		defer stop()
		if err := g.WaitReady(short); err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("WaitReady: %v", err)
		}
		cancel()
		<-ended
		if err := g.WaitReady(t.Context()); err == nil || !strings.Contains(err.Error(), "ended") {
			t.Errorf("WaitReady after the end: %v", err)
		}
		if err := New(slog.New(slog.DiscardHandler)).WaitReady(t.Context()); err != nil {
			t.Errorf("an empty group is not ready: %v", err)
		}
	})
}

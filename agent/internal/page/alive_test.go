package page

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/service"
)

// lockedBoard answers no question while its lock is held.
type lockedBoard struct {
	Board
	lock chan struct{} // holds a token while it is held
}

func (b *lockedBoard) State() live.State {
	b.lock <- struct{}{}
	defer func() { <-b.lock }()
	return b.Board.State()
}

func TestPageThatHangsOnALockBeatsNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		board := &lockedBoard{Board: r.hub, lock: make(chan struct{}, 1)}
		r.server.opts.Board = board

		group := service.New(slog.New(slog.DiscardHandler))
		group.Add(service.Part{Name: "page", Beats: true, Run: func(ctx context.Context) error {
			network, server, served := newPipes(), r.server.httpServer(), make(chan error, 1)
			go func() { served <- server.Serve(network) }()
			return r.server.attend(ctx, server, served)
		}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- group.Run(ctx) }()

		<-time.After(10 * time.Minute)
		if stalled := group.Stalled(2 * askEvery); len(stalled) > 0 {
			t.Errorf("stalled while it answers: %v", stalled)
		}
		board.lock <- struct{}{}
		<-time.After(time.Minute)
		if stalled := group.Stalled(30 * time.Second); len(stalled) != 1 {
			t.Errorf("stalled while it hangs: %v", stalled)
		}
		<-board.lock
		<-time.After(askEvery)
		synctest.Wait()
		if stalled := group.Stalled(30 * time.Second); len(stalled) > 0 {
			t.Errorf("stalled after it goes on: %v", stalled)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestHealthLineIsThatOfThePage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hub.Raise(live.Condition{Code: "disk_full", Severity: live.Serious})
	if got := r.server.HealthLine(); !strings.HasPrefix(got, "The disk is full.") {
		t.Errorf("health line %q", got)
	}
}

package uplink

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/membership"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

func TestWindowIsBoundedAndOpensWithAcknowledgements(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	s := newSender(10, 45*time.Second)
	for i := range uint64(window) {
		after, ok := s.next(now, 1000)
		if !ok || after != 10+10*i {
			t.Fatalf("batch %d: above %d, %v", i, after, ok)
		}
		s.took(after+10, now)
	}
	if _, ok := s.next(now, 1000); ok {
		t.Error("a batch beyond the window")
	}
	s.ack(20, false, now)
	if after, ok := s.next(now, 1000); !ok || after != 50 {
		t.Errorf("above %d, %v", after, ok)
	}
	if _, ok := s.next(now, 50); ok {
		t.Error("there is nothing more to send")
	}
}

func TestBatchesGrowWhileAnswersComeSoon(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	s := newSender(0, 45*time.Second)
	for range 10 {
		s.took(s.sent+1, now)
		now = now.Add(time.Second)
		s.ack(s.sent, false, now)
	}
	if s.size != largestBatch {
		t.Errorf("%d bytes after ten quick answers", s.size)
	}
	s.took(s.sent+1, now)
	if expired, _ := s.expired(now.Add(time.Minute)); !expired || s.size != smallestBatch || s.sent != s.acked {
		t.Errorf("%d bytes after an answer that did not come: %+v", s.size, s)
	}
	s = newSender(0, 45*time.Second)
	s.took(1, now)
	s.ack(1, false, now.Add(20*time.Second))
	if s.size != smallestBatch {
		t.Errorf("%d bytes on a slow link", s.size)
	}
}

func TestTimeoutsPauseLongerAndEndTheConnection(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	s := newSender(0, 40*time.Second)
	for n, pause := range []time.Duration{20 * time.Second, 40 * time.Second, 80 * time.Second} {
		s.took(5, now)
		if expired, _ := s.expired(now.Add(39 * time.Second)); expired {
			t.Error("too early")
		}
		now = now.Add(40 * time.Second)
		expired, giveUp := s.expired(now)
		if !expired || giveUp != (n == 2) {
			t.Errorf("timeout %d: expired %v, give up %v", n+1, expired, giveUp)
		}
		if _, ok := s.next(now.Add(pause-1), 5); ok {
			t.Errorf("timeout %d: sent again too early", n+1)
		}
		if _, ok := s.next(now.Add(pause), 5); !ok {
			t.Errorf("timeout %d: not sent again after %v", n+1, pause)
		}
		now = now.Add(pause)
	}
}

func TestSlowLinkThatMakesProgressIsNoTimeout(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	s := newSender(0, 45*time.Second)
	for last := range uint64(4) {
		s.took(last+1, now)
	}
	for through := range uint64(4) { // one answer every 40 seconds
		now = now.Add(40 * time.Second)
		if expired, _ := s.expired(now); expired {
			t.Fatalf("given up before answer %d", through+1)
		}
		s.ack(through+1, false, now)
	}
}

func TestPausesAreDrawnUpToABoundThatDoubles(t *testing.T) {
	t.Parallel()
	u := New(Config{})
	for failures, most := range map[int]time.Duration{1: 2, 2: 4, 5: 32, 9: 300, 1000: 300} {
		var longest time.Duration
		for range 2000 {
			p := u.pause(failures)
			if p < time.Second || p > most*time.Second {
				t.Fatalf("%v after %d failures", p, failures)
			}
			longest = max(longest, p)
		}
		if longest < most*time.Second*2/3 {
			t.Errorf("after %d failures the longest of 2000 pauses is %v of %v", failures, longest, most*time.Second)
		}
	}
}

// empty is a store without anything.
type empty struct{ saved json.RawMessage }

func (*empty) Outbox(context.Context, uint64, int, int) (store.Letters, error) {
	return store.Letters{}, nil
}
func (*empty) Acknowledge(context.Context, uint64, []wire.Rejection) error { return nil }
func (*empty) Usage() store.Usage                                          { return store.Usage{} }
func (e *empty) LoadLink(context.Context) (json.RawMessage, error)         { return e.saved, nil }
func (e *empty) SaveLink(_ context.Context, data json.RawMessage) error {
	e.saved = data
	return nil
}
func (*empty) Hours(context.Context, time.Time, uint64, time.Time) ([]store.Hour, error) {
	return nil, nil
}

func TestBoardWithoutAHubRestsAndWakesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hub := live.NewHub("test", device)
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		nothing := &empty{}
		u := New(Config{
			Data: t.TempDir(), Device: device, Outbox: nothing, Memory: nothing, Hours: nothing, Board: hub,
			Logs: NewTap(log.Handler()), Clock: membership.Clock{Now: time.Now}, Log: log,
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- u.Run(ctx) }()
		<-time.After(time.Minute)
		synctest.Wait()
		revision := hub.State().Revision
		<-time.After(24 * time.Hour)
		synctest.Wait()
		if got := hub.State(); got.Revision != revision || got.Link == nil || got.Link.Joined || len(got.Conditions) > 0 {
			t.Errorf("revision %d was %d, %+v", got.Revision, revision, got.Link)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestHubThatIsMissedForADayBecomesACondition(t *testing.T) {
	t.Parallel()
	hub := live.NewHub("test", device)
	u := New(Config{Board: hub, Outbox: &empty{}, Log: slog.New(slog.DiscardHandler)})
	u.status = live.Link{Joined: true, Why: live.WhyUnreachable}
	now := time.Now()
	u.reached = now.Add(-23 * time.Hour)
	u.show()
	if c := hub.State().Conditions; len(c) > 0 {
		t.Errorf("after 23 hours: %+v", c)
	}
	u.reached = now.Add(-25 * time.Hour)
	u.show()
	if c := hub.State().Conditions; len(c) != 1 || c[0].Code != hubUnreached {
		t.Errorf("after 25 hours: %+v", c)
	}
	u.setConnected(true)
	u.show()
	if c := hub.State().Conditions; len(c) > 0 {
		t.Errorf("connected: %+v", c)
	}
}

func TestTapKeepsTheNewestWarningsAndPassesEverythingOn(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	tap := NewTap(slog.NewTextHandler(&all, &slog.HandlerOptions{Level: slog.LevelInfo}))
	log := slog.New(tap).With("part", "store").WithGroup("g")
	log.Info("quiet")
	for range wire.MaxLogLines + 50 {
		log.Warn("loud\nlines", "key", strings.Repeat("é", 400))
	}
	log.Error("last", "seq", 7)
	lines, end, dropped := tap.lines()
	if !strings.Contains(all.String(), "quiet") || dropped != 51 {
		t.Errorf("dropped %d", dropped)
	}
	size := 0
	for _, line := range lines {
		size += len(line.Text)
	}
	if len(lines) == 0 || size > maxLogBytes || !strings.Contains(lines[0].Text, "part=store g.key=") {
		t.Errorf("%d lines of %d bytes, the first is %q", len(lines), size, lines[0].Text)
	}
	data, err := json.Marshal(wire.LogLines{Contract: wire.Contract, Lines: lines})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.DecodeLogLines(data); err != nil {
		t.Error(err)
	}
	tap.forget(end)
	for last := ""; ; {
		lines, end, _ = tap.lines()
		if len(lines) == 0 {
			if last != "msg=last part=store g.seq=7" {
				t.Errorf("the last line is %q", last)
			}
			return
		}
		last = lines[len(lines)-1].Text
		tap.forget(end)
	}
}

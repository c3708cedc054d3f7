package doctor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/live"
)

// slowChecks take a second each.
func slowChecks(n int) []Check {
	var checks []Check
	for range n {
		checks = append(checks, one("heat", func(ctx context.Context) Result {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			return is(heatUnknown)
		}))
	}
	return checks
}

func TestStoppedRunHasNoResults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		found := 0
		results, err := Run(ctx, slowChecks(5), Watch{Found: func(Result) { found++ }})
		if results != nil || !errors.Is(err, context.DeadlineExceeded) || found != 2 {
			t.Errorf("%v, %v, %d were told", results, err, found)
		}
	})
}

func TestWatchHearsEveryCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var begun []int
		results, err := Run(t.Context(), slowChecks(3), Watch{Begin: func(done, total int, next Check) {
			if total != 3 || next.ID != "heat" {
				t.Errorf("%d, %s", total, next.ID)
			}
			begun = append(begun, done)
		}})
		if err != nil || len(results) != 3 || len(begun) != 3 || begun[2] != 2 || results[0].Check != "heat" {
			t.Errorf("%v, %v, %v", results, begun, err)
		}
	})
}

// restingBoard is a board whose agent runs, without cameras or a model.
func restingBoard(t *testing.T) *Board {
	t.Helper()
	dir := t.TempDir()
	return &Board{
		Version: "1", Data: dir, Store: dir, Now: time.Now, Root: t.TempDir(), Locked: true,
		ClockSynced: func() bool { return true }, Sensors: sensors{celsius: 40},
		Live: func() live.State { return live.State{Version: "1"} },
	}
}

func TestDeskMakesOneRunAtATimeAndKeepsItsReport(t *testing.T) {
	t.Parallel()
	d := NewDesk(restingBoard(t))
	if !d.Start() || d.Start() || d.Start() {
		t.Error("a run that is asked for can be asked for again")
	}
	if s := d.State(); !s.Running || s.Report != nil {
		t.Errorf("%+v", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	first := waitReport(t, d, nil)
	if len(first.Results) < 12 || !first.Running || first.Version != "1" {
		t.Errorf("%+v", first)
	}
	for _, r := range first.Results {
		want(t, r, r.Code)
	}
	if !d.Start() {
		t.Error("a second run can't be asked for")
	}
	if second := waitReport(t, d, first); second.Began.Before(first.Began) {
		t.Error("the report is not the newest")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// waitReport waits for another report than old.
func waitReport(t *testing.T, d *Desk, old *Report) *Report {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(time.Minute); ; {
		if s := d.State(); !s.Running && s.Report != nil && s.Report != old {
			return s.Report
		}
		select {
		case <-ticker.C:
		case <-late:
			t.Fatal("no report within a minute")
		}
	}
}

func TestDeskStopsWithItsBoard(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := NewDesk(restingBoard(t))
	d.Start()
	if err := d.Run(ctx); err != nil {
		t.Error(err)
	}
	if d.State().Report != nil {
		t.Error("half a run gave a report")
	}
}

package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m)
}

type sumArgs struct {
	Numbers []int `json:"numbers"`
}

// quick are jobs whose clocks run fast.
func quick(t *testing.T, d *db.DB, kinds ...Kind) *Jobs {
	t.Helper()
	j, err := New(Config{Lease: 2 * time.Second, Beat: 20 * time.Millisecond}, d)
	if err == nil {
		err = j.Add(kinds...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// running are quick jobs that are done until the test ends.
func running(t *testing.T, d *db.DB, kinds ...Kind) *Jobs {
	t.Helper()
	j := quick(t, d, kinds...)
	run(t, j)
	return j
}

// run does jobs until stop is called, or the test ends.
func run(t *testing.T, j *Jobs) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func ended(t *testing.T, j *Jobs, id int64) Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	one, err := j.Wait(ctx, id)
	if err != nil {
		t.Fatalf("job %d is %s: %v", id, one.State, err)
	}
	return one
}

func start(t *testing.T, j *Jobs, kind string, args any) Job {
	t.Helper()
	one, err := j.Start(t.Context(), kind, args, "Ana")
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func sum(runs *atomic.Int32) func(context.Context, sumArgs, *Progress) (int, error) {
	return func(_ context.Context, args sumArgs, p *Progress) (total int, err error) {
		runs.Add(1)
		for i, n := range args.Numbers {
			total += n
			p.Step("adding", i+1, len(args.Numbers))
			p.Log("%d makes %d", n, total)
		}
		return total, nil
	}
}

func TestSameWorkIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		var runs atomic.Int32
		gate := make(chan struct{})
		slow := func(ctx context.Context, args sumArgs, p *Progress) (int, error) {
			<-gate
			return sum(&runs)(ctx, args, p)
		}
		j := running(t, d,
			Kind{Name: "sum", Run: Of(slow), Timeout: time.Minute, Attempts: 1},
			Kind{Name: "pure", Run: Of(slow), Timeout: time.Minute, Attempts: 1, Pure: true})
		first, again := start(t, j, "sum", sumArgs{[]int{1, 2}}), start(t, j, "sum", sumArgs{[]int{1, 2}})
		other, pure := start(t, j, "sum", sumArgs{[]int{2, 1}}), start(t, j, "pure", sumArgs{[]int{1, 2}})
		if first.ID != again.ID || first.ID == other.ID || first.ID == pure.ID {
			t.Errorf("jobs %d, %d, %d, %d", first.ID, again.ID, other.ID, pure.ID)
		}
		close(gate)
		for _, id := range []int64{first.ID, other.ID, pure.ID} {
			one := ended(t, j, id)
			var total int
			if err := one.ReadResult(&total); err != nil || total != 3 || one.Done != 2 || one.Total != 2 || one.Step != "adding" {
				t.Errorf("%+v, %v", one, err)
			}
			lines, err := j.Lines(t.Context(), id)
			if err != nil || len(lines) != 2 || !strings.HasSuffix(lines[1].Text, "makes 3") {
				t.Errorf("log %+v, %v", lines, err)
			}
		}
		if now := start(t, j, "sum", sumArgs{[]int{1, 2}}); now.ID == first.ID {
			t.Error("what was done can't be ordered again")
		} else {
			ended(t, j, now.ID)
		}
		if now := start(t, j, "pure", sumArgs{[]int{1, 2}}); now.ID != pure.ID || now.State != Done {
			t.Errorf("a pure job was done again: %+v", now)
		}
		if runs.Load() != 4 {
			t.Errorf("%d runs", runs.Load())
		}
	})
}

func TestFailedTriesArePausedCountedAndGivenUp(t *testing.T) {
	t.Parallel()
	next := verdictOn(Job{Fence: 3, Carrier: 9}, Kind{Attempts: 3}, errors.New("no"), time.UnixMicro(0))
	if next.State != Waiting || next.Attempts != 1 || next.Fence != 4 || next.Carrier != 0 || next.DueAt != firstPause.Microseconds() || next.Error != "no" {
		t.Errorf("after the first try %+v", next)
	}
	if next = verdictOn(Job{Attempts: 2}, Kind{Attempts: 3}, errors.New("no"), time.Now()); next.State != Failed {
		t.Errorf("after the last try %+v", next)
	}
	if next = verdictOn(Job{}, Kind{Attempts: 3}, fmt.Errorf("op: %w", Final(errors.New("never"))), time.Now()); next.State != Failed || next.Error != "op: never" {
		t.Errorf("after a final error %+v", next)
	}
	if next = verdictOn(Job{Attempts: 2, Fence: 1}, Kind{Attempts: 3}, errStopping, time.Now()); next.State != Waiting || next.Attempts != 2 || next.Fence != 2 {
		t.Errorf("after the hub stopped %+v", next)
	}
	if p := pause(50); p != maxPause {
		t.Errorf("pause %v", p)
	}
}

func TestPanicErrorTimeoutAndUnknownArgumentsEndTheJobAlone(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		kind := func(name string, attempts int, run func(ctx context.Context) error) Kind {
			return Kind{Name: name, Timeout: 200 * time.Millisecond, Attempts: attempts,
				Run: func(ctx context.Context, _ json.RawMessage, _ *Progress) (any, error) { return nil, run(ctx) }}
		}
		var runs atomic.Int32
		j := running(t, d,
			kind("panics", 1, func(context.Context) error { panic("oh") }),
			kind("errs", 1, func(context.Context) error { return errors.New("no room") }),
			kind("hangs", 5, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }),
			Kind{Name: "sum", Run: Of(sum(&runs)), Timeout: time.Minute, Attempts: 5})
		for name, want := range map[string]string{"panics": "it panicked: oh", "errs": "no room", "hangs": "longer than 200ms"} {
			one := ended(t, j, start(t, j, name, nil).ID)
			if one.State != Failed || !strings.Contains(one.Error, want) {
				t.Errorf("%s: %s, %q", name, one.State, one.Error)
			}
		}
		if one := ended(t, j, start(t, j, "sum", "text").ID); one.State != Failed || runs.Load() != 0 {
			t.Errorf("%+v", one)
		}
		if one := ended(t, j, start(t, j, "sum", sumArgs{[]int{4}}).ID); one.State != Done {
			t.Errorf("afterwards %+v", one)
		}
		for deadline := time.Now().Add(10 * time.Second); j.Stats().Failed != 3; {
			if time.Now().After(deadline) {
				t.Fatalf("stats %+v", j.Stats()) // the newest job of sum was done
			}
			<-time.After(10 * time.Millisecond)
		}
	})
}

func TestJobIsCancelledWhileItWaitsAndWhileItRuns(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		began := make(chan struct{}, 9)
		kind := Kind{Name: "long", Timeout: time.Hour, Attempts: 3, Heavy: true,
			Run: Of(func(ctx context.Context, _ sumArgs, p *Progress) (int, error) {
				began <- struct{}{}
				<-ctx.Done()
				return 0, ctx.Err()
			})}
		j := running(t, d, kind)
		first := start(t, j, "long", sumArgs{[]int{1}})
		<-began
		second := start(t, j, "long", sumArgs{[]int{2}}) // waits: heavy ones run alone
		for _, id := range []int64{second.ID, first.ID} {
			if err := j.Cancel(t.Context(), id, "Ben"); err != nil {
				t.Fatal(err)
			}
			if one := ended(t, j, id); one.State != Cancelled || one.EndedBy != "Ben" || one.Error != "" {
				t.Errorf("%+v", one)
			}
		}
		if err := j.Cancel(t.Context(), first.ID, "Ben"); !errors.Is(err, ErrEnded) {
			t.Errorf("a job was cancelled twice: %v", err)
		}
		if err := j.Cancel(t.Context(), 999, "Ben"); !errors.Is(err, ErrNotFound) {
			t.Errorf("no job was cancelled: %v", err)
		}
		if err := j.Retry(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		<-began
		if err := j.Retry(t.Context(), first.ID); !errors.Is(err, ErrNotEnded) {
			t.Errorf("a running job was retried: %v", err)
		}
		if err := j.Cancel(t.Context(), first.ID, "Ben"); err != nil {
			t.Fatal(err)
		}
		ended(t, j, first.ID)
		third := start(t, j, "long", sumArgs{[]int{1}})
		<-began
		if err := j.Retry(t.Context(), first.ID); !errors.Is(err, ErrUnderWay) {
			t.Errorf("the same work twice at once: %v", err)
		}
		if err := j.Cancel(t.Context(), third.ID, "Ben"); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAnotherProcessCancels: the one that runs the job finds out by itself.
func TestAnotherProcessCancels(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	began := make(chan struct{})
	kind := Kind{Name: "long", Timeout: time.Hour, Attempts: 1, Run: Of(func(ctx context.Context, _ sumArgs, _ *Progress) (int, error) {
		close(began)
		<-ctx.Done()
		return 0, ctx.Err()
	})}
	j, other := running(t, d, kind), quick(t, d, kind)
	one := start(t, other, "long", sumArgs{})
	<-began
	if err := other.Cancel(t.Context(), one.ID, "Ben"); err != nil {
		t.Fatal(err)
	}
	if one = ended(t, j, one.ID); one.State != Cancelled {
		t.Errorf("%+v", one)
	}
}

func TestHubThatStopsLeavesTheJobForTheNextOne(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		began := make(chan struct{}, 2)
		kind := Kind{Name: "twice", Timeout: time.Hour, Attempts: 1, Run: Of(func(ctx context.Context, args sumArgs, _ *Progress) (string, error) {
			began <- struct{}{}
			<-ctx.Done()
			return "", ctx.Err()
		})}
		j := quick(t, d, kind)
		stop := run(t, j)
		one := start(t, j, "twice", sumArgs{})
		<-began
		stop()
		if now, err := j.Get(t.Context(), one.ID); err != nil || now.State != Waiting || now.Attempts != 0 {
			t.Fatalf("%+v, %v", now, err)
		}
		kind.Run = Of(func(context.Context, sumArgs, *Progress) (string, error) { return "here", nil })
		next := running(t, d, kind)
		if now := ended(t, next, one.ID); now.State != Done || now.Result != `"here"` {
			t.Errorf("%+v", now)
		}
	})
}

// TestZombieWritesNothing: a process that lost its lease and does not know it.
func TestZombieWritesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		j := quick(t, d, Kind{Name: "x", Timeout: time.Hour, Attempts: 3, Run: Of(func(context.Context, sumArgs, *Progress) (string, error) { return "", nil })})
		one := start(t, j, "x", sumArgs{})
		mineNow, ok, err := j.claim(t.Context(), carrier{one.ID, one.Fence})
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, ok, err := j.claim(t.Context(), carrier{one.ID, one.Fence}); err != nil || ok {
			t.Fatalf("taken twice: %v", err)
		}
		if _, err := d.Write().NewUpdate().Model((*Job)(nil)).Set("lease = 1").Where("id = ?", one.ID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := j.recover(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		p := newProgress(mineNow)
		p.Step("late", 1, 1)
		p.Log("late")
		if err := j.flush(t.Context(), mineNow, p, true); !errors.Is(err, errLost) {
			t.Errorf("flush: %v", err)
		}
		j.settle(t.Context(), mineNow, j.kinds["x"], "late", nil)
		now, err := j.Get(t.Context(), one.ID)
		lines, _ := j.Lines(t.Context(), one.ID)
		if err != nil || now.State != Waiting || now.Result != "" || now.Step != "" || now.Deaths != 1 || len(lines) != 0 {
			t.Errorf("%+v, %v, %v", now, lines, err)
		}
		if _, ok, err := j.claim(t.Context(), carrier{one.ID, one.Fence}); err != nil || ok {
			t.Errorf("an old carrier took the job: %v", err)
		}
	})
}

func TestJobThatEndsTheHubEachTimeIsGivenUp(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	j := quick(t, d, Kind{Name: "x", Timeout: time.Hour, Attempts: 3, Run: Of(func(context.Context, sumArgs, *Progress) (string, error) { return "", nil })})
	one := start(t, j, "x", sumArgs{})
	for range maxDeaths {
		now, err := j.Get(t.Context(), one.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := j.claim(t.Context(), carrier{now.ID, now.Fence}); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := j.recover(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	if now, err := j.Get(t.Context(), one.ID); err != nil || now.State != Failed || !strings.Contains(now.Error, "30 times") {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestEndlessLogStaysBounded(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	j := running(t, d, Kind{Name: "talks", Timeout: time.Minute, Attempts: 1, Run: Of(func(_ context.Context, _ sumArgs, p *Progress) (int, error) {
		for i := range 5 * maxLines {
			p.Log("line %d %s", i, strings.Repeat("x", 2*maxLine))
		}
		return 0, nil
	})})
	one := ended(t, j, start(t, j, "talks", sumArgs{}).ID)
	lines, err := j.Lines(t.Context(), one.ID)
	if err != nil || len(lines) > maxLines || len(lines) < maxLines/2 || len(lines[0].Text) > maxLine {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

func TestPeriodicJobIsStartedOncePerPeriodAlsoAfterARestart(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		every := time.Hour
		j := quick(t, d, Kind{Name: "sweep", Timeout: time.Minute, Attempts: 1, Every: func() time.Duration { return every },
			Run: Of(func(context.Context, struct{}, *Progress) (int, error) { return 0, nil })})
		now := time.Now()
		count := func(at time.Time) int {
			t.Helper()
			if err := j.startDue(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			list, err := j.List(t.Context(), Filter{Kind: "sweep"}, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range list {
				if one.State == Waiting {
					claimed, _, err := j.claim(t.Context(), carrier{one.ID, one.Fence})
					if err != nil {
						t.Fatal(err)
					}
					j.settle(t.Context(), claimed, j.kinds["sweep"], 0, nil)
				}
			}
			return len(list)
		}
		for i, step := range []struct {
			at   time.Time
			want int
		}{{now, 1}, {now.Add(time.Minute), 1}, {now.Add(2 * time.Hour), 2}, {now.Add(-24 * time.Hour), 3}} {
			if n := count(step.at); n != step.want {
				t.Errorf("step %d: %d jobs, want %d", i, n, step.want)
			}
		}
		every = 0
		if n := count(now.Add(99 * time.Hour)); n != 3 {
			t.Errorf("it is switched off, and there are %d jobs", n)
		}
	})
}

func TestOldJobsAreForgottenAndPureResultsStay(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	var runs atomic.Int32
	j := running(t, d,
		Kind{Name: "sum", Run: Of(sum(&runs)), Timeout: time.Minute, Attempts: 1},
		Kind{Name: "pure", Run: Of(sum(&runs)), Timeout: time.Minute, Attempts: 1, Pure: true})
	old, pure := ended(t, j, start(t, j, "sum", sumArgs{[]int{1}}).ID), ended(t, j, start(t, j, "pure", sumArgs{[]int{1}}).ID)
	if err := j.forget(t.Context(), time.Now().AddDate(0, 0, keepDays+1)); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Get(t.Context(), old.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("the old job: %v", err)
	}
	if lines, err := j.Lines(t.Context(), old.ID); err != nil || len(lines) != 0 {
		t.Errorf("its log: %v, %v", lines, err)
	}
	if _, err := j.Get(t.Context(), pure.ID); err != nil {
		t.Errorf("the pure job: %v", err)
	}
}

func TestTimeLeftIsForetoldFromTheStep(t *testing.T) {
	t.Parallel()
	now := time.Now()
	one := Job{State: Running, StepAt: now.Add(-10 * time.Second).UnixMicro(), Done: 25, Total: 100}
	if left, ok := one.Left(now); !ok || left.Round(time.Second) != 30*time.Second {
		t.Errorf("%v, %v", left, ok)
	}
	one.Done = 1
	if _, ok := one.Left(now); ok {
		t.Error("foretold from next to nothing")
	}
}

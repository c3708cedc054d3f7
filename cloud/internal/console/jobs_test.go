package console

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/people"
)

// jobsAtWork are three kinds of jobs: one runs until it is stopped and says so on
// began, one fails, one is done.
func jobsAtWork(t *testing.T) (jobs *job.Jobs, began chan struct{}) {
	t.Helper()
	d := dbtest.SQLite(t)
	jobs, err := job.New(job.Config{Beat: 20 * time.Millisecond}, d)
	if err != nil {
		t.Fatal(err)
	}
	began = make(chan struct{}, 9)
	err = jobs.Add(
		job.Kind{Name: "features", Timeout: time.Minute, Attempts: 1, Run: job.Of(func(ctx context.Context, _ struct{}, p *job.Progress) (int, error) {
			p.Step("embedding", 3, 12)
			p.Log("line <one>")
			began <- struct{}{}
			<-ctx.Done()
			return 0, ctx.Err()
		})},
		job.Kind{Name: "backup", Timeout: time.Minute, Attempts: 1, Run: job.Of(func(context.Context, struct{}, *job.Progress) (any, error) {
			return nil, errors.New("no room on the disk")
		})},
		job.Kind{Name: "retention", Timeout: time.Minute, Attempts: 1, Run: job.Of(func(context.Context, struct{}, *job.Progress) (any, error) {
			return map[string]int{"deleted": 1234}, nil
		})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- jobs.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return jobs, began
}

func TestJobIsSeenByAllAndCancelledAndRetriedByOperators(t *testing.T) {
	t.Parallel()
	jobs, began := jobsAtWork(t)
	pages := &Jobs{Jobs: jobs}
	r := newRig(t, pages.Section())
	pages.Console = r.console
	r.add(t, "vera", people.Viewer)
	ana, vera := r.in(t, "ana"), r.in(t, "vera")
	has(t, vera.get("/jobs"), "No job yet")
	start := func(kind string) job.Job {
		t.Helper()
		one, err := jobs.Start(t.Context(), kind, struct{}{}, job.Hub)
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	end := func(id int64, want job.State) {
		t.Helper()
		if one, err := jobs.Wait(t.Context(), id); err != nil || one.State != want {
			t.Fatalf("%+v, %v", one, err)
		}
	}
	long := start("features")
	<-began
	end(start("backup").ID, job.Failed)
	end(start("retention").ID, job.Done)
	for deadline := time.Now().Add(10 * time.Second); ; { // until the first beat has written it down
		if one, err := jobs.Get(t.Context(), long.ID); err == nil && one.Done == 3 || time.Now().After(deadline) {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	has(t, vera.get("/jobs"), "Features of labelled pictures", "Running", "3 of 12", "the hub by itself", "Failed", "Done")
	has(t, vera.get("/jobs?state=failed"), "Copy of the database")
	hasNot(t, vera.get("/jobs?state=failed"), "Features of labelled pictures")
	page := vera.get("/jobs/1")
	has(t, page, `<progress max="12" value="3"`, "line &lt;one&gt;", `hx-get="/parts/jobs/1"`)
	hasNot(t, page, "/jobs/1/cancel")
	has(t, vera.get("/jobs/2"), "no room on the disk")
	has(t, vera.get("/jobs/3"), "1,234 pictures were older")
	if status, _, _ := vera.post("/jobs/1/cancel"); status != http.StatusForbidden {
		t.Errorf("a viewer cancels: %d", status)
	}
	if status, _, _ := ana.post("/jobs/99/cancel"); status != http.StatusNotFound {
		t.Errorf("no job is cancelled: %d", status)
	}
	has(t, ana.get("/jobs/1"), "/jobs/1/cancel")
	if status, _, to := ana.post("/jobs/1/cancel"); status != http.StatusSeeOther || to != "/jobs/1" {
		t.Errorf("%d to %q", status, to)
	}
	end(1, job.Cancelled)
	has(t, ana.get("/jobs/1"), "Cancelled by", "ana", "/jobs/1/retry")
	if status, _, to := ana.post("/jobs/1/retry"); status != http.StatusSeeOther || to != "/jobs/1" {
		t.Errorf("%d to %q", status, to)
	}
	<-began
	if lines, err := r.audit.List(t.Context(), 0, "job 1", 5); err != nil || len(lines) != 2 || lines[0].Action != "job.retry" {
		t.Errorf("the log of changes has %+v, %v", lines, err)
	}
	if status, _, _ := ana.post("/jobs/1/cancel"); status != http.StatusSeeOther {
		t.Errorf("cancelled again: %d", status)
	}
	end(1, job.Cancelled)
}

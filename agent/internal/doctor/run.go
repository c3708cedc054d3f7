package doctor

import (
	"context"
	"time"
)

// Check looks at one thing. Run returns one or more results, soon after ctx is
// done at the latest; then they are thrown away.
type Check struct {
	ID      string // "disk": a text of the catalogue ("doctor.check_<ID>")
	Subject string // the camera, "" for the board
	Run     func(ctx context.Context) []Result
}

// Watch is told how a run goes on: before each check, and after it with its
// results. A nil Watch hears nothing.
type Watch struct {
	Begin func(done, total int, next Check)
	Found func(Result)
}

// Run makes the checks, one after the other: what is measured must not weigh on
// what is measured beside it. The error is that of ctx.
func Run(ctx context.Context, checks []Check, watch Watch) ([]Result, error) {
	var all []Result
	for done, check := range checks {
		if watch.Begin != nil {
			watch.Begin(done, len(checks), check)
		}
		for _, r := range check.Run(ctx) {
			if r.Check == "" {
				r.Check = check.ID
			}
			if r.Subject == "" {
				r.Subject = check.Subject
			}
			if watch.Found != nil && ctx.Err() == nil {
				watch.Found(r)
			}
			all = append(all, r)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// one makes a check of a function that gives one result.
func one(id string, run func(ctx context.Context) Result) Check {
	return Check{ID: id, Run: func(ctx context.Context) []Result { return []Result{run(ctx)} }}
}

// Examine runs the checks of a board and reports.
func Examine(ctx context.Context, b *Board, watch Watch) (Report, error) {
	began := time.Now()
	results, err := Run(ctx, b.Checks(), watch)
	if err != nil {
		return Report{}, err
	}
	return Report{Version: b.Version, Began: began, Took: time.Since(began), Running: b.Live != nil, Results: results}, nil
}

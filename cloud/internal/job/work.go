package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// carrier is what the queue holds of a job.
type carrier struct {
	ID    int64 `json:"id"`
	Fence int64 `json:"fence"`
}

// Kind is River's name for it.
func (carrier) Kind() string { return "hub_job" }

// Queues: light jobs must not wait for hours behind a heavy one.
const (
	lightQueue = "light"
	heavyQueue = "heavy"
)

// worker takes jobs out of River.
type worker struct {
	river.WorkerDefaults[carrier]
	jobs *Jobs
}

// Timeout is none: the kind of the job says it.
func (w *worker) Timeout(*river.Job[carrier]) time.Duration { return -1 }

// Work does one try of a job. An error is of the database: River comes again.
func (w *worker) Work(ctx context.Context, carried *river.Job[carrier]) error {
	one, ok, err := w.jobs.claim(ctx, carried.Args)
	if err != nil || !ok {
		return err
	}
	w.jobs.do(ctx, one)
	return nil
}

func newQueue(j *Jobs, d *db.DB) (db.Queue, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{jobs: j})
	return d.NewQueue(&river.Config{
		ID: j.owner, Logger: slog.New(warnings{j.config.Log.Handler()}), Workers: workers,
		JobTimeout: -1, RescueStuckJobsAfter: maxTimeout + time.Hour,
		FetchPollInterval: max(j.config.Beat/4, time.Millisecond), FetchCooldown: max(j.config.Beat/20, time.Millisecond),
		Queues: map[string]river.QueueConfig{lightQueue: {MaxWorkers: j.config.Workers}, heavyQueue: {MaxWorkers: 1}},
	})
}

// warnings lets only warnings and worse through: what River says of itself is of
// no use in the hub's log.
type warnings struct{ slog.Handler }

// Enabled reports whether a level is worth a line.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// Why a try was cut off.
var (
	errCancelled = errors.New("the job was cancelled")
	errStopping  = errors.New("the hub stops")
	errLost      = errors.New("another process took the job")
)

// claim takes a waiting job for this process; false where it is no longer what
// the queue took it for.
func (j *Jobs) claim(ctx context.Context, c carrier) (one Job, ok bool, err error) {
	now := time.Now()
	err = j.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		ok = false
		var err error
		if one, err = get(ctx, tx, c.ID); err != nil {
			if errors.Is(err, ErrNotFound) {
				return nil // forgotten meanwhile
			}
			return err
		}
		if one.State != Waiting || one.Fence != c.Fence {
			return nil
		}
		one.State, one.StartedAt, one.Owner, one.Lease = Running, now.UnixMicro(), j.owner, now.Add(j.config.Lease).UnixMicro()
		one.Step, one.StepAt, one.Done, one.Total = "", now.UnixMicro(), 0, 0
		ok = true
		_, err = tx.NewUpdate().Model(&one).WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		return one, false, fmt.Errorf("take a job: %w", err)
	}
	return one, ok, nil
}

// do runs a job of this process to the end of one try.
func (j *Jobs) do(ctx context.Context, one Job) {
	k, known := j.kind(one.Kind)
	if !known {
		j.settle(ctx, one, Kind{}, nil, Final(fmt.Errorf("this hub knows no job of kind %.40q", one.Kind)))
		return
	}
	run, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	j.mu.Lock()
	j.running[one.ID] = stop
	j.mu.Unlock()
	progress := newProgress(one)
	beaten := make(chan struct{})
	watch, enough := context.WithCancel(run)
	go func() { // ends with enough
		defer close(beaten)
		j.beat(watch, one, progress, stop)
	}()
	limited, end := context.WithTimeout(run, k.Timeout)
	result, err := runSafely(limited, k, one, progress)
	switch cause := context.Cause(run); {
	case err == nil: // done is done
	case cause != nil:
		err = cause
	case limited.Err() != nil:
		err = Final(fmt.Errorf("it took longer than %v", k.Timeout))
	}
	end()
	enough()
	<-beaten
	j.mu.Lock()
	delete(j.running, one.ID)
	j.mu.Unlock()
	after := context.WithoutCancel(ctx)
	if errors.Is(err, errLost) {
		j.config.Log.Warn("a job was taken by another process", "job", one.ID)
		return
	}
	if err := j.flush(after, one, progress, true); err != nil {
		j.config.Log.Warn("the log of a job is not whole", "job", one.ID, "error", err)
	}
	j.settle(after, one, k, result, err)
}

// runSafely makes a panic an error: it ends the try and nothing else.
func runSafely(ctx context.Context, k Kind, one Job, p *Progress) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it panicked: %v", v)
			p.Log("%v\n%s", v, debug.Stack())
		}
	}()
	return k.Run(ctx, json.RawMessage(one.Args), p)
}

// beat writes down how far a job is, renews its lease, and stops it where it was
// cancelled or taken away.
func (j *Jobs) beat(ctx context.Context, one Job, p *Progress, stop context.CancelCauseFunc) {
	tick := time.NewTicker(j.config.Beat)
	defer tick.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			renew := now.Sub(renewed) >= j.config.Lease/3
			err := j.flush(ctx, one, p, renew)
			var seen Job
			if err == nil {
				seen, err = get(ctx, j.db.Read(), one.ID)
			}
			switch {
			case errors.Is(err, errLost) || errors.Is(err, ErrNotFound):
				stop(errLost)
				return
			case err != nil && ctx.Err() == nil:
				j.config.Log.Warn("a job can't be written down", "job", one.ID, "error", err)
				continue // the lease ends when this lasts
			case seen.Cancel:
				stop(errCancelled)
				return
			}
			if renew {
				renewed = now
			}
		}
	}
}

// flush writes down what progress says; errLost where the job is no longer ours.
func (j *Jobs) flush(ctx context.Context, one Job, p *Progress, renew bool) error {
	now, dirty, lines := p.take()
	if !dirty && len(lines) == 0 && !renew {
		return nil
	}
	err := j.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		q := mine(tx.NewUpdate().Model((*Job)(nil)), one).Set("lease = ?", time.Now().Add(j.config.Lease).UnixMicro())
		if dirty {
			q.Set("step = ?", wire.Text(now.step, 100)).Set("step_at = ?", now.since.UnixMicro()).Set("done = ?", now.done).Set("total = ?", now.total)
		}
		if err := hit(q.Exec(ctx)); err != nil {
			return err
		}
		return addLines(ctx, tx, one.ID, lines)
	})
	if err != nil {
		p.untake(lines)
	}
	return err
}

// mine picks a job as long as this process works on it.
func mine(q *bun.UpdateQuery, one Job) *bun.UpdateQuery {
	return q.Where("id = ? AND fence = ? AND state = ?", one.ID, one.Fence, Running)
}

// hit makes an update that found nothing an errLost.
func hit(result interface{ RowsAffected() (int64, error) }, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errLost)
	}
	return nil
}

func addLines(ctx context.Context, tx bun.Tx, id int64, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	var last int64
	if err := tx.NewSelect().Model((*Line)(nil)).ColumnExpr("COALESCE(MAX(seq), 0)").Where("job = ?", id).Scan(ctx, &last); err != nil {
		return err
	}
	for i := range lines {
		last++
		lines[i].Job, lines[i].Seq = id, last
	}
	if _, err := tx.NewInsert().Model(&lines).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewDelete().Model((*Line)(nil)).Where("job = ? AND seq <= ?", id, last-maxLines).Exec(ctx)
	return err
}

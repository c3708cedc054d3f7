package job

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
)

const (
	// maxDeaths is how often a job may be cut off with its process before it
	// counts as what ended it.
	maxDeaths = 30
	// keepDays is how long the line of an ended job stays. Pure ones stay: their
	// result is used again.
	keepDays = 90
	// lookBeats is how many beats lie between two looks at what is to be done:
	// what is ordered is put into the queue at once.
	lookBeats = 5
	// newsFor is how long a failed job is worth a word where none of its kind
	// follows.
	newsFor = 7 * 24 * time.Hour
	// stopTime is how long the end of the hub waits for jobs to notice.
	stopTime = 15 * time.Second
)

// Run does jobs until ctx is done.
func (j *Jobs) Run(ctx context.Context) error {
	// One process has a SQLite database for itself: what runs there was left by
	// one that is gone.
	if err := j.recover(ctx, j.db.Kind() == db.SQLite); err != nil {
		return err
	}
	if err := j.carryAnew(ctx); err != nil {
		return err
	}
	work := context.WithoutCancel(ctx) // jobs are stopped one by one, with a reason
	if err := j.queue.Start(work); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	defer j.stop(work)
	tick := time.NewTicker(lookBeats * j.config.Beat)
	defer tick.Stop()
	forgotten := time.Time{}
	for {
		err := j.look(ctx)
		if err == nil && time.Since(forgotten) > time.Hour {
			err, forgotten = j.forget(ctx, time.Now()), time.Now()
		}
		if err != nil && ctx.Err() == nil {
			j.config.Log.Warn("jobs", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// stop lets running jobs end early and waits for them.
func (j *Jobs) stop(ctx context.Context) {
	j.mu.Lock()
	for _, cancel := range j.running {
		cancel(errStopping)
	}
	j.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if err := j.queue.Stop(ctx); err != nil {
		j.config.Log.Warn("jobs did not stop in time", "error", err)
	}
}

// look does what is due: jobs whose process is gone, jobs that are not in the
// queue, jobs that the hub starts by itself.
func (j *Jobs) look(ctx context.Context) error {
	if err := j.recover(ctx, false); err != nil {
		return err
	}
	var uncarried []Job
	err := j.db.Read().NewSelect().Model(&uncarried).Where("state = ? AND carrier = 0", Waiting).Order("id").Limit(100).Scan(ctx)
	if err != nil {
		return fmt.Errorf("look for jobs: %w", err)
	}
	for i := range uncarried {
		if err := j.carry(ctx, &uncarried[i]); err != nil {
			return err
		}
	}
	if err := j.startDue(ctx, time.Now()); err != nil {
		return err
	}
	return j.count(ctx)
}

// recover makes jobs wait again whose process no longer renews its lease, or all
// that run where everybody else is known to be gone.
func (j *Jobs) recover(ctx context.Context, alone bool) error {
	now := time.Now()
	var left []Job
	q := j.db.Read().NewSelect().Model(&left).Where("state = ?", Running)
	if !alone {
		q.Where("lease < ?", now.UnixMicro())
	}
	if err := q.Scan(ctx); err != nil {
		return fmt.Errorf("look for jobs that were left: %w", err)
	}
	for i := range left {
		one := &left[i]
		q := j.db.Write().NewUpdate().Model((*Job)(nil)).Set("deaths = deaths + 1").Set("fence = fence + 1").Set("carrier = 0").
			Set("owner = ''").Where("id = ? AND fence = ? AND state = ?", one.ID, one.Fence, Running)
		if !alone {
			q.Where("lease < ?", now.UnixMicro()) // it may have been renewed meanwhile
		}
		switch {
		case one.Cancel:
			q.Set("state = ?", Cancelled).Set("ended_at = ?", now.UnixMicro())
		case one.Deaths+1 >= maxDeaths:
			q.Set("state = ?", Failed).Set("ended_at = ?", now.UnixMicro()).
				Set("error = ?", fmt.Sprintf("the hub ended %d times while it ran", one.Deaths+1))
		default:
			q.Set("state = ?", Waiting).Set("due_at = ?", now.UnixMicro())
		}
		if _, err := q.Exec(ctx); err != nil {
			return fmt.Errorf("take up a job again: %w", err)
		}
		j.config.Log.Info("a job was cut off", "job", one.ID, "kind", one.Kind, "times", one.Deaths+1)
	}
	return nil
}

// carryAnew puts all waiting jobs into the queue again: a process may have ended
// between taking one out of it and taking the job.
func (j *Jobs) carryAnew(ctx context.Context) error {
	_, err := j.db.Write().NewUpdate().Model((*Job)(nil)).Set("carrier = 0").Set("fence = fence + 1").Where("state = ?", Waiting).Exec(ctx)
	if err != nil {
		return fmt.Errorf("take up jobs again: %w", err)
	}
	return nil
}

// startDue starts the jobs that the hub starts by itself.
func (j *Jobs) startDue(ctx context.Context, now time.Time) error {
	j.mu.Lock()
	var own []Kind
	for _, k := range j.kinds {
		if k.Every != nil && k.Every() > 0 {
			own = append(own, k)
		}
	}
	j.mu.Unlock()
	for _, k := range own {
		var last int64
		err := j.db.Read().NewSelect().Model((*Job)(nil)).ColumnExpr("COALESCE(MAX(created_at), 0)").
			Where("kind = ? AND started_by = ?", k.Name, Hub).Scan(ctx, &last)
		if err != nil {
			return fmt.Errorf("look when a job was last started: %w", err)
		}
		// A clock that was set back must not stop it for long.
		if since := now.Sub(db.Time(last)); last > 0 && since >= 0 && since < k.Every() {
			continue
		}
		if _, err := j.Start(ctx, k.Name, struct{}{}, Hub); err != nil {
			return err
		}
	}
	return nil
}

// forget deletes lines of jobs that ended long ago.
func (j *Jobs) forget(ctx context.Context, now time.Time) error {
	j.mu.Lock()
	pure := []string{""} // an empty list is no SQL
	for name, k := range j.kinds {
		if k.Pure {
			pure = append(pure, name)
		}
	}
	j.mu.Unlock()
	err := j.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*Job)(nil)).Where("state IN (?)", bun.In([]State{Done, Failed, Cancelled})).
			Where("ended_at < ?", now.AddDate(0, 0, -keepDays).UnixMicro()).
			Where("NOT (state = ? AND kind IN (?))", Done, bun.In(pure)).Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.NewDelete().Model((*Line)(nil)).Where("job NOT IN (SELECT id FROM jobs)").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget old jobs: %w", err)
	}
	return nil
}

// Stats are the numbers of all jobs, a few seconds old at most.
type Stats struct {
	Waiting int // for their turn
	Running int
	Failed  int       // kinds whose newest job that ended failed
	Oldest  time.Time // since when the oldest one waits that could run; zero = none does
	Broken  []Job     // the newest failed job of each of those kinds
}

// Stats says how jobs do.
func (j *Jobs) Stats() Stats { return *j.stats.Load() }

func (j *Jobs) count(ctx context.Context) error {
	var s Stats
	var states []struct {
		State State `bun:"state"`
		N     int   `bun:"n"`
		Due   int64 `bun:"due"`
	}
	err := j.db.Read().NewSelect().Model((*Job)(nil)).Column("state").ColumnExpr("COUNT(*) AS n").ColumnExpr("MIN(due_at) AS due").
		Where("state IN (?)", bun.In([]State{Waiting, Running})).Group("state").Scan(ctx, &states)
	if err != nil {
		return fmt.Errorf("count jobs: %w", err)
	}
	for _, one := range states {
		if one.State == Running {
			s.Running = one.N
			continue
		}
		s.Waiting = one.N
		if due := db.Time(one.Due); due.Before(time.Now()) {
			s.Oldest = due
		}
	}
	newest := j.db.Read().NewSelect().Model((*Job)(nil)).ColumnExpr("MAX(id)").Where("state IN (?)", bun.In([]State{Done, Failed})).Group("kind")
	err = j.db.Read().NewSelect().Model(&s.Broken).Where("state = ?", Failed).Where("id IN (?)", newest).Where("ended_at > ?", time.Now().Add(-newsFor).UnixMicro()).Order("kind").Scan(ctx)
	if err != nil {
		return fmt.Errorf("count jobs: %w", err)
	}
	s.Failed = len(s.Broken)
	j.stats.Store(&s)
	return nil
}

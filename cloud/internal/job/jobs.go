package job

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// Config says how jobs are done. The zero value is usable.
type Config struct {
	Workers int           // light jobs side by side; heavy ones have one place of their own
	Lease   time.Duration // how long a job belongs to a process that no longer says so
	Beat    time.Duration // between two looks at a running job, and at what is to be done
	Log     *slog.Logger
}

// Defaults of Config.
const (
	defaultWorkers = 3
	defaultLease   = 30 * time.Second
	defaultBeat    = time.Second
)

// Jobs orders, does and shows jobs. Any number of goroutines may use it.
type Jobs struct {
	config Config
	db     *db.DB
	owner  string // this process
	queue  db.Queue
	stats  atomic.Pointer[Stats]

	mu      sync.Mutex // guards what follows
	kinds   map[string]Kind
	running map[int64]context.CancelCauseFunc
}

// New returns jobs of no kind yet: Add them before Run.
func New(config Config, d *db.DB) (*Jobs, error) {
	if config.Workers == 0 {
		config.Workers = defaultWorkers
	}
	if config.Lease == 0 {
		config.Lease = defaultLease
	}
	if config.Beat == 0 {
		config.Beat = defaultBeat
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	j := &Jobs{config: config, db: d, owner: rand.Text(), kinds: map[string]Kind{}, running: map[int64]context.CancelCauseFunc{}}
	j.stats.Store(&Stats{})
	var err error
	j.queue, err = newQueue(j, d)
	return j, err
}

// Add makes kinds known.
func (j *Jobs) Add(kinds ...Kind) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, k := range kinds {
		if err := k.check(); err != nil {
			return err
		}
		j.kinds[k.Name] = k
	}
	return nil
}

func (j *Jobs) kind(name string) (Kind, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k, ok := j.kinds[name]
	return k, ok
}

// Start orders a job. Where the same work waits, runs or, being pure, was done,
// that job is returned.
func (j *Jobs) Start(ctx context.Context, kind string, args any, by string) (Job, error) {
	k, ok := j.kind(kind)
	if !ok {
		return Job{}, fmt.Errorf("start a job of kind %.40q: %w", kind, ErrNotFound)
	}
	text, err := json.Marshal(args)
	if err != nil {
		return Job{}, fmt.Errorf("start job: %w", err)
	}
	fresh := Job{
		Kind: kind, Args: string(text), Identity: identity(kind, text), State: Waiting, StartedBy: by, Fence: 1,
		CreatedAt: time.Now().UnixMicro(),
	}
	fresh.DueAt = fresh.CreatedAt
	var one Job
	err = j.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		same, found, err := sameWork(ctx, tx, fresh.Identity, k.Pure)
		if err != nil || found {
			one = same
			return err
		}
		one = fresh
		if err := tx.NewSelect().Model((*Job)(nil)).ColumnExpr("COALESCE(MAX(id), 0) + 1").Scan(ctx, &one.ID); err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(&one).Exec(ctx)
		return err
	})
	if err != nil {
		return Job{}, fmt.Errorf("start job: %w", err)
	}
	j.carryNow(ctx, one)
	return one, nil
}

// sameWork finds a job that stands for the same work.
func sameWork(ctx context.Context, tx bun.IDB, id string, pure bool) (same Job, found bool, err error) {
	states := []State{Waiting, Running}
	if pure {
		states = append(states, Done)
	}
	err = tx.NewSelect().Model(&same).Where("identity = ?", id).Where("state IN (?)", bun.In(states)).Order("id DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, false, nil
	}
	return same, err == nil, err
}

// carryNow puts a waiting job into the queue; where that fails, the next look
// does it.
func (j *Jobs) carryNow(ctx context.Context, one Job) {
	if one.State != Waiting || one.Carrier != 0 {
		return
	}
	if err := j.carry(ctx, &one); err != nil {
		j.config.Log.Warn("a job is not in the queue yet", "job", one.ID, "error", err)
	}
}

// carry puts a job into the queue. Carried twice it is still done once.
func (j *Jobs) carry(ctx context.Context, one *Job) error {
	k, known := j.kind(one.Kind)
	if !known {
		return nil // of a hub that knows more
	}
	queue := lightQueue
	if k.Heavy {
		queue = heavyQueue
	}
	how := &river.InsertOpts{Queue: queue}
	if one.Due().After(time.Now()) { // what has a time waits for River's scheduler
		how.ScheduledAt = one.Due()
	}
	inserted, err := j.queue.Insert(ctx, carrier{one.ID, one.Fence}, how)
	if err != nil {
		return fmt.Errorf("put a job into the queue: %w", err)
	}
	_, err = j.db.Write().NewUpdate().Model((*Job)(nil)).Set("carrier = ?", inserted.Job.ID).
		Where("id = ? AND fence = ? AND state = ?", one.ID, one.Fence, Waiting).Exec(ctx)
	if err != nil {
		return fmt.Errorf("put a job into the queue: %w", err)
	}
	return nil
}

// Cancel ends a job: at once where it waits, as soon as it notices where it runs.
func (j *Jobs) Cancel(ctx context.Context, id int64, by string) error {
	now := time.Now().UnixMicro()
	err := j.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		one, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		q := tx.NewUpdate().Model((*Job)(nil)).Where("id = ?", id).Set("ended_by = ?", wire.Text(by, 200))
		switch one.State {
		case Waiting:
			q.Set("state = ?", Cancelled).Set("ended_at = ?", now).Set("fence = fence + 1")
		case Running:
			q.Set("cancel = ?", true)
		default:
			return ErrEnded
		}
		_, err = q.Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("cancel job: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if stop := j.running[id]; stop != nil {
		stop(errCancelled)
	}
	return nil
}

// Retry has a failed or cancelled job done once more.
func (j *Jobs) Retry(ctx context.Context, id int64) error {
	now := time.Now().UnixMicro()
	var one Job
	err := j.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if one, err = get(ctx, tx, id); err != nil {
			return err
		}
		if one.State != Failed && one.State != Cancelled {
			return ErrNotEnded
		}
		if _, found, err := sameWork(ctx, tx, one.Identity, false); err != nil || found {
			return errors.Join(err, ErrUnderWay)
		}
		one.State, one.DueAt, one.Fence, one.Carrier = Waiting, now, one.Fence+1, 0
		one.Attempts, one.Deaths, one.Cancel, one.Error, one.EndedAt, one.EndedBy = 0, 0, false, "", 0, ""
		_, err = tx.NewUpdate().Model(&one).WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("retry job: %w", err)
	}
	j.carryNow(ctx, one)
	return nil
}

// Get returns one job.
func (j *Jobs) Get(ctx context.Context, id int64) (Job, error) {
	one, err := get(ctx, j.db.Read(), id)
	if err != nil {
		return one, fmt.Errorf("read job: %w", err)
	}
	return one, nil
}

func get(ctx context.Context, from bun.IDB, id int64) (one Job, err error) {
	err = from.NewSelect().Model(&one).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return one, err
}

// Filter picks jobs; empty fields pick all.
type Filter struct {
	State State
	Kind  string
}

// List returns at most most jobs below the number before (0 = the newest),
// newest first.
func (j *Jobs) List(ctx context.Context, f Filter, before, most int64) ([]Job, error) {
	var list []Job
	q := j.db.Read().NewSelect().Model(&list).Order("id DESC").Limit(most)
	if before > 0 {
		q.Where("id < ?", before)
	}
	if f.State != "" {
		q.Where("state = ?", f.State)
	}
	if f.Kind != "" {
		q.Where("kind = ?", f.Kind)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return list, nil
}

// Lines returns the log of a job, the oldest line first.
func (j *Jobs) Lines(ctx context.Context, id int64) ([]Line, error) {
	var lines []Line
	if err := j.db.Read().NewSelect().Model(&lines).Where("job = ?", id).Order("seq").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read the log of a job: %w", err)
	}
	return lines, nil
}

// Wait returns a job once it has ended.
func (j *Jobs) Wait(ctx context.Context, id int64) (Job, error) {
	tick := time.NewTicker(j.config.Beat / 4)
	defer tick.Stop()
	for {
		one, err := j.Get(ctx, id)
		if err != nil || one.State.Ended() {
			return one, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return one, ctx.Err()
		}
	}
}

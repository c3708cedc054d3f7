package pipeline

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/registry"
)

// Job is the kind of job that does a run.
const Job = "training"

// Errors of a pipeline.
var ErrNotFound = errors.New("there is no such run")

// LacksError says what the labels miss for a training.
type LacksError struct{ Reasons []dataset.Reason }

// Error says the first reason.
func (e *LacksError) Error() string {
	return fmt.Sprintf("the labels do not suffice: %s (%d reasons)", e.Reasons[0], len(e.Reasons))
}

// Config says how runs are made.
type Config struct {
	Dir     string // scratch of its own
	Version string // of the program: another one computes anew
	Maker   Maker
	Log     *slog.Logger
}

// Pipeline makes runs. Any number of goroutines may use it.
type Pipeline struct {
	config   Config
	db       *db.DB
	blobs    *blob.Store
	data     *dataset.Store
	pictures dataset.Pictures
	registry *registry.Registry
	jobs     *job.Jobs
}

// New returns the pipeline and makes its kind of job known. What an earlier run
// left in its folder is removed.
func New(config Config, d *db.DB, blobs *blob.Store, data *dataset.Store, pictures dataset.Pictures, g *registry.Registry, jobs *job.Jobs) (*Pipeline, error) {
	if err := errors.Join(os.RemoveAll(config.Dir), os.MkdirAll(config.Dir, 0o750)); err != nil {
		return nil, fmt.Errorf("open pipeline: %w", err)
	}
	p := &Pipeline{config: config, db: d, blobs: blobs, data: data, pictures: pictures, registry: g, jobs: jobs}
	return p, jobs.Add(job.Kind{Name: Job, Run: job.Of(p.run), Timeout: 12 * time.Hour, Attempts: 2, Heavy: true})
}

// Run is the line of a run.
type Run struct {
	bun.BaseModel `bun:"table:runs"`

	Number    int64  `bun:"number,pk"`
	Dataset   int64  `bun:"dataset"`
	Manifest  string `bun:"manifest"`
	SpecText  string `bun:"spec"`
	Champion  int64  `bun:"champion"` // version that it is compared with, 0 = there was none
	StartedBy string `bun:"started_by"`
	StartedAt int64  `bun:"started_at"`
	Job       int64  `bun:"job"`
	EndedAt   int64  `bun:"ended_at"` // 0 = it did not come to its end
	Chosen    int64  `bun:"chosen"`   // version that met the champion
	Gate      string `bun:"gate"`     // blob of its record
}

// Spec is what it makes.
func (r *Run) Spec() (s Spec, err error) {
	if err = json.Unmarshal([]byte(r.SpecText), &s); err != nil {
		return s, fmt.Errorf("read run %d: %w", r.Number, err)
	}
	return s, nil
}

// Started is when somebody started it.
func (r *Run) Started() time.Time { return db.Time(r.StartedAt) }

// Ended is when it came to its end; zero = it did not.
func (r *Run) Ended() time.Time { return db.Time(r.EndedAt) }

// Step is one step of a run.
type Step struct {
	bun.BaseModel `bun:"table:run_steps"`

	Run       int64  `bun:"run,pk"`
	Seq       int64  `bun:"seq,pk"`
	Name      string `bun:"name"`    // "train"
	Subject   string `bun:"subject"` // a candidate, "" = the run
	Identity  string `bun:"identity"`
	Artefact  string `bun:"artefact"` // blob, "" = it has not ended
	Reused    bool   `bun:"reused"`   // it was done before
	StartedAt int64  `bun:"started_at"`
	EndedAt   int64  `bun:"ended_at"`
}

// Took is how long it ran.
func (s *Step) Took() time.Duration { return db.Time(s.EndedAt).Sub(db.Time(s.StartedAt)) }

// Model is a candidate that was registered.
type Model struct {
	bun.BaseModel `bun:"table:run_models"`

	Run       int64  `bun:"run,pk"`
	Candidate string `bun:"candidate,pk"`
	Version   int64  `bun:"version"`
	Report    string `bun:"report"` // blob of its Trained
}

type artefactRow struct {
	bun.BaseModel `bun:"table:artefacts"`

	Identity string `bun:"identity,pk"`
	Step     string `bun:"step"`
	Blob     string `bun:"blob"`
	MadeAt   int64  `bun:"made_at"`
}

// Start makes a data set of the labels as they are and starts a run on it. A
// *LacksError says that they do not suffice.
func (p *Pipeline) Start(ctx context.Context, spec Spec, by string) (Run, error) {
	if err := spec.Check(); err != nil {
		return Run{}, err
	}
	if ok, reasons, err := p.data.Enough(ctx); err != nil || !ok {
		if err == nil {
			err = &LacksError{reasons}
		}
		return Run{}, err
	}
	set, _, err := p.data.Make(ctx, time.Time{}, by)
	if err != nil {
		return Run{}, err
	}
	champion, err := p.registry.Alias(ctx)
	if err != nil {
		return Run{}, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return Run{}, fmt.Errorf("start run: %w", err)
	}
	r := Run{
		Dataset: set.Number, Manifest: set.Manifest, SpecText: string(text), Champion: champion.Number, StartedBy: by,
		StartedAt: db.Micros(time.Now()),
	}
	err = p.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := tx.NewSelect().Model((*Run)(nil)).ColumnExpr("COALESCE(MAX(number), 0) + 1").Scan(ctx, &r.Number); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&r).Exec(ctx); err != nil {
			return err
		}
		return people.WriteIn(ctx, tx, by, "run.start", fmt.Sprintf("run %d", r.Number), fmt.Sprintf("data set %d", r.Dataset))
	})
	if err != nil {
		return Run{}, fmt.Errorf("start run: %w", err)
	}
	return r, p.order(ctx, &r)
}

// runArgs name a run to its job.
type runArgs struct {
	Run int64 `json:"run"`
}

// order has a run done.
func (p *Pipeline) order(ctx context.Context, r *Run) error {
	one, err := p.jobs.Start(ctx, Job, runArgs{r.Number}, r.StartedBy)
	if err != nil {
		return err
	}
	r.Job = one.ID
	if _, err := p.db.Write().NewUpdate().Model(r).Column("job").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("start run: %w", err)
	}
	return nil
}

// Mend orders the runs that a hub left between their line and their job.
func (p *Pipeline) Mend(ctx context.Context) error {
	var left []Run
	if err := p.db.Read().NewSelect().Model(&left).Where("job = 0").Scan(ctx); err != nil {
		return fmt.Errorf("look for runs: %w", err)
	}
	for i := range left {
		if err := p.order(ctx, &left[i]); err != nil {
			return err
		}
	}
	return nil
}

// Get returns a run.
func (p *Pipeline) Get(ctx context.Context, number int64) (r Run, err error) {
	err = p.db.Read().NewSelect().Model(&r).Where("number = ?", number).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("read run: %w", err)
	}
	return r, nil
}

// List returns at most most runs below the number before (0 = the newest),
// newest first.
func (p *Pipeline) List(ctx context.Context, before, most int64) ([]Run, error) {
	var list []Run
	q := p.db.Read().NewSelect().Model(&list).Order("number DESC").Limit(most)
	if before > 0 {
		q.Where("number < ?", before)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return list, nil
}

// Count says how many runs there are.
func (p *Pipeline) Count(ctx context.Context) (int, error) {
	n, err := p.db.Read().NewSelect().Model((*Run)(nil)).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count runs: %w", err)
	}
	return int(n), nil
}

// Steps returns the steps of a run in their order.
func (p *Pipeline) Steps(ctx context.Context, run int64) ([]Step, error) {
	var steps []Step
	if err := p.db.Read().NewSelect().Model(&steps).Where("run = ?", run).Order("seq").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read the steps of a run: %w", err)
	}
	return steps, nil
}

// Models returns what a run registered, in the order of its candidates.
func (p *Pipeline) Models(ctx context.Context, run int64) ([]Model, error) {
	var models []Model
	if err := p.db.Read().NewSelect().Model(&models).Where("run = ?", run).Order("version", "candidate").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read the models of a run: %w", err)
	}
	return models, nil
}

// maxArtefact bounds an artefact that is read, in bytes.
const maxArtefact = 256 << 20

// Read reads an artefact into what its step made: *Valid, *train.Embedded,
// *Trained, *Evaluated or *Gate.
func (p *Pipeline) Read(ctx context.Context, name string, into any) error {
	data, err := p.blobs.Get(ctx, blob.Artefacts, name, maxArtefact)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("read artefact %.12s: %w", name, err)
	}
	return nil
}

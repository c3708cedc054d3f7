package dataset

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// sure is the probability from which the champion's word against one person's
// is worth a second look.
const sure = 0.9

// maxDoubts bounds the list of each kind.
const maxDoubts = 200

// Doubt is a label that somebody should look at again.
type Doubt struct {
	Image string
	Label wire.Verdict // in force
	By    string       // who gave it
	At    time.Time
	// Disagree: people's labels of it differ. Else the champion says Class.
	Disagree    bool
	Class       wire.Verdict
	Probability float64
}

// Judge asks the champion; *predict.Service is one.
type Judge interface {
	State() predict.State
	Reserve(n int) (release func(), err error)
	Predict(ctx context.Context, files [][]byte) ([]predict.Result, predict.Model, error)
}

// Doubts finds labels that may be wrong. Any number of goroutines may use it.
type Doubts struct {
	store *Store
	judge Judge
	order func(ctx context.Context, w Opinions) error
	log   *slog.Logger
}

// NewDoubts returns it. order has Ask called, some time and somewhere else; the
// same work is done once.
func NewDoubts(s *Store, judge Judge, order func(ctx context.Context, w Opinions) error, log *slog.Logger) *Doubts {
	return &Doubts{s, judge, order, log}
}

// Opinions is what is asked for: what a model says of all labelled pictures.
type Opinions struct {
	Model string `json:"model"` // bundle id
}

// Asked says what Ask did.
type Asked struct {
	Asked      int `json:"asked"`
	Unreadable int `json:"unreadable"`
}

type opinionRow struct {
	bun.BaseModel `bun:"table:opinions,alias:o"`

	Hash        string       `bun:"hash,pk"`
	Model       string       `bun:"model,pk"`
	Verdict     wire.Verdict `bun:"verdict"`
	Class       wire.Verdict `bun:"class"` // the likeliest, "" = the picture can't be read
	Probability float64      `bun:"probability"`
}

// lookAgain is how long a new label or champion may wait for the other's word.
const lookAgain = 30 * time.Second

// Run orders what the champion was not asked yet, until ctx is done.
func (d *Doubts) Run(ctx context.Context) error {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		if err := d.orderMissing(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("doubtful labels", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (d *Doubts) orderMissing(ctx context.Context) error {
	model := d.judge.State().Model
	if model == nil {
		return nil
	}
	missing, err := d.missing(ctx, model.ID, 1)
	if err != nil || len(missing) == 0 {
		return err
	}
	return d.order(ctx, Opinions{model.ID})
}

// missing are labelled pictures of which a model has not said anything.
func (d *Doubts) missing(ctx context.Context, model string, most int) ([]string, error) {
	var out []string
	err := d.store.db.Read().NewSelect().Model((*sample.Sample)(nil)).Column("s.hash").Join("JOIN labels l ON l.hash = s.hash").
		Where("s.state = ? AND l.label <> ''", sample.Kept).
		Where("NOT EXISTS (SELECT 1 FROM opinions o WHERE o.hash = s.hash AND o.model = ?)", model).
		Order("s.received_at DESC", "s.hash").Limit(int64(most)).Scan(ctx, &out)
	if err != nil {
		return nil, fmt.Errorf("look for labels that the champion was not asked about: %w", err)
	}
	return out, nil
}

// errMoved: the champion moved while it was asked. Run orders the new one's word.
var errMoved = errors.New("the champion moved meanwhile")

// Ask asks the champion about all labelled pictures that it was not asked about
// yet, and keeps what it says. Cut off, it goes on where it was. step is told how
// many there are.
func (d *Doubts) Ask(ctx context.Context, w Opinions, step func(done, total int)) (Asked, error) {
	var did Asked
	const portion = 1000
	for {
		missing, err := d.missing(ctx, w.Model, portion)
		if err != nil || len(missing) == 0 {
			step(did.Asked+did.Unreadable, did.Asked+did.Unreadable)
			return did, err
		}
		before := did.Asked + did.Unreadable
		for i, hash := range missing {
			step(before+i, before+len(missing))
			row, err := d.ask(ctx, hash, w.Model)
			if err != nil {
				return did, err
			}
			if _, err := d.store.db.Write().NewInsert().Model(&row).On("CONFLICT (hash, model) DO NOTHING").Exec(ctx); err != nil {
				return did, fmt.Errorf("keep what the champion says: %w", err)
			}
			if row.Class == "" {
				did.Unreadable++
			} else {
				did.Asked++
			}
		}
	}
}

func (d *Doubts) ask(ctx context.Context, hash, model string) (opinionRow, error) {
	row := opinionRow{Hash: hash, Model: model}
	data, err := d.store.pictures.Picture(ctx, hash)
	if errors.Is(err, sample.ErrNotFound) {
		return row, nil // deleted meanwhile, or its file is gone: not to be asked about again
	}
	if err != nil {
		return row, err
	}
	release, err := d.reserve(ctx)
	if err != nil {
		return row, err
	}
	defer release()
	results, by, err := d.judge.Predict(ctx, [][]byte{data})
	switch {
	case err != nil:
		return row, err
	case by.ID != model:
		return row, errMoved
	case results[0].Err != nil:
		return row, nil
	}
	row.Verdict = results[0].Verdict
	for class, p := range results[0].Probabilities {
		if p > row.Probability || p == row.Probability && class < string(row.Class) {
			row.Class, row.Probability = wire.Verdict(class), p
		}
	}
	return row, nil
}

// reserve waits for a place in the queue: whoever asks for a verdict now goes
// first.
func (d *Doubts) reserve(ctx context.Context) (release func(), err error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		release, err := d.judge.Reserve(1)
		if err == nil || !errors.Is(err, predict.ErrBusy) {
			return release, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Doubtful lists labels that somebody should look at again: those about which
// people disagree, then those that one person gave and the champion contradicts
// while it is sure; the surest first, at most maxDoubts of each.
func (d *Doubts) Doubtful(ctx context.Context) ([]Doubt, error) {
	disputed, err := d.disputed(ctx)
	if err != nil {
		return nil, err
	}
	contradicted, err := d.contradicted(ctx)
	return append(disputed, contradicted...), err
}

type doubtLine struct {
	Hash        string
	Label       wire.Verdict
	LabelledBy  string
	LabelledAt  int64
	Class       wire.Verdict
	Probability float64
}

func doubtsOf(lines []doubtLine) []Doubt {
	var out []Doubt
	for _, l := range lines {
		out = append(out, Doubt{
			Image: l.Hash, Label: l.Label, By: l.LabelledBy, At: time.UnixMicro(l.LabelledAt).UTC(), Disagree: l.Class == "", Class: l.Class, Probability: l.Probability,
		})
	}
	return out
}

func (d *Doubts) disputed(ctx context.Context) ([]Doubt, error) {
	var lines []doubtLine
	q := sample.Filter{Label: sample.Disputed}.Apply(d.store.db.Read().NewSelect().Model((*sample.Sample)(nil))).Column("s.hash").
		ColumnExpr("l.label").ColumnExpr("l.labelled_by").ColumnExpr("l.labelled_at").Join("JOIN labels l ON l.hash = s.hash").
		Where("s.state = ? AND l.label <> '' AND NOT s.left_out", sample.Kept).Order("l.labelled_at DESC", "s.hash").Limit(maxDoubts)
	if err := q.Scan(ctx, &lines); err != nil {
		return nil, fmt.Errorf("list disputed labels: %w", err)
	}
	return doubtsOf(lines), nil
}

func (d *Doubts) contradicted(ctx context.Context) ([]Doubt, error) {
	model := d.judge.State().Model
	if model == nil {
		return nil, nil
	}
	var lines []doubtLine
	err := d.store.db.Read().NewSelect().Model((*opinionRow)(nil)).ColumnExpr("o.hash, l.label, l.labelled_by, l.labelled_at, o.class, o.probability").
		Join("JOIN labels l ON l.hash = o.hash").Join("JOIN samples s ON s.hash = o.hash").
		Where("o.model = ? AND o.probability >= ? AND o.class <> l.label", model.ID, sure).
		Where("l.label IN (?)", bun.In(classes())).Where("s.state = ? AND NOT s.left_out", sample.Kept).
		Where("NOT EXISTS (SELECT 1 FROM label_events e WHERE e.hash = o.hash AND e.what = ? AND NOT e.undone AND e.labelled_by <> l.labelled_by)", label.DidLabel).
		OrderExpr("o.probability DESC, o.hash").Limit(maxDoubts).Scan(ctx, &lines)
	if err != nil {
		return nil, fmt.Errorf("list labels that the champion contradicts: %w", err)
	}
	return doubtsOf(lines), nil
}

package dataset

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
)

// Errors of a store.
var (
	ErrNotFound = errors.New("there is no such data set")
	// ErrEmpty: no label says what a picture shows.
	ErrEmpty = errors.New("no picture has a label that a model could learn from")
)

// Settings are those in force, asked each time.
type Settings struct {
	GoldenPercent int // of the groups of a class that are set aside
	LeastPictures int // of a class, for training
	LeastGroups   int // the same
}

// Pictures gives the bytes of pictures; *sample.Store is one.
type Pictures interface {
	Picture(ctx context.Context, hash string) ([]byte, error)
}

// Store keeps data sets. Any number of goroutines may use it.
type Store struct {
	db       *db.DB
	blobs    *blob.Store
	pictures Pictures
	settings func() Settings
	now      func() time.Time
}

// New returns the store of a database.
func New(d *db.DB, blobs *blob.Store, pictures Pictures, settings func() Settings) *Store {
	return &Store{db: d, blobs: blobs, pictures: pictures, settings: settings, now: time.Now}
}

// Version is the line of a data set. It does not change.
type Version struct {
	bun.BaseModel `bun:"table:datasets"`

	Number   int64  `bun:"number,pk"`
	Manifest string `bun:"manifest"` // its name: the SHA-256 of its bytes
	Bytes    int64  `bun:"bytes"`
	AsOf     int64  `bun:"as_of"` // microseconds UTC, as all times here
	MadeAt   int64  `bun:"made_at"`
	MadeBy   string `bun:"made_by"`
	Facts    string `bun:"counts"` // Counts as JSON
}

// Revision is the label revision: labels are as they were known then.
func (v *Version) Revision() time.Time { return db.Time(v.AsOf) }

// Made is when somebody made it.
func (v *Version) Made() time.Time { return db.Time(v.MadeAt) }

// Counts are what it holds.
func (v *Version) Counts() (Counts, error) {
	var c Counts
	if err := json.Unmarshal([]byte(v.Facts), &c); err != nil {
		return c, fmt.Errorf("read the counts of data set %d: %w", v.Number, err)
	}
	return c, nil
}

type groupRow struct {
	bun.BaseModel `bun:"table:dataset_groups"`

	Group     string `bun:"group_name,pk"`
	Stratum   string `bun:"stratum"`
	FirstAt   int64  `bun:"first_at"`
	Split     Split  `bun:"split"`
	DecidedAt int64  `bun:"decided_at"`
}

// Make makes a data set of the labels as they were known at a moment, the newest
// revision where asOf is zero. Where nothing changed since a version that is
// there, that one is returned and created is false.
func (s *Store) Make(ctx context.Context, asOf time.Time, who string) (v Version, created bool, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		v, created, err = s.makeIn(ctx, tx, asOf, who)
		return err
	})
	if err != nil {
		return Version{}, false, fmt.Errorf("make data set: %w", err)
	}
	return v, created, nil
}

func (s *Store) makeIn(ctx context.Context, tx bun.Tx, asOf time.Time, who string) (Version, bool, error) {
	k, err := s.know(ctx, tx, asOf)
	if err != nil {
		return Version{}, false, err
	}
	m, sides := plan(k)
	if len(m.Pictures) == 0 {
		return Version{}, false, ErrEmpty
	}
	data, err := m.Encode()
	if err != nil {
		return Version{}, false, err
	}
	v := Version{Manifest: blob.Name(data)}
	err = tx.NewSelect().Model(&v).Where("manifest = ?", v.Manifest).Scan(ctx)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return v, false, err
	}
	facts, err := json.Marshal(m.Count())
	if err != nil {
		return Version{}, false, err
	}
	v = Version{Manifest: v.Manifest, Bytes: int64(len(data)), AsOf: db.Micros(k.asOf), MadeAt: db.Micros(s.now()), MadeBy: who, Facts: string(facts)}
	if v.Number, err = next(ctx, tx, (*Version)(nil)); err != nil {
		return v, false, err
	}
	if err := s.setAside(ctx, tx, sides); err != nil {
		return v, false, err
	}
	// The file first: a version never lacks its manifest.
	if _, err := s.blobs.Put(ctx, blob.Datasets, data); err != nil {
		return v, false, err
	}
	if _, err := tx.NewInsert().Model(&v).Exec(ctx); err != nil {
		return v, false, err
	}
	return v, true, people.WriteIn(ctx, tx, who, "dataset.make", fmt.Sprintf("data set %d", v.Number), v.Manifest[:12])
}

// next is the number that follows.
func next(ctx context.Context, tx bun.Tx, model any) (n int64, err error) {
	err = tx.NewSelect().Model(model).ColumnExpr("COALESCE(MAX(number), 0) + 1").Scan(ctx, &n)
	return n, err
}

// setAside keeps the sides of groups for good; those that have one keep it.
func (s *Store) setAside(ctx context.Context, tx bun.Tx, sides []standing) error {
	const portion = 500
	at := db.Micros(s.now())
	for from := 0; from < len(sides); from += portion {
		var rows []groupRow
		for _, g := range sides[from:min(from+portion, len(sides))] {
			rows = append(rows, groupRow{Group: g.Group, Stratum: string(g.Stratum), FirstAt: g.FirstAt, Split: g.Split, DecidedAt: at})
		}
		if _, err := tx.NewInsert().Model(&rows).On("CONFLICT (group_name) DO NOTHING").Exec(ctx); err != nil {
			return fmt.Errorf("set groups aside: %w", err)
		}
	}
	return nil
}

// know reads what was known at a moment; zero = the newest label revision.
func (s *Store) know(ctx context.Context, tx bun.IDB, asOf time.Time) (known, error) {
	k := known{rules: Rules{GoldenPercent: s.settings().GoldenPercent, NearDuplicate: nearDuplicate}}
	if asOf.IsZero() {
		asOf = s.now()
	}
	events := func() *bun.SelectQuery {
		return tx.NewSelect().Model((*label.Event)(nil)).Where("labelled_at <= ?", db.Micros(asOf))
	}
	var newest int64
	if err := events().ColumnExpr("COALESCE(MAX(labelled_at), 0)").Scan(ctx, &newest); err != nil {
		return k, fmt.Errorf("look for the label revision: %w", err)
	}
	// The newest label names the revision: whoever asks later, with no label in
	// between, asks for the same.
	k.asOf = db.Time(newest)
	if err := events().Order("hash", "version").Scan(ctx, &k.events); err != nil {
		return k, fmt.Errorf("read labels: %w", err)
	}
	err := tx.NewSelect().Model(&k.samples).Where("s.state = ?", sample.Kept).
		Where("EXISTS (SELECT 1 FROM label_events e WHERE e.hash = s.hash)").Scan(ctx)
	if err != nil {
		return k, fmt.Errorf("read labelled pictures: %w", err)
	}
	var rows []groupRow
	if err := tx.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return k, fmt.Errorf("read groups: %w", err)
	}
	for _, r := range rows {
		k.decided = append(k.decided, r.standing())
	}
	return k, nil
}

// Now is the manifest that Make would make; it is kept nowhere.
func (s *Store) Now(ctx context.Context) (*Manifest, error) {
	k, err := s.know(ctx, s.db.Read(), time.Time{})
	if err != nil {
		return nil, fmt.Errorf("look at the data: %w", err)
	}
	m, _ := plan(k)
	return m, nil
}

// MaxList bounds a page of List.
const MaxList = 200

// List returns versions below the number before (0 = the newest), newest first.
func (s *Store) List(ctx context.Context, before int64, most int) ([]Version, error) {
	var out []Version
	q := s.db.Read().NewSelect().Model(&out).Order("number DESC").Limit(int64(max(1, min(most, MaxList+1))))
	if before > 0 {
		q = q.Where("number < ?", before)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list data sets: %w", err)
	}
	return out, nil
}

// Get returns a version by its number.
func (s *Store) Get(ctx context.Context, number int64) (Version, error) {
	var v Version
	err := s.db.Read().NewSelect().Model(&v).Where("number = ?", number).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrNotFound
	}
	if err != nil {
		return v, fmt.Errorf("read data set: %w", err)
	}
	return v, nil
}

// Open returns the manifest of a name.
func (s *Store) Open(ctx context.Context, name string) (*Manifest, error) {
	data, err := s.blobs.Get(ctx, blob.Datasets, name, maxManifest)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrName) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open data set: %w", err)
	}
	return Decode(data)
}

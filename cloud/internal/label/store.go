package label

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// Store keeps labels. Any number of goroutines may use it.
type Store struct {
	db       *db.DB
	now      func() time.Time
	claimFor func() time.Duration
}

// New returns the store of a database.
func New(d *db.DB) *Store {
	return &Store{db: d, now: time.Now, claimFor: func() time.Duration { return claimFor }}
}

// ClaimFor says how long a picture is kept for who looks at it; it is asked each
// time. It is called before the store is used.
func (s *Store) ClaimFor(howLong func() time.Duration) { s.claimFor = howLong }

// Next claims up to most pictures for a person and returns them, those that he
// holds already first. Pictures of the filter that are labelled, or held by
// somebody else, are passed over.
func (s *Store) Next(ctx context.Context, who string, filter sample.Filter, most int) ([]sample.Sample, error) {
	most = min(most, MaxClaims)
	var out []sample.Sample
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		out = nil
		now := s.now()
		candidates, err := s.candidates(ctx, tx, who, filter, now)
		if err != nil {
			return err
		}
		for _, one := range candidates {
			if len(out) == most {
				break
			}
			taken, err := s.claim(ctx, tx, one.Hash, who, now)
			if err != nil {
				return err
			}
			if taken {
				out = append(out, one)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim pictures: %w", err)
	}
	return out, nil
}

// candidates are pictures that nobody else holds: first those whose label this
// person took back, to choose another one, then the person's own, then
// corrections by farmers, then what is worth most.
func (s *Store) candidates(ctx context.Context, tx bun.Tx, who string, filter sample.Filter, now time.Time) ([]sample.Sample, error) {
	var out []sample.Sample
	q := waiting(filter.Apply(tx.NewSelect().Model(&out))).
		Join("LEFT JOIN label_claims c ON c.hash = s.hash").
		Where("c.hash IS NULL OR c.who = ? OR c.until < ?", who, now.UnixMicro()).
		OrderExpr("CASE WHEN EXISTS (SELECT 1 FROM label_events e WHERE e.hash = s.hash AND e.what = ? AND e.labelled_by = ?) THEN 0 ELSE 1 END", DidUndo, who).
		OrderExpr("CASE WHEN c.who = ? AND c.until >= ? THEN 0 ELSE 1 END", who, now.UnixMicro()).
		OrderExpr("CASE WHEN s.queue = ? THEN 0 ELSE 1 END", sample.QueuedByHand).
		OrderExpr("CASE WHEN s.correction <> '' THEN 0 ELSE 1 END").
		Order("s.worth DESC", "s.received_at", "s.hash").Limit(5 * MaxClaims)
	if err := q.Scan(ctx); err != nil {
		return nil, err
	}
	return out, nil
}

// waiting leaves the pictures that wait for a label: by rule those that have
// none and are no near-duplicates, by hand whatever a person put into the queue.
func waiting(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("s.state = ? AND s.checked", sample.Kept).
		Where(`(s.queue = ? OR (s.queue = ? AND s.duplicate_of = ''
			AND NOT EXISTS (SELECT 1 FROM labels k WHERE k.hash = s.hash AND k.label <> '')))`, sample.QueuedByHand, sample.QueuedByRule)
}

// Oldest is when the picture came that waits longest for a label; zero where
// none waits.
func (s *Store) Oldest(ctx context.Context) (time.Time, error) {
	var at int64
	err := waiting(s.db.Read().NewSelect().Model((*sample.Sample)(nil))).ColumnExpr("COALESCE(MIN(s.received_at), 0)").Scan(ctx, &at)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the oldest picture without a label: %w", err)
	}
	return db.Time(at), nil
}

// claim takes or renews a claim, unless somebody else was faster.
func (s *Store) claim(ctx context.Context, tx bun.Tx, hash, who string, now time.Time) (bool, error) {
	one := claim{Hash: hash, Who: who, Until: now.Add(s.claimFor()).UnixMicro()}
	result, err := tx.NewInsert().Model(&one).On("CONFLICT (hash) DO UPDATE").Set("who = EXCLUDED.who").Set("until = EXCLUDED.until").
		Where("c.who = EXCLUDED.who OR c.until < ?", now.UnixMicro()).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// Set gives a picture a label. version is that of the label which the person
// saw, 0 = none; ErrChanged says that it is another one now.
func (s *Store) Set(ctx context.Context, hash string, name wire.Verdict, version int64, who string) error {
	if !Known(name) {
		return fmt.Errorf("%w: %.40q", ErrUnknown, name)
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		there, err := tx.NewSelect().Model((*sample.Sample)(nil)).Where("s.hash = ? AND s.state = ?", hash, sample.Kept).Exists(ctx)
		if err != nil {
			return err
		}
		if !there {
			return ErrNotFound
		}
		before, err := current(ctx, tx, hash)
		if err != nil {
			return err
		}
		if before.Version != version {
			return ErrChanged
		}
		return s.step(ctx, tx, before, Event{Hash: hash, What: DidLabel, To: name, By: who})
	})
	if err != nil {
		return fmt.Errorf("label picture: %w", err)
	}
	return nil
}

// step makes one step from before, as the event says, and ends the claim.
func (s *Store) step(ctx context.Context, tx bun.Tx, before Current, e Event) error {
	e.From, e.Version, e.At = before.Label, before.Version+1, s.now().UnixMicro()
	after := Current{Hash: e.Hash, Label: e.To, Version: e.Version, By: e.By, At: e.At}
	var result sql.Result
	var err error
	if before.Version == 0 {
		result, err = tx.NewInsert().Model(&after).On("CONFLICT (hash) DO NOTHING").Exec(ctx)
	} else {
		result, err = tx.NewUpdate().Model(&after).WherePK().Where("version = ?", before.Version).Exec(ctx)
	}
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, ErrChanged)
	}
	if _, err := tx.NewInsert().Model(&e).Exec(ctx); err != nil {
		return err
	}
	return served(ctx, tx, []string{e.Hash})
}

// served ends the claims of pictures that have their label, and what a person
// put into the queue has been there.
func served(ctx context.Context, tx bun.Tx, hashes []string) error {
	if _, err := tx.NewDelete().Model((*claim)(nil)).Where("hash IN (?)", bun.In(hashes)).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewUpdate().Model((*sample.Sample)(nil)).Set("queue = ?", sample.QueuedByRule).
		Where("s.queue = ?", sample.QueuedByHand).Where("s.hash IN (?)", bun.In(hashes)).Exec(ctx)
	return err
}

func current(ctx context.Context, q bun.IDB, hash string) (Current, error) {
	var now Current
	err := q.NewSelect().Model(&now).Where("hash = ?", hash).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Current{}, err
	}
	return now, nil
}

// Undo takes back the newest label of a person that is not undone yet, and
// returns the picture. Where somebody changed that label since, it is ErrChanged
// and nothing changes.
func (s *Store) Undo(ctx context.Context, who string) (hash string, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var last Event
		err := tx.NewSelect().Model(&last).Where("labelled_by = ? AND what = ? AND NOT undone", who, DidLabel).
			Order("labelled_at DESC", "version DESC").Limit(1).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNothing
		}
		if err != nil {
			return err
		}
		now, err := current(ctx, tx, last.Hash)
		if err != nil {
			return err
		}
		if now.Version != last.Version {
			return ErrChanged
		}
		hash = last.Hash
		if _, err := tx.NewUpdate().Model((*Event)(nil)).Set("undone = ?", true).Where("hash = ? AND version = ?", last.Hash, last.Version).Exec(ctx); err != nil {
			return err
		}
		return s.step(ctx, tx, now, Event{Hash: hash, What: DidUndo, To: last.From, By: who})
	})
	if err != nil {
		return "", fmt.Errorf("undo: %w", err)
	}
	return hash, nil
}

// Release gives up what a person holds: he stopped labelling.
func (s *Store) Release(ctx context.Context, who string) error {
	if _, err := s.db.Write().NewDelete().Model((*claim)(nil)).Where("who = ?", who).Exec(ctx); err != nil {
		return fmt.Errorf("release claims: %w", err)
	}
	return nil
}

// History returns every step of a picture's label, the oldest first.
func (s *Store) History(ctx context.Context, hash string) ([]Event, error) {
	var out []Event
	if err := s.db.Read().NewSelect().Model(&out).Where("hash = ?", hash).Order("version").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return out, nil
}

// Progress counts what waits for a label and what has one, of the pictures that
// the filter leaves.
func (s *Store) Progress(ctx context.Context, filter sample.Filter) (Progress, error) {
	p := Progress{ByLabel: map[wire.Verdict]int{}}
	var rows []struct {
		Label wire.Verdict
		N     int
	}
	err := filter.Apply(s.db.Read().NewSelect().Model((*sample.Sample)(nil))).
		Join("LEFT JOIN labels k ON k.hash = s.hash").
		ColumnExpr("COALESCE(k.label, '') AS label").ColumnExpr("COUNT(*) AS n").
		Where("s.state = ? AND s.checked AND k.label <> ''", sample.Kept).
		GroupExpr("COALESCE(k.label, '')").Scan(ctx, &rows)
	if err == nil {
		n, failed := waiting(filter.Apply(s.db.Read().NewSelect().Model((*sample.Sample)(nil)))).Count(ctx)
		p.Waiting, err = int(n), failed
	}
	if err != nil {
		return p, fmt.Errorf("count labels: %w", err)
	}
	for _, row := range rows {
		p.ByLabel[row.Label] = row.N
		p.Labelled += row.N
	}
	return p, nil
}

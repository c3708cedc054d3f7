package label

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// SetMany gives pictures a label at once, as Set does, and returns how many have
// it: those that were deleted, or whose label is another one than was seen, are
// passed over. batch names all that a person does at once, for UndoMany.
func (s *Store) SetMany(ctx context.Context, batch string, picks []sample.Pick, name wire.Verdict, who string) (done int, err error) {
	if !Known(name) {
		return 0, fmt.Errorf("%w: %.40q", ErrUnknown, name)
	}
	seen := map[string]int64{}
	var hashes []string
	for _, p := range picks {
		if _, twice := seen[p.Hash]; !twice {
			hashes = append(hashes, p.Hash)
		}
		seen[p.Hash] = p.Version
	}
	if len(hashes) == 0 {
		return 0, nil
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		before, err := currents(ctx, tx, hashes)
		if err != nil {
			return err
		}
		var events []Event
		for _, now := range before {
			if now.Version == seen[now.Hash] {
				events = append(events, Event{Hash: now.Hash, What: DidLabel, Version: now.Version + 1, From: now.Label, To: name, By: who, Batch: batch})
			}
		}
		done = len(events)
		return s.steps(ctx, tx, events)
	})
	if err != nil {
		return 0, fmt.Errorf("label pictures: %w", err)
	}
	return done, nil
}

// currents are the labels of those of the pictures that are kept, also where
// there is none.
func currents(ctx context.Context, tx bun.Tx, hashes []string) ([]Current, error) {
	var rows []Current
	err := tx.NewSelect().TableExpr("samples AS s").Join("LEFT JOIN labels AS l ON l.hash = s.hash").
		ColumnExpr("s.hash AS hash").ColumnExpr("COALESCE(l.label, '') AS label").ColumnExpr("COALESCE(l.version, 0) AS version").
		Where("s.state = ?", sample.Kept).Where("s.hash IN (?)", bun.In(hashes)).Scan(ctx, &rows)
	return rows, err
}

// steps makes many steps, of which each is of another picture and from the
// version before. The transaction has read that version.
func (s *Store) steps(ctx context.Context, tx bun.Tx, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	at := s.now().UnixMicro()
	after := make([]Current, len(events))
	hashes := make([]string, len(events))
	for i := range events {
		e := &events[i]
		e.At = at
		after[i], hashes[i] = Current{Hash: e.Hash, Label: e.To, Version: e.Version, By: e.By, At: at}, e.Hash
	}
	_, err := tx.NewInsert().Model(&after).On("CONFLICT (hash) DO UPDATE").Set("label = EXCLUDED.label").Set("version = EXCLUDED.version").
		Set("labelled_by = EXCLUDED.labelled_by").Set("labelled_at = EXCLUDED.labelled_at").Exec(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(&events).Exec(ctx); err != nil {
		return err
	}
	return served(ctx, tx, hashes)
}

// undoPortion is how many labels are taken back in one transaction.
const undoPortion = 200

// UndoMany takes back the labels that a person gave as a batch, where nobody
// changed them since, and returns how many that were.
func (s *Store) UndoMany(ctx context.Context, batch, who string) (done int, err error) {
	after := ""
	for batch != "" {
		n, next, err := s.undoSome(ctx, batch, who, after)
		if err != nil {
			return done, fmt.Errorf("undo labels: %w", err)
		}
		done += n
		if next == "" {
			break
		}
		after = next
	}
	return done, nil
}

func (s *Store) undoSome(ctx context.Context, batch, who, after string) (done int, next string, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		next = ""
		var given []Event
		err := tx.NewSelect().Model(&given).Where("batch = ? AND hash > ? AND labelled_by = ? AND what = ? AND NOT undone", batch, after, who, DidLabel).
			Order("hash").Limit(undoPortion).Scan(ctx)
		if err != nil || len(given) == 0 {
			return err
		}
		next = given[len(given)-1].Hash
		byHash := map[string]Event{}
		var hashes []string
		for _, e := range given {
			byHash[e.Hash] = e
			hashes = append(hashes, e.Hash)
		}
		now, err := currents(ctx, tx, hashes)
		if err != nil {
			return err
		}
		var back []Event
		var undone []string
		for _, one := range now {
			if e := byHash[one.Hash]; one.Version == e.Version {
				back = append(back, Event{Hash: e.Hash, What: DidUndo, Version: one.Version + 1, From: one.Label, To: e.From, By: who})
				undone = append(undone, e.Hash)
			}
		}
		done = len(back)
		if done == 0 {
			return nil
		}
		if _, err := tx.NewUpdate().Model((*Event)(nil)).Set("undone = ?", true).Where("batch = ?", batch).Where("hash IN (?)", bun.In(undone)).Exec(ctx); err != nil {
			return err
		}
		return s.steps(ctx, tx, back)
	})
	return done, next, err
}

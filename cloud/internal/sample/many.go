package sample

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/blob"
)

// ErrUndone: a batch was taken back before, or is somebody else's.
var ErrUndone = errors.New("there is nothing to undo")

// NewBatch is a batch of a person that has not begun.
func NewBatch(what, label, who string) Batch {
	return Batch{ID: rand.Text(), What: what, Label: label, By: who, MadeAt: time.Now().UnixMicro()}
}

// KeepBatch writes a batch down, so that it can be taken back.
func (s *Store) KeepBatch(ctx context.Context, b Batch) error {
	if _, err := s.db.Write().NewInsert().Model(&b).Exec(ctx); err != nil {
		return fmt.Errorf("keep batch: %w", err)
	}
	return nil
}

// Batch returns a batch of a person that was not taken back.
func (s *Store) Batch(ctx context.Context, id, who string) (Batch, error) {
	var b Batch
	err := s.db.Read().NewSelect().Model(&b).Where("batch = ? AND made_by = ? AND NOT undone", id, who).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return b, ErrUndone
	}
	if err != nil {
		return b, fmt.Errorf("read batch: %w", err)
	}
	return b, nil
}

// TakeBack marks a batch as undone; only one who undoes it may go on.
func (s *Store) TakeBack(ctx context.Context, id, who string) error {
	result, err := s.db.Write().NewUpdate().Model((*Batch)(nil)).Set("undone = ?", true).Where("batch = ? AND made_by = ? AND NOT undone", id, who).Exec(ctx)
	if err != nil {
		return fmt.Errorf("undo batch: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, ErrUndone)
	}
	return nil
}

// mark is a column that a batch sets, and to what.
func mark(what string) (column string, value any, ok bool) {
	switch what {
	case DidQueue:
		return "queue", QueuedByHand, true
	case DidUnqueue:
		return "queue", Unqueued, true
	case DidAuto:
		return "queue", QueuedByRule, true
	case DidLeave:
		return "left_out", true, true
	case DidTake:
		return "left_out", false, true
	}
	return "", nil, false
}

// text is a value of a column as a batch keeps it.
func (s *Sample) text(column string) string {
	if column == "queue" {
		return s.Queue
	}
	return fmt.Sprint(s.LeftOut)
}

// Mark does with pictures what a batch says and returns how many there were. A
// picture that is so already counts too.
func (s *Store) Mark(ctx context.Context, b Batch, picks []Pick) (done int, err error) {
	column, value, ok := mark(b.What)
	if !ok {
		return 0, fmt.Errorf("mark samples: no such mark %.40q", b.What)
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		done = 0
		var rows []Sample
		err := tx.NewSelect().Model(&rows).Column("hash", "queue", "left_out").Where("s.state = ?", Kept).Where("s.hash IN (?)", bun.In(hashes(picks))).Scan(ctx)
		if err != nil || len(rows) == 0 {
			return err
		}
		var change []string
		var items []batchItem
		for i := range rows {
			if before := rows[i].text(column); before != fmt.Sprint(value) {
				change, items = append(change, rows[i].Hash), append(items, batchItem{Batch: b.ID, Hash: rows[i].Hash, Before: before})
			}
		}
		done = len(rows)
		if len(change) == 0 {
			return nil
		}
		if _, err := tx.NewInsert().Model(&items).Exec(ctx); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model((*Sample)(nil)).Set("? = ?", bun.Ident(column), value).Where("s.hash IN (?)", bun.In(change)).Exec(ctx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("mark samples: %w", err)
	}
	return done, nil
}

// Unmark takes a batch of marks back where nobody changed them since, and
// returns how many pictures that were.
func (s *Store) Unmark(ctx context.Context, b Batch) (done int, err error) {
	column, value, ok := mark(b.What)
	if !ok {
		return 0, fmt.Errorf("unmark samples: no such mark %.40q", b.What)
	}
	after := ""
	for {
		var items []batchItem
		err := s.db.Read().NewSelect().Model(&items).Where("batch = ? AND hash > ?", b.ID, after).Order("hash").Limit(portion).Scan(ctx)
		if err != nil || len(items) == 0 {
			return done, err
		}
		after = items[len(items)-1].Hash
		before := map[string][]string{} // value to pictures
		for _, one := range items {
			before[one.Before] = append(before[one.Before], one.Hash)
		}
		for text, list := range before {
			var old any = text
			if column == "left_out" {
				old = text == "true"
			}
			result, err := s.db.Write().NewUpdate().Model((*Sample)(nil)).Set("? = ?", bun.Ident(column), old).
				Where("s.hash IN (?)", bun.In(list)).Where("s.? = ?", bun.Ident(column), value).Exec(ctx)
			if err != nil {
				return done, fmt.Errorf("unmark samples: %w", err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return done, fmt.Errorf("unmark samples: %w", err)
			}
			done += int(n)
		}
	}
}

// DeleteMany is Delete for many pictures, and returns how many there were.
func (s *Store) DeleteMany(ctx context.Context, picks []Pick) (done int, err error) {
	var gone []string
	var erase []erasure
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		gone, erase = nil, nil
		err := tx.NewSelect().Model((*Sample)(nil)).Column("hash").Where("s.state = ?", Kept).Where("s.hash IN (?)", bun.In(hashes(picks))).Scan(ctx, &gone)
		if err != nil || len(gone) == 0 {
			return err
		}
		if erase, err = mustErase(ctx, tx, gone); err != nil {
			return err
		}
		return forget(ctx, tx, gone)
	})
	if err != nil {
		return 0, fmt.Errorf("delete samples: %w", err)
	}
	s.tell(erase)
	for _, hash := range gone {
		if err := errors.Join(s.forgetPieces(hash), s.blobs.Delete(ctx, blob.Pictures, hash)); err != nil {
			return len(gone), err
		}
	}
	return len(gone), nil
}

// forget leaves of pictures their names alone.
func forget(ctx context.Context, tx bun.Tx, gone []string) error {
	_, err := tx.NewUpdate().Model((*Sample)(nil)).
		Set("state = ?", Deleted).Set("device = ''").Set("site = ''").Set("camera = ''").Set("zone = ''").Set("origin = ''").
		Set("fingerprint = 0").Set("bytes = 0").Where("s.hash IN (?)", bun.In(gone)).Exec(ctx)
	if err != nil {
		return err
	}
	for _, table := range derived() {
		if _, err := tx.NewDelete().TableExpr("?", bun.Ident(table)).Where("hash IN (?)", bun.In(gone)).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

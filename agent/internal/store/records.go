package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/wire"
)

// Limits of Query.Limit.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Records returns the records that q selects, newest first. The next page is
// that before the last one's Seq.
func (s *Store) Records(ctx context.Context, q Query) ([]Entry, error) {
	limit := q.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		return nil, fmt.Errorf("read records: a limit of %d is not within 1 and %d", limit, MaxLimit)
	}
	var entries []Entry
	err := s.db.View(func(txn *badger.Txn) error {
		return s.scan(ctx, txn, q.Before, func(r wire.Record) (bool, error) {
			if !q.selects(&r) {
				return true, nil
			}
			e, err := s.entry(txn, r)
			entries = append(entries, e)
			return len(entries) < limit, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	return entries, nil
}

func (q *Query) selects(r *wire.Record) bool {
	return (q.Camera == "" || r.Camera == q.Camera) &&
		(len(q.Verdicts) == 0 || slices.Contains(q.Verdicts, r.Verdict)) &&
		within(r.CapturedAt, q.From, q.To)
}

// within reports whether t is in the half-open [from, to), where a zero time is
// no bound.
func within(t, from, to time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (to.IsZero() || t.Before(to))
}

// scan gives records before a number (0 = all), newest first, to visit until it
// returns false.
func (s *Store) scan(ctx context.Context, txn *badger.Txn, before uint64, visit func(wire.Record) (bool, error)) error {
	prefix := append([]byte{kindRecord}, s.epoch...)
	it := txn.NewIterator(badger.IteratorOptions{Reverse: true, Prefix: prefix, PrefetchValues: true, PrefetchSize: 20})
	defer it.Close()
	start := numbered(kindRecord, s.epoch, 1<<64-1)
	if before > 0 {
		start = numbered(kindRecord, s.epoch, before-1)
	}
	for it.Seek(start); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var r wire.Record
		if err := it.Item().Value(func(b []byte) error { return decodeValue(b, &r) }); err != nil {
			return fmt.Errorf("record %x: %w", it.Item().Key(), err)
		}
		if more, err := visit(r); err != nil || !more {
			return err
		}
	}
	return nil
}

// entry adds the farmer's correction to a record.
func (s *Store) entry(txn *badger.Txn, r wire.Record) (Entry, error) {
	var c Correction
	ok, err := getJSON(txn, numbered(kindCorrection, s.epoch, r.Seq), &c)
	if err != nil {
		return Entry{}, fmt.Errorf("correction of %d: %w", r.Seq, err)
	}
	e := Entry{Record: r}
	if ok {
		e.Correction = &c
	}
	return e, nil
}

// Record returns one record, or ErrNotFound.
func (s *Store) Record(ctx context.Context, seq uint64) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	var e Entry
	err := s.db.View(func(txn *badger.Txn) error {
		r, err := s.record(txn, seq)
		if err != nil {
			return err
		}
		e, err = s.entry(txn, r)
		return err
	})
	if err != nil {
		return Entry{}, fmt.Errorf("read record %d: %w", seq, err)
	}
	return e, nil
}

func (s *Store) record(txn *badger.Txn, seq uint64) (wire.Record, error) {
	var r wire.Record
	ok, err := getJSON(txn, numbered(kindRecord, s.epoch, seq), &r)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return r, err
}

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gourdian/internal/wire"
)

// CantTell is what a person says of a picture that nobody could grade.
const CantTell wire.Verdict = "cant_tell"

// ErrVerdict says that a correction is no verdict that a person can give.
var ErrVerdict = errors.New("not a verdict that a person can give")

// Correct keeps what the farmer says of a record: its right verdict, or
// CantTell. The record and the counters stay as the board saw it. A second
// correction replaces the first.
func (s *Store) Correct(ctx context.Context, seq uint64, v wire.Verdict) error {
	if v == "" || v == wire.Unsure || len(v) > wire.MaxName {
		return fmt.Errorf("correct record %d: %w: %q", seq, ErrVerdict, v)
	}
	c := Correction{Verdict: v, At: time.Now().UTC()}
	err := s.change(ctx, &request{edit: func(b *batch) error {
		return s.revalueRecord(b, seq, func(wire.Record) worth { return worthCorrected }, func() error {
			return setJSON(b.txn, numbered(kindCorrection, s.epoch, seq), c)
		})
	}})
	if err != nil {
		return fmt.Errorf("correct record %d: %w", seq, err)
	}
	return nil
}

// Uncorrect takes a correction back. It is no error where there was none.
func (s *Store) Uncorrect(ctx context.Context, seq uint64) error {
	err := s.change(ctx, &request{edit: func(b *batch) error {
		return s.revalueRecord(b, seq, func(r wire.Record) worth { return worthOf(r.Verdict) }, func() error {
			return b.txn.Delete(numbered(kindCorrection, s.epoch, seq))
		})
	}})
	if err != nil {
		return fmt.Errorf("uncorrect record %d: %w", seq, err)
	}
	return nil
}

// revalueRecord looks the record up, gives its picture the worth that value
// says and lets write do the rest.
func (s *Store) revalueRecord(b *batch, seq uint64, value func(wire.Record) worth, write func() error) error {
	r, err := s.record(b.txn, seq)
	if err != nil {
		return err
	}
	if r.Image != "" {
		h, err := parseHash(r.Image)
		if err != nil {
			return err
		}
		if err := b.revalue(h, value(r)); err != nil {
			return err
		}
		if err := s.tellOf(b, seq); err != nil {
			return err
		}
	}
	return write()
}

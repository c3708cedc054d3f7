package store

import (
	"context"
	"errors"
	"fmt"

	"gourdian/internal/quality"
	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

// arrival is a record on its way into the store.
type arrival struct {
	record  wire.Record
	value   []byte   // the record as it was first encoded, for its size
	picture *picture // nil where none is kept
	sight   *sketch.Sight
	day     string // of the field clock
	hour    int
}

// Append stores one sighting with its picture (nil for none), which looks like
// look, and returns its number; then both are on disk. The hour's sketch sums
// up sight, nil = it knows nothing of this one. It sets the record's Device, Epoch, Seq and
// Image. A picture that finds no room is left out and counted; ErrFull says
// that the record itself found none. Other errors: wire.ErrRecord, ErrClosed,
// the context's, and what the disk says.
func (s *Store) Append(ctx context.Context, record wire.Record, jpeg []byte, look quality.Fingerprint, sight *sketch.Sight) (uint64, error) {
	record.Device, record.Epoch, record.Seq, record.Image = s.device, s.epoch, 1, ""
	if err := record.Validate(); err != nil {
		return 0, fmt.Errorf("append: %w", err)
	}
	value, err := encodeValue(record)
	if err != nil {
		return 0, fmt.Errorf("append: %w", err)
	}
	if len(value) > maxRecordValue {
		return 0, fmt.Errorf("append: %w: %d bytes, at most %d", wire.ErrRecord, len(value), maxRecordValue)
	}
	at := record.CapturedAt.In(s.opts.Location)
	a := &arrival{record: record, value: value, sight: sight, day: at.Format(dateForm), hour: at.Hour()}
	if len(jpeg) > 0 {
		a.picture = s.bringPicture(jpeg)
	}
	if a.picture != nil {
		a.picture.print = look
	}
	if err := s.change(ctx, &request{arrival: a}); err != nil {
		if a.picture != nil && (errors.Is(err, ErrClosed) || ctx.Err() != nil) {
			s.dropArrival(a.picture) // Run has not seen it
		}
		return 0, fmt.Errorf("append: %w", err)
	}
	return a.record.Seq, nil
}

// maxRecordValue keeps a batch within a transaction and a value within the
// tables. A record of a hundred classes takes 5 KB.
const maxRecordValue = 48 << 10

// stage puts an arrival into the batch.
func (s *Store) stage(b *batch, a *arrival) error {
	if err := s.makeRecordRoom(b, int64(len(a.value))); err != nil {
		return err
	}
	a.record.Seq = b.state.seq + 1
	if p := a.picture; p != nil {
		a.record.Image = p.hash.String()
		if err := b.shelve(p.hash, shelved{worthOf(a.record.Verdict), a.record.Seq, p.size, p.print}); err != nil {
			return err
		}
	}
	value, err := encodeValue(a.record)
	if err != nil {
		return err
	}
	if err := b.txn.Set(numbered(kindRecord, s.epoch, a.record.Seq), value); err != nil {
		return err
	}
	if err := b.countDay(a); err != nil {
		return err
	}
	if err := b.countHour(a); err != nil {
		return err
	}
	b.state.seq = a.record.Seq
	b.state.recordBytes += int64(len(value))
	return nil
}

// settle puts an arrival's picture in its place, or away when nothing was
// stored, and counts what was not kept.
func (s *Store) settle(a *arrival, stored bool) {
	if !stored {
		s.mu.Lock()
		s.state.notKept++
		s.mu.Unlock()
		if a.picture != nil {
			s.dropArrival(a.picture)
		}
		return
	}
	if a.picture == nil {
		return
	}
	if err := s.placePicture(a.picture); err != nil {
		// It stays where it arrived, is found there, and moves at the next start.
		s.log.Warn("putting a picture in its place", "hash", a.picture.hash, "error", err)
	}
}

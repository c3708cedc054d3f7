package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/wire"
)

const hourForm = "2006-01-02T15"

// storedHour is an hour's counters as they are kept.
type storedHour struct {
	Cameras map[string]wire.Counts `json:"cameras"`
	Newest  uint64                 `json:"newest"` // number of the last record that was counted
}

// Hour is an hour of the field clock in UTC with the sightings that arrived in it.
type Hour struct {
	At      time.Time
	Cameras map[string]wire.Counts
}

// countHour counts an arrival in its hour.
func (b *batch) countHour(a *arrival) error {
	name := a.record.CapturedAt.UTC().Format(hourForm)
	hour := b.hours[name]
	if hour == nil {
		hour = &storedHour{}
		if _, err := getJSON(b.txn, hourKey(name), hour); err != nil {
			return fmt.Errorf("read hour %s: %w", name, err)
		}
		b.hours[name] = hour
	}
	if hour.Cameras == nil {
		hour.Cameras = map[string]wire.Counts{}
	}
	counts := hour.Cameras[a.record.Camera]
	if counts == nil {
		counts = wire.Counts{}
		hour.Cameras[a.record.Camera] = counts
	}
	counts[a.record.Verdict]++
	hour.Newest = a.record.Seq
	return nil
}

// Hours returns the hours before a moment that are later than the hour told or
// were counted in again after the record seq, oldest first: what a reader does
// not know that knew all of told and seq. Hours without sightings are left out.
func (s *Store) Hours(ctx context.Context, told time.Time, seq uint64, before time.Time) ([]Hour, error) {
	var hours []Hour
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{kindHour}, PrefetchValues: true, PrefetchSize: 100})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			at, err := time.Parse(hourForm, string(it.Item().Key()[1:]))
			if err != nil {
				return fmt.Errorf("an hour's key is damaged: %w", err)
			}
			var stored storedHour
			if err := it.Item().Value(func(b []byte) error { return decodeValue(b, &stored) }); err != nil {
				return fmt.Errorf("hour %v: %w", at, err)
			}
			if at.Before(before) && (at.After(told) || stored.Newest > seq) {
				hours = append(hours, Hour{At: at, Cameras: stored.Cameras})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read hours: %w", err)
	}
	return hours, nil
}

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/wire"
)

const dateForm = "2006-01-02"

// storedDay is a day's counters as they are kept.
type storedDay struct {
	Hours [24]map[wire.Verdict]int `json:"hours"`
}

func (d *storedDay) day(date string) Day {
	day := Day{Date: date, Counts: map[wire.Verdict]int{}}
	for h := range d.Hours {
		day.Hours[h] = map[wire.Verdict]int{}
		for v, n := range d.Hours[h] {
			day.Hours[h][v] = n
			day.Counts[v] += n
			day.Total += n
		}
	}
	return day
}

// countDay counts an arrival in its day.
func (b *batch) countDay(a *arrival) error {
	day := b.days[a.day]
	if day == nil {
		day = &storedDay{}
		if _, err := getJSON(b.txn, dayKey(a.day), day); err != nil {
			return fmt.Errorf("read day %s: %w", a.day, err)
		}
		b.days[a.day] = day
	}
	if day.Hours[a.hour] == nil {
		day.Hours[a.hour] = map[wire.Verdict]int{}
	}
	day.Hours[a.hour][a.record.Verdict]++
	return nil
}

// Day returns the counters of a day of the field clock, written 2006-01-02, in
// the board's time zone. A day without sightings is empty, not an error.
func (s *Store) Day(ctx context.Context, date string) (Day, error) {
	if _, err := time.Parse(dateForm, date); err != nil {
		return Day{}, fmt.Errorf("day: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Day{}, err
	}
	var stored storedDay
	err := s.db.View(func(txn *badger.Txn) error {
		_, err := getJSON(txn, dayKey(date), &stored)
		return err
	})
	if err != nil {
		return Day{}, fmt.Errorf("read day %s: %w", date, err)
	}
	return stored.day(date), nil
}

// Days returns the newest days that have sightings, at most limit, newest first.
func (s *Store) Days(ctx context.Context, limit int) ([]Day, error) {
	var days []Day
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Reverse: true, Prefix: []byte{kindDay}})
		defer it.Close()
		for it.Seek([]byte{kindDay, 0xff}); it.Valid() && len(days) < limit && ctx.Err() == nil; it.Next() {
			var stored storedDay
			date := string(it.Item().Key()[1:])
			err := it.Item().Value(func(b []byte) error { return decodeValue(b, &stored) })
			if err != nil {
				return fmt.Errorf("day %s: %w", date, err)
			}
			days = append(days, stored.day(date))
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read days: %w", err)
	}
	return days, nil
}

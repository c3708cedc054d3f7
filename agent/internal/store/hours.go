package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

const hourForm = "2006-01-02T15"

// storedHour is an hour's counters as they are kept.
type storedHour struct {
	Cameras map[string]wire.Counts `json:"cameras"`
	Newest  uint64                 `json:"newest"` // number of the last record that was counted

	Sketches []wire.CameraSketch `json:"sketches,omitempty"`
}

// Hour is an hour of the field clock in UTC with the sightings that arrived in it.
type Hour struct {
	At       time.Time
	Cameras  map[string]wire.Counts
	Sketches []wire.CameraSketch
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
	hour.sumUp(a)
	return nil
}

// maxModels bounds the sketches of a camera's hour: a board that changes its
// model more often than that is being tried out, not watched for drift.
const maxModels = wire.MaxSketches / wire.MaxCameras

// sumUp lets the sketch of the arrival's camera and model take it in. Drift is
// told from many: what can't be summed up costs nobody his record.
func (h *storedHour) sumUp(a *arrival) {
	if a.sight == nil {
		return
	}
	var kept *wire.CameraSketch
	models := 0
	for i := range h.Sketches {
		one := &h.Sketches[i]
		if one.Camera != a.record.Camera {
			continue
		}
		models++
		if one.Model == a.record.Model && one.Variant == a.record.Variant {
			kept = one
		}
	}
	if kept == nil {
		if models >= maxModels || len(h.Sketches) >= wire.MaxSketches {
			return
		}
		h.Sketches = append(h.Sketches, wire.CameraSketch{Camera: a.record.Camera, Model: a.record.Model, Variant: a.record.Variant})
		kept = &h.Sketches[len(h.Sketches)-1]
	}
	sum, err := sketch.Decode(kept.Data)
	if err != nil { // there is none yet, or the disk has damaged it
		sum = &sketch.Sketch{}
	}
	if sum.Add(*a.sight) != nil {
		return
	}
	if data := sum.Encode(); len(data) <= wire.MaxSketch {
		kept.Data = data
	}
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
				hours = append(hours, Hour{At: at, Cameras: stored.Cameras, Sketches: stored.Sketches})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read hours: %w", err)
	}
	return hours, nil
}

package monitor

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// Picture is a picture that the hub has of an alarm.
type Picture struct {
	Hash     string
	Device   string
	Camera   string
	Captured time.Time
	measured float64
}

// Pictures show an alarm: how it typically was, how it typically is, and what
// is least like before.
type Pictures struct{ Then, Now, Unlike []Picture }

const (
	// shownPictures of each kind.
	shownPictures = 4
	// readPictures bounds what is looked through of each time.
	readPictures = 400
	// pastDays before an alarm are how it was.
	pastDays = 35
)

// Pictures returns pictures of an alarm, as far as boards have sent some. They
// are chosen by what moved: sharpness where the lens is the reason, brightness
// where the light is, else how unlike the training photos they are.
func (m *Monitor) Pictures(ctx context.Context, a *Alarm) (Pictures, error) {
	then, err := m.taken(ctx, a, a.FirstDay-pastDays, a.FirstDay-1)
	if err != nil {
		return Pictures{}, err
	}
	now, err := m.taken(ctx, a, a.FirstDay, max(a.LastDay, a.FirstDay+drift.Watched))
	if err != nil {
		return Pictures{}, err
	}
	usual := median(then)
	if len(then) == 0 {
		usual = median(now)
	}
	return Pictures{Then: nearest(then, median(then)), Now: nearest(now, median(now)), Unlike: farthest(now, usual)}, nil
}

// taken are the pictures of some days; those of the random share alone where
// there are enough of them, since the others were chosen for being odd.
func (m *Monitor) taken(ctx context.Context, a *Alarm, first, last int) ([]Picture, error) {
	var rows []struct {
		Hash, Device, Camera, Body string
		Why                        wire.SampleWhy
		CapturedAt                 int64
		Sharpness, Brightness      float64
	}
	q := m.db.Read().NewSelect().TableExpr("samples AS s").
		ColumnExpr("s.hash, s.device, s.camera, s.why, s.captured_at, s.sharpness, s.brightness, COALESCE(r.body, '') AS body").
		Join("LEFT JOIN record AS r ON r.device = s.device AND r.epoch = s.epoch AND r.seq = s.seq").
		Where("s.state = ? AND s.checked AND s.device <> ''", sample.Kept).
		Where("s.captured_at >= ? AND s.captured_at < ?", int64(first)*m.CalendarOf(a).micros(), int64(last+1)*m.CalendarOf(a).micros()).
		OrderExpr("s.captured_at DESC").Limit(readPictures)
	if a.Device != "" {
		q = q.Where("s.device = ? AND s.camera = ?", a.Device, a.Camera)
	}
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("read pictures of alarm %d: %w", a.ID, err)
	}
	var all, random []Picture
	for _, row := range rows {
		p := Picture{Hash: row.Hash, Device: row.Device, Camera: row.Camera, Captured: db.Time(row.CapturedAt)}
		switch a.Reason {
		case drift.Lens:
			p.measured = math.Log1p(row.Sharpness)
		case drift.OtherSun:
			p.measured = row.Brightness
		default:
			if record, err := wire.DecodeRecord([]byte(row.Body)); err == nil {
				p.measured = record.Novelty
			}
		}
		all = append(all, p)
		if row.Why == wire.WhyRandom {
			random = append(random, p)
		}
	}
	if len(random) >= shownPictures {
		return random, nil
	}
	return all, nil
}

func median(all []Picture) float64 {
	if len(all) == 0 {
		return 0
	}
	values := make([]float64, len(all))
	for i := range all {
		values[i] = all[i].measured
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func nearest(all []Picture, to float64) []Picture { return sorted(all, to, 1) }

func farthest(all []Picture, from float64) []Picture { return sorted(all, from, -1) }

// sorted are the first few by their distance from a value, times sign.
func sorted(all []Picture, from, sign float64) []Picture {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Picture) int {
		return cmp.Compare(sign*math.Abs(a.measured-from), sign*math.Abs(b.measured-from))
	})
	return all[:min(len(all), shownPictures)]
}

package monitor

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

// firstYear is the first that a board's clock can have been right in. An hour
// of 1970 belongs to a board without a battery that did not know the time.
const firstYear = 2020

type hourRow struct {
	bun.BaseModel `bun:"table:drift_hour"`

	Device string `bun:"device,pk"`
	Epoch  string `bun:"epoch,pk"`
	Hour   int64  `bun:"hour,pk"`
	Camera string `bun:"camera,pk"`
	Model  string `bun:"model,pk"` // bundle and variant
	Data   []byte `bun:"data"`
	KeptAt int64  `bun:"kept_at"`
}

type dayRow struct {
	bun.BaseModel `bun:"table:drift_day,alias:d"`

	Device string `bun:"device,pk"`
	Camera string `bun:"camera,pk"`
	Day    int    `bun:"day,pk"`
	Model  string `bun:"model,pk"`
	N      int64  `bun:"n"`
	Data   []byte `bun:"data"`
}

// Take keeps what a board sums up of an hour, in the transaction that keeps its
// counts. A later summary of an hour replaces an earlier one. A sketch that
// makes no sense is left out and costs nothing else.
func (m *Monitor) Take(ctx context.Context, tx bun.Tx, device string, s wire.Summary) error {
	if s.Hour.Year() < firstYear {
		return nil
	}
	until := db.Micros(s.Hour.Add(time.Hour))
	_, err := tx.NewRaw("INSERT INTO drift_clock (device, until) VALUES (?, ?)"+
		" ON CONFLICT (device) DO UPDATE SET until = CASE WHEN drift_clock.until < EXCLUDED.until THEN EXCLUDED.until ELSE drift_clock.until END",
		device, until).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep a board's hour: %w", err)
	}
	rows := m.rows(device, s)
	if len(rows) == 0 {
		return nil
	}
	_, err = tx.NewDelete().Table("drift_hour").Where("device = ?", device).Where("epoch = ?", s.Epoch).Where("hour = ?", db.Micros(s.Hour)).Exec(ctx)
	if err == nil {
		_, err = tx.NewInsert().Model(&rows).Exec(ctx)
	}
	if err == nil {
		_, err = tx.NewRaw("INSERT INTO drift_todo (device, day) VALUES (?, ?) ON CONFLICT (device, day) DO NOTHING", device, m.Of(s.Hour)).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("keep a sketch: %w", err)
	}
	return m.sumUp(ctx, tx, device, m.Of(s.Hour))
}

// rows are the sketches of a summary that make sense.
func (m *Monitor) rows(device string, s wire.Summary) []hourRow {
	var rows []hourRow
	seen := map[[2]string]bool{}
	for _, one := range s.Sketches {
		key := [2]string{one.Camera, one.Model + "/" + one.Variant}
		if _, err := sketch.Decode(one.Data); err != nil || seen[key] {
			m.log.Warn("a sketch makes no sense", "device", device, "camera", one.Camera, "error", err)
			continue
		}
		seen[key] = true
		rows = append(rows, hourRow{
			Device: device, Epoch: s.Epoch, Hour: db.Micros(s.Hour), Camera: key[0], Model: key[1], Data: one.Data, KeptAt: db.Micros(m.now()),
		})
	}
	return rows
}

// sumUp makes the days of a board's cameras anew from their hours. One whose
// hours were cleared in part stays as it was: it knew more.
func (m *Monitor) sumUp(ctx context.Context, tx bun.Tx, device string, day int) error {
	var hours []hourRow
	begin := int64(day) * m.micros()
	err := tx.NewSelect().Model(&hours).Where("device = ?", device).Where("hour >= ? AND hour < ?", begin, begin+m.micros()).Scan(ctx)
	if err != nil {
		return fmt.Errorf("read a day's hours: %w", err)
	}
	days := map[[2]string]*sketch.Sketch{}
	for _, h := range hours {
		one, err := sketch.Decode(h.Data)
		if err != nil {
			return fmt.Errorf("a kept sketch of %s is damaged: %w", device, err)
		}
		key := [2]string{h.Camera, h.Model}
		if days[key] == nil {
			days[key] = &sketch.Sketch{}
		}
		if err := days[key].Merge(one); err != nil {
			m.log.Warn("a day has too many sightings to sum up", "device", device, "camera", h.Camera)
		}
	}
	for key, sum := range days {
		row := dayRow{Device: device, Camera: key[0], Day: day, Model: key[1], N: int64(sum.Count()), Data: sum.Encode()}
		_, err := tx.NewInsert().Model(&row).On("CONFLICT (device, camera, day, model) DO UPDATE").
			Set("n = EXCLUDED.n").Set("data = EXCLUDED.data").Where("EXCLUDED.n >= d.n").Exec(ctx)
		if err != nil {
			return fmt.Errorf("keep a day: %w", err)
		}
	}
	return nil
}

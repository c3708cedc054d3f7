package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/drift"
	"gourdian/internal/sketch"
)

const (
	// lookBack is how many days before a day are read to judge it.
	lookBack = 100
	// present is how many days a camera may have been silent and still counts
	// among those of which a share is false.
	present = 7
	// suspect is how long a day that stood out is no reference, alarm or not.
	suspect = 14
)

// Camera names a camera of the fleet. Boards may share a name, never a device.
type Camera struct{ Device, ID string }

// Score is how a camera's day was judged, as it is kept.
type Score struct {
	bun.BaseModel `bun:"table:drift_score,alias:sc"`

	Device string  `bun:"device,pk"`
	Camera string  `bun:"camera,pk"`
	Day    int     `bun:"day,pk"`
	Model  string  `bun:"model"`
	N      int     `bun:"n"`
	Span   int     `bun:"span"`
	Refs   int     `bun:"refs"`
	Muted  bool    `bun:"muted"`
	Hit    bool    `bun:"hit"`
	P      float64 `bun:"p"`
	Detail string  `bun:"detail"`
}

// detail is the JSON of a score: it is what drift.Score has in arrays, so that
// another order of the measures makes an old one unreadable and not wrong.
type detail struct {
	Measures   int       `json:"measures"`
	Groups     []float64 `json:"groups"`
	Deviations []float64 `json:"deviations"`
	Means      []float64 `json:"means"`
	Usual      []float64 `json:"usual"`
	Spread     []float64 `json:"spread"`
}

func rowOf(c Camera, s *drift.Score) (Score, error) {
	text, err := json.Marshal(detail{int(drift.Measures), s.Groups[:], s.Deviations[:], s.Means[:], s.Usual[:], s.Spread[:]})
	return Score{Device: c.Device, Camera: c.ID, Day: s.Date, Model: s.Model, N: s.N, Span: s.Span, Refs: s.Refs,
		Muted: s.Muted, Hit: s.Hit, P: s.P, Detail: string(text)}, err
}

func (s *Score) key() string { return s.Device + "/" + s.Camera }

// score is the kept form as package drift has it.
func (s *Score) score() drift.Score {
	out := drift.Score{Key: s.key(), Date: s.Day, Model: s.Model, N: s.N, Span: s.Span, Refs: s.Refs, Muted: s.Muted, Hit: s.Hit, P: s.P}
	var d detail
	if json.Unmarshal([]byte(s.Detail), &d) == nil && d.Measures == int(drift.Measures) {
		copy(out.Groups[:], d.Groups)
		copy(out.Deviations[:], d.Deviations)
		copy(out.Means[:], d.Means)
		copy(out.Usual[:], d.Usual)
		copy(out.Spread[:], d.Spread)
	}
	return out
}

// judge scores a day of all cameras and acts on it.
func (m *Monitor) judge(ctx context.Context, day int) error {
	budget, err := m.Budget(ctx)
	if err != nil {
		return err
	}
	known, err := m.alarms(ctx, m.db.Read())
	if err != nil {
		return err
	}
	streams, cameras, err := m.streams(ctx, day-lookBack, day, known)
	if err != nil {
		return err
	}
	scores := drift.Judge(streams, day, countPresent(streams, day), m.rules, drift.LimitsFor(budget.FalseAlarms))
	var rows []Score
	for i := range scores {
		row, err := rowOf(cameras[scores[i].Key], &scores[i])
		if err != nil {
			return fmt.Errorf("write a score: %w", err)
		}
		rows = append(rows, row)
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if len(rows) > 0 {
			if _, err := tx.NewDelete().Table("drift_score").Where("day = ?", day).Exec(ctx); err != nil {
				return fmt.Errorf("replace scores: %w", err)
			}
			if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
				return fmt.Errorf("write scores: %w", err)
			}
		}
		_, err := tx.NewRaw("DELETE FROM drift_todo WHERE day = ? AND device IN (SELECT device FROM drift_clock WHERE until >= ?)",
			day, int64(day+1)*m.micros()).Exec(ctx)
		if err != nil {
			return fmt.Errorf("mark a day as judged: %w", err)
		}
		return m.act(ctx, tx, day, rows)
	})
}

func countPresent(streams []drift.Stream, day int) int {
	n := 0
	for i := range streams {
		for _, b := range streams[i].Blocks {
			if b.Date <= day && b.Date > day-present {
				n++
				break
			}
		}
	}
	return n
}

// streams reads the days of all cameras from one to another. Days that are not
// over on their board are left out.
func (m *Monitor) streams(ctx context.Context, from, to int, known []Alarm) ([]drift.Stream, map[string]Camera, error) {
	days, err := m.days(ctx, from, to, Camera{})
	if err != nil {
		return nil, nil, err
	}
	if err := m.exclude(ctx, days, known, from, to); err != nil {
		return nil, nil, err
	}
	var streams []drift.Stream
	cameras := map[string]Camera{}
	for camera, list := range days {
		key := camera.Device + "/" + camera.ID
		cameras[key] = camera
		alarmed := slices.ContainsFunc(known, func(a Alarm) bool { return a.State != Closed && a.about(camera) })
		streams = append(streams, drift.Stream{Key: key, Blocks: drift.Blocks(list, m.rules), Alarmed: alarmed})
	}
	return streams, cameras, nil
}

// days reads the days that are over, of all cameras or of one.
func (m *Monitor) days(ctx context.Context, from, to int, only Camera) (map[Camera][]drift.Day, error) {
	var rows []dayRow
	q := m.db.Read().NewSelect().Model(&rows).
		Join("JOIN drift_clock AS c ON c.device = d.device").
		Where("d.day >= ? AND d.day <= ?", from, to).Where("c.until >= (d.day + 1) * ?", m.micros()).Order("d.day", "d.n")
	if only.Device != "" {
		q = q.Where("d.device = ? AND d.camera = ?", only.Device, only.ID)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read days: %w", err)
	}
	corrected, err := m.corrections(ctx, from, to)
	if err != nil {
		return nil, err
	}
	days := map[Camera][]drift.Day{}
	for _, row := range rows {
		sum, err := sketch.Decode(row.Data)
		if err != nil { // a task with so many classes that a day has no room
			m.log.Warn("a day can't be read", "device", row.Device, "camera", row.Camera, "day", m.Name(row.Day), "error", err)
			continue
		}
		camera := Camera{row.Device, row.Camera}
		// Of a day on which the model changed the one that judged more stands:
		// rows come with the fewer first.
		if list := days[camera]; len(list) > 0 && list[len(list)-1].Date == row.Day {
			days[camera] = list[:len(list)-1]
		}
		days[camera] = append(days[camera], drift.Day{
			Date: row.Day, Model: row.Model, Sum: sum, Corrections: corrected[correctedOn{camera, row.Day}],
		})
	}
	return days, nil
}

type correctedOn struct {
	camera Camera
	day    int
}

// corrections counts what farmers corrected, by the day of the sighting.
func (m *Monitor) corrections(ctx context.Context, from, to int) (map[correctedOn]int, error) {
	var rows []struct {
		Device, Camera string
		Day, N         int
	}
	err := m.db.Read().NewSelect().Table("samples").Column("device", "camera").
		ColumnExpr("captured_at / ? AS day", m.micros()).ColumnExpr("COUNT(*) AS n").
		Where("correction <> '' AND correction <> verdict AND device <> ''").
		Where("captured_at >= ? AND captured_at < ?", int64(from)*m.micros(), int64(to+1)*m.micros()).
		GroupExpr("device, camera, captured_at / ?", m.micros()).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count corrections: %w", err)
	}
	counts := map[correctedOn]int{}
	for _, row := range rows {
		counts[correctedOn{Camera{row.Device, row.Camera}, row.Day}] = row.N
	}
	return counts, nil
}

// exclude marks the days that are no reference: those of alarms, and those that
// stood out lately. Where people took an alarm for the new usual, what was
// before it is gone.
func (m *Monitor) exclude(ctx context.Context, days map[Camera][]drift.Day, known []Alarm, from, to int) error {
	var hits []Score
	err := m.db.Read().NewSelect().Model(&hits).Column("device", "camera", "day").Where("hit AND day >= ? AND day <= ?", max(from, to-suspect), to).Scan(ctx)
	if err != nil {
		return fmt.Errorf("read what stood out: %w", err)
	}
	suspects := map[correctedOn]bool{}
	for _, s := range hits {
		suspects[correctedOn{Camera{s.Device, s.Camera}, s.Day}] = true
	}
	for camera, list := range days {
		for i := range list {
			list[i].Excluded = suspects[correctedOn{camera, list[i].Date}]
		}
		for j := range known {
			list = known[j].exclude(camera, list)
		}
		days[camera] = list
	}
	return nil
}

// Budget is the number of false alarms that people bear.
type Budget struct {
	FalseAlarms float64 // in 30 days, over the whole fleet
	By          string  // who chose it, "" = nobody has
	At          time.Time
}

// usualBudget is the budget that nobody has changed.
const usualBudget = 1

// Least and most of a budget.
const (
	LeastBudget = 0.1
	MostBudget  = 10
)

package monitor

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/health"
)

// Standing is how a camera does.
type Standing string

// Standings, the worst first.
const (
	Alarmed  Standing = "alarm"    // an alarm is open
	Watching Standing = "watching" // the newest day stood out
	Usually  Standing = "usual"
	Learning Standing = "learning" // too few days to compare with
)

// Overview is one camera of the fleet.
type Overview struct {
	Camera
	Board    string // name of the board
	Site     string
	Standing Standing
	Refs     int
	Day      int // newest that is over
	N        int // sightings of it
	P        float64
	Alarm    int64 // that is open, 0 = none
}

// Fleet returns all cameras that have told of a day, those that need somebody
// first.
func (m *Monitor) Fleet(ctx context.Context) ([]Overview, error) {
	var rows []struct {
		Device, Camera, Name, Site string
		Day, N                     int
	}
	err := m.db.Read().NewSelect().TableExpr("drift_day AS d").
		ColumnExpr("d.device, d.camera, COALESCE(b.name, '') AS name, COALESCE(b.site, '') AS site, d.day, SUM(d.n) AS n").
		Join("LEFT JOIN board AS b ON b.device = d.device").Join("JOIN drift_clock AS c ON c.device = d.device").
		Where("d.day = (SELECT MAX(o.day) FROM drift_day AS o WHERE o.device = d.device AND o.camera = d.camera AND c.until >= (o.day + 1) * ?)", m.micros()).
		GroupExpr("d.device, d.camera, b.name, b.site, d.day").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("list cameras: %w", err)
	}
	var newest []Score
	err = m.db.Read().NewSelect().Model(&newest).Column("device", "camera", "day", "refs", "muted", "hit", "p").
		Where("sc.day = (SELECT MAX(o.day) FROM drift_score AS o WHERE o.device = sc.device AND o.camera = sc.camera)").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scores: %w", err)
	}
	open, err := m.Alarms(ctx, true, maxConditions)
	if err != nil {
		return nil, err
	}
	scores := map[Camera]*Score{}
	for i := range newest {
		scores[Camera{newest[i].Device, newest[i].Camera}] = &newest[i]
	}
	var fleet []Overview
	for _, row := range rows {
		one := Overview{Camera: Camera{row.Device, row.Camera}, Board: cmp.Or(row.Name, row.Device), Site: row.Site, Day: row.Day, N: row.N, P: 1, Standing: Learning}
		if s := scores[one.Camera]; s != nil {
			one.Refs, one.P = s.Refs, s.P
			switch {
			case s.Hit:
				one.Standing = Watching
			case !s.Muted:
				one.Standing = Usually
			}
		}
		for i := range open {
			if open[i].about(one.Camera) {
				one.Standing, one.Alarm = Alarmed, open[i].ID
			}
		}
		fleet = append(fleet, one)
	}
	order := []Standing{Alarmed, Watching, Usually, Learning}
	slices.SortFunc(fleet, func(a, b Overview) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Standing), slices.Index(order, b.Standing)),
			cmp.Compare(a.Board, b.Board), cmp.Compare(a.Device, b.Device), cmp.Compare(a.ID, b.ID))
	})
	return fleet, nil
}

// Point is one day of a camera's series.
type Point struct {
	Day   int
	Span  int
	N     int
	Model string
	Means [drift.Measures]float64
	Score *drift.Score // nil = not judged
}

// Series is a camera over time.
type Series struct {
	Camera
	Points []Point
	Models []ModelChange
	Alarms []Alarm // about the camera, the newest first
}

// ModelChange is a day on which another model began to judge.
type ModelChange struct {
	Day   int
	Model string
}

// lastDay is beyond any clock: package wire takes years up to 2200.
const lastDay = 100_000

// Series returns the newest days of a camera, the oldest first.
func (m *Monitor) Series(ctx context.Context, c Camera, most int) (Series, error) {
	s := Series{Camera: c}
	days, err := m.days(ctx, 0, lastDay, c)
	if err != nil {
		return s, err
	}
	list := days[c]
	var rows []Score
	err = m.db.Read().NewSelect().Model(&rows).Where("device = ? AND camera = ?", c.Device, c.ID).Order("day DESC").Limit(int64(most)).Scan(ctx)
	if err != nil {
		return s, fmt.Errorf("read scores: %w", err)
	}
	scores := map[int]*drift.Score{}
	for i := range rows {
		one := rows[i].score()
		scores[one.Date] = &one
	}
	model := ""
	blocks := drift.Blocks(list, m.rules)
	for i := range blocks {
		b := &blocks[i]
		if model != "" && b.Model != model {
			s.Models = append(s.Models, ModelChange{b.Date, b.Model})
		}
		model = b.Model
		p := Point{Day: b.Date, Span: b.Span, N: b.N, Model: b.Model, Score: scores[b.Date]}
		for measure := range drift.Measures {
			p.Means[measure] = b.Mean(measure)
		}
		s.Points = append(s.Points, p)
	}
	s.Points = s.Points[max(0, len(s.Points)-most):]
	all, err := m.Alarms(ctx, false, maxConditions)
	for i := range all {
		if all[i].about(c) {
			s.Alarms = append(s.Alarms, all[i])
		}
	}
	return s, err
}

// maxConditions bounds what is read of alarms for pages and health.
const maxConditions = 200

// Check says which alarms are open; those that somebody knows of are notes.
func (m *Monitor) Check(names func(ctx context.Context, device string) string) health.Check {
	return func(ctx context.Context) []health.Condition {
		open, err := m.Alarms(ctx, true, maxConditions)
		if err != nil {
			return []health.Condition{{Code: "drift_unknown", Severity: health.Warning, Args: map[string]string{"error": err.Error()}}}
		}
		var found []health.Condition
		for i := range open {
			a := &open[i]
			one := health.Condition{Code: "drift_" + string(a.Reason), Severity: health.Warning, Subject: fmt.Sprint(a.ID), Since: a.Opened(),
				Args: map[string]string{"alarm": fmt.Sprint(a.ID), "camera": a.Camera}}
			if a.State == Acknowledged {
				one.Severity = health.Note
			}
			if a.Device == "" && a.Reason != drift.Accuracy {
				one.Code = "drift_many"
				one.Args["cameras"] = fmt.Sprint(len(a.Facts().Cameras))
			}
			if a.Device != "" {
				one.Args["board"] = names(ctx, a.Device)
			}
			found = append(found, one)
		}
		return found
	}
}

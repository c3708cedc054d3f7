package monitor

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/people"
)

// State is where an alarm stands.
type State string

// States.
const (
	Open         State = "open"
	Acknowledged State = "acknowledged" // somebody knows
	Closed       State = "closed"
)

// Outcome is how an alarm ended.
type Outcome string

// Outcomes. What was taken for usual is what later days are compared with.
const (
	Mended Outcome = "mended" // somebody did something about it
	Usual  Outcome = "usual"  // this is how it is now
	False  Outcome = "false"  // nothing was the matter
	Quiet  Outcome = "quiet"  // the camera is as before, by itself
)

// Errors of alarms.
var (
	ErrNotFound = errors.New("no such alarm")
	ErrClosed   = errors.New("the alarm is closed")
	ErrOutcome  = errors.New("no outcome of an alarm")
)

// Alarm is one alarm. That of many cameras together has no Device.
type Alarm struct {
	bun.BaseModel `bun:"table:drift_alarm"`

	ID        int64        `bun:"id,pk"`
	Reason    drift.Reason `bun:"reason"`
	Device    string       `bun:"device"`
	Camera    string       `bun:"camera"`
	Model     string       `bun:"model"` // that judged, with its variant
	FirstDay  int          `bun:"first_day"`
	LastDay   int          `bun:"last_day"` // the newest that stood out
	OpenedAt  int64        `bun:"opened_at"`
	State     State        `bun:"state"`
	Outcome   Outcome      `bun:"outcome"`
	ChangedBy string       `bun:"changed_by"`
	ChangedAt int64        `bun:"changed_at"`
	Body      string       `bun:"facts"`
}

// Facts are the evidence of an alarm.
type Facts struct {
	Moved   []Move             `json:"moved"`
	Groups  map[string]float64 `json:"groups"` // p-values
	Days    []string           `json:"days"`   // that stood out when it was raised
	Refs    int                `json:"references"`
	Cameras []Camera           `json:"cameras,omitempty"` // that moved together
	Of      int                `json:"of,omitempty"`      // cameras judged that day
	Before  *Accuracy          `json:"before,omitempty"`
	After   *Accuracy          `json:"after,omitempty"`
}

// Move is a measure that moved, as its values stand for.
type Move struct {
	Measure    string  `json:"measure"`
	Deviations float64 `json:"deviations"` // in standard deviations from day to day
	Then       float64 `json:"then"`
	Now        float64 `json:"now"`
}

// Facts returns the evidence.
func (a *Alarm) Facts() Facts {
	var f Facts
	if json.Unmarshal([]byte(a.Body), &f) != nil {
		return Facts{}
	}
	return f
}

// Opened is when the hub raised the alarm, by the wall clock.
func (a *Alarm) Opened() time.Time { return db.Time(a.OpenedAt) }

// Changed is when somebody, or the camera itself, changed its state.
func (a *Alarm) Changed() time.Time { return db.Time(a.ChangedAt) }

// about reports whether the alarm is about a camera.
func (a *Alarm) about(c Camera) bool {
	if a.Reason == drift.Accuracy {
		return false
	}
	return a.Device == c.Device && a.Camera == c.ID || a.Device == "" && slices.Contains(a.Facts().Cameras, c)
}

// exclude takes the days of the alarm out of a camera's references.
func (a *Alarm) exclude(c Camera, days []drift.Day) []drift.Day {
	if !a.about(c) {
		return days
	}
	if a.Outcome == Usual {
		return slices.DeleteFunc(days, func(d drift.Day) bool { return d.Date < a.FirstDay })
	}
	for i := range days {
		days[i].Settled = days[i].Settled || a.State == Closed && days[i].Date <= a.LastDay
		if days[i].Date >= a.FirstDay && (a.State != Closed || days[i].Date <= a.LastDay) {
			days[i].Excluded = a.Outcome != False
		}
	}
	return days
}

// alarms reads all alarms.
func (m *Monitor) alarms(ctx context.Context, r bun.IDB) ([]Alarm, error) {
	var all []Alarm
	if err := r.NewSelect().Model(&all).Order("id DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	return all, nil
}

// act raises and ends alarms after a day was judged.
func (m *Monitor) act(ctx context.Context, tx bun.Tx, day int, today []Score) error {
	known, err := m.alarms(ctx, tx)
	if err != nil {
		return err
	}
	var lately []Score
	if err := tx.NewSelect().Model(&lately).Where("day > ?", day-lookBack/2).Order("day").Scan(ctx); err != nil {
		return fmt.Errorf("read scores: %w", err)
	}
	byCamera, byDay := map[Camera][]drift.Score{}, map[int][]drift.Score{}
	for i := range lately {
		s := lately[i].score()
		byCamera[Camera{lately[i].Device, lately[i].Camera}] = append(byCamera[Camera{lately[i].Device, lately[i].Camera}], s)
		byDay[s.Date] = append(byDay[s.Date], s)
	}
	together, err := m.actTogether(ctx, tx, day, today, byDay, known)
	if err != nil {
		return err
	}
	past, err := m.later(ctx, tx, day)
	if err != nil {
		return err
	}
	for i := range today {
		camera := Camera{today[i].Device, today[i].Camera}
		scores := byCamera[camera]
		if past[camera] || scores[len(scores)-1].Date != day {
			continue // it wakes nobody any more
		}
		if err := m.actOn(ctx, tx, camera, scores, together, known); err != nil {
			return err
		}
	}
	return nil
}

// later are the cameras that have told of a day after this one already. A clock
// that was wrong by years does not count.
func (m *Monitor) later(ctx context.Context, tx bun.Tx, day int) (map[Camera]bool, error) {
	var rows []dayRow
	err := tx.NewSelect().Model(&rows).Column("d.device", "d.camera").Join("JOIN drift_clock AS c ON c.device = d.device").
		Where("d.day > ? AND d.day <= ?", day, day+lookBack).Where("c.until >= (d.day + 1) * ?", m.micros()).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for later days: %w", err)
	}
	past := map[Camera]bool{}
	for _, row := range rows {
		past[Camera{row.Device, row.Camera}] = true
	}
	return past, nil
}

// openOf is the alarm of a camera that is not closed, nil = there is none.
func openOf(known []Alarm, c Camera) *Alarm {
	for i := range known {
		if a := &known[i]; a.State != Closed && a.Reason != drift.Accuracy && (a.Device == c.Device && a.Camera == c.ID) {
			return a
		}
	}
	return nil
}

// lastClosed is the last day of the newest alarm about a camera that is closed:
// what stood out until then is dealt with.
func lastClosed(known []Alarm, c Camera) int {
	last := 0
	for i := range known {
		if a := &known[i]; a.State == Closed && a.about(c) {
			last = max(last, a.LastDay)
		}
	}
	return last
}

// actOn raises or ends the alarm of one camera.
func (m *Monitor) actOn(ctx context.Context, tx bun.Tx, c Camera, scores []drift.Score, together drift.Reason, known []Alarm) error {
	newest := &scores[len(scores)-1]
	if open := openOf(known, c); open != nil {
		since := slices.IndexFunc(scores, func(s drift.Score) bool { return s.Date > open.LastDay })
		switch {
		case newest.Hit:
			open.LastDay = max(open.LastDay, newest.Date)
			return m.save(ctx, tx, open)
		case open.Model != newest.Model, since >= 0 && drift.Quiet(scores[since:]):
			open.State, open.Outcome, open.ChangedBy, open.ChangedAt = Closed, Quiet, "", db.Micros(m.now())
			return m.save(ctx, tx, open)
		}
		return nil
	}
	ended := lastClosed(known, c)
	scores = slices.DeleteFunc(slices.Clone(scores), func(s drift.Score) bool { return s.Date <= ended })
	moved, alarm := drift.Lasting(scores)
	if !alarm {
		return nil
	}
	f := drift.Explain(moved)
	if f.Reason == together {
		return nil
	}
	return m.raise(ctx, tx, Alarm{
		Reason: f.Reason, Device: c.Device, Camera: c.ID, Model: newest.Model, FirstDay: moved[0].Date, LastDay: newest.Date,
	}, m.factsOf(&f, moved))
}

// actTogether raises or ends the one alarm of many cameras. It returns the
// reason for which so many moved that none raises an alarm of its own for it.
func (m *Monitor) actTogether(ctx context.Context, tx bun.Tx, day int, today []Score, byDay map[int][]drift.Score, known []Alarm) (drift.Reason, error) {
	var moved []drift.Score
	first, times := day, 0
	for d := day; d > day-drift.Watched; d-- {
		if one := drift.Together(byDay[d]); one != nil {
			first, times, moved = d, times+1, append(moved, one...)
		}
	}
	now := drift.Together(byDay[day])
	if open := openOf(known, Camera{}); open != nil {
		switch {
		case now != nil:
			open.LastDay = max(open.LastDay, day)
		case times == 0 && day >= open.LastDay+drift.Watched:
			open.State, open.Outcome, open.ChangedBy, open.ChangedAt = Closed, Quiet, "", db.Micros(m.now())
		}
		return open.Reason, m.save(ctx, tx, open)
	}
	if now == nil {
		return "", nil
	}
	f := drift.Explain(moved)
	if times < drift.Chosen {
		return f.Reason, nil // it may be one alarm for all tomorrow
	}
	facts := m.factsOf(&f, moved)
	facts.Of = len(today)
	for i := range today {
		if slices.ContainsFunc(now, func(s drift.Score) bool { return s.Key == today[i].key() }) {
			facts.Cameras = append(facts.Cameras, Camera{today[i].Device, today[i].Camera})
		}
	}
	return f.Reason, m.raise(ctx, tx, Alarm{Reason: f.Reason, FirstDay: first, LastDay: day}, facts)
}

func (m *Monitor) factsOf(f *drift.Finding, days []drift.Score) Facts {
	facts := Facts{Groups: f.ByName()}
	last := &days[len(days)-1]
	facts.Refs = last.Refs
	for i := range days {
		if date := m.Name(days[i].Date); !slices.Contains(facts.Days, date) {
			facts.Days = append(facts.Days, date)
		}
	}
	for _, one := range f.Moved {
		then, now := 0.0, 0.0
		for i := range days {
			then += days[i].Usual[one.Measure] / float64(len(days))
			now += days[i].Means[one.Measure] / float64(len(days))
		}
		facts.Moved = append(facts.Moved, Move{
			Measure: one.Measure.String(), Deviations: one.Deviation, Then: one.Measure.Value(then), Now: one.Measure.Value(now),
		})
	}
	return facts
}

// raise writes a new alarm.
func (m *Monitor) raise(ctx context.Context, tx bun.Tx, a Alarm, facts Facts) error {
	body, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("write an alarm: %w", err)
	}
	if err := tx.NewSelect().Model((*Alarm)(nil)).ColumnExpr("COALESCE(MAX(id), 0) + 1").Scan(ctx, &a.ID); err != nil {
		return fmt.Errorf("number an alarm: %w", err)
	}
	a.State, a.OpenedAt, a.Body = Open, db.Micros(m.now()), string(body)
	if _, err := tx.NewInsert().Model(&a).Exec(ctx); err != nil {
		return fmt.Errorf("write an alarm: %w", err)
	}
	m.log.Warn("an alarm is raised", "alarm", a.ID, "reason", a.Reason, "device", a.Device, "camera", a.Camera)
	return nil
}

func (m *Monitor) save(ctx context.Context, tx bun.Tx, a *Alarm) error {
	_, err := tx.NewUpdate().Model(a).Column("state", "outcome", "changed_by", "changed_at", "last_day").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("write alarm %d: %w", a.ID, err)
	}
	return nil
}

// Alarm returns one alarm.
func (m *Monitor) Alarm(ctx context.Context, id int64) (Alarm, error) {
	a := Alarm{ID: id}
	err := m.db.Read().NewSelect().Model(&a).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNotFound
	}
	if err != nil {
		return a, fmt.Errorf("read alarm %d: %w", id, err)
	}
	return a, nil
}

// Alarms returns the newest alarms, the newest first; those that are not closed
// alone where open is asked for.
func (m *Monitor) Alarms(ctx context.Context, open bool, most int) ([]Alarm, error) {
	var all []Alarm
	q := m.db.Read().NewSelect().Model(&all).Order("id DESC").Limit(int64(most))
	if open {
		q = q.Where("state <> ?", Closed)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	return all, nil
}

// Acknowledge says that somebody knows.
func (m *Monitor) Acknowledge(ctx context.Context, id int64, who string) error {
	return m.change(ctx, id, who, func(a *Alarm) string {
		a.State = Acknowledged
		return "alarm.acknowledge"
	})
}

// Close ends an alarm.
func (m *Monitor) Close(ctx context.Context, id int64, outcome Outcome, who string) error {
	if !slices.Contains(Outcomes(), outcome) {
		return fmt.Errorf("close alarm %d: %w: %q", id, ErrOutcome, outcome)
	}
	return m.change(ctx, id, who, func(a *Alarm) string {
		a.State, a.Outcome = Closed, outcome
		return "alarm.close"
	})
}

// Outcomes are those that a person can choose.
func Outcomes() []Outcome { return []Outcome{Mended, Usual, False} }

func (m *Monitor) change(ctx context.Context, id int64, who string, edit func(*Alarm) (what string)) error {
	return m.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		a := Alarm{ID: id}
		err := tx.NewSelect().Model(&a).WherePK().Scan(ctx)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrNotFound
		case err != nil:
			return fmt.Errorf("read alarm %d: %w", id, err)
		case a.State == Closed:
			return ErrClosed
		}
		what := edit(&a)
		a.ChangedBy, a.ChangedAt = who, db.Micros(m.now())
		if err := m.save(ctx, tx, &a); err != nil {
			return err
		}
		return people.WriteIn(ctx, tx, who, what, fmt.Sprint(id), string(a.Outcome))
	})
}

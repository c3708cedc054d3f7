package monitor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/drift"
)

const (
	// lookEvery is how long a day that can be judged waits for it.
	lookEvery = 5 * time.Second
	// countEvery is how often accuracy is looked at, which reads every label.
	countEvery = 10 * time.Minute
	// hoursKept and daysKept are how long hours and days stay: hours are what a
	// late part of a day is merged with, days what later ones are compared with.
	hoursKept = 45 * 24 * time.Hour
	daysKept  = 400 // of each camera
)

// Config is what a Monitor needs.
type Config struct {
	DB       *db.DB
	Calendar Calendar // {} = whole days
	Rules    drift.Rules
	Now      func() time.Time // wall clock
	Log      *slog.Logger
}

// Monitor watches for drift. Any number of goroutines may use it, one runs it.
type Monitor struct {
	Calendar
	rules drift.Rules
	db    *db.DB
	now   func() time.Time
	log   *slog.Logger

	// When to clear and to look at accuracy again; Run's alone.
	clearAt, countAt time.Time
}

// New returns a Monitor.
func New(c Config) *Monitor {
	if c.Calendar.Hours == 0 {
		c.Calendar.Hours = wholeDay
	}
	return &Monitor{Calendar: c.Calendar, rules: c.Rules, db: c.DB, now: c.Now, log: c.Log}
}

// Run judges days until ctx is done.
func (m *Monitor) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failing := false
	for {
		err := m.Step(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			m.log.Error("days can't be judged; it is tried again", "error", err)
		}
		failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Rules say how much the monitor must know of a camera.
func (m *Monitor) Rules() drift.Rules { return m.rules }

// Step judges every day that is over and was not, and clears what is too old.
func (m *Monitor) Step(ctx context.Context) error {
	due, err := m.due(ctx)
	if err != nil {
		return err
	}
	for _, day := range due {
		if err := m.judge(ctx, day); err != nil {
			return fmt.Errorf("judge %s: %w", m.Name(day), err)
		}
	}
	if !m.now().Before(m.countAt) {
		if err := m.watchAccuracy(ctx); err != nil {
			return err
		}
		m.countAt = m.now().Add(countEvery)
	}
	return m.clear(ctx)
}

// due are the days that all hours were told of by a board that has news of
// them, oldest first.
func (m *Monitor) due(ctx context.Context) ([]int, error) {
	var days []int
	err := m.db.Read().NewSelect().Distinct().TableExpr("drift_todo AS t").Column("t.day").
		Join("JOIN drift_clock AS c ON c.device = t.device").Where("c.until >= (t.day + 1) * ?", m.micros()).
		Order("t.day").Scan(ctx, &days)
	if err != nil {
		return nil, fmt.Errorf("find days to judge: %w", err)
	}
	return days, nil
}

// clear deletes hours by when they came, and of each camera all but the newest
// days: by the field clock they may lie in any year.
func (m *Monitor) clear(ctx context.Context) error {
	if m.now().Before(m.clearAt) {
		return nil
	}
	m.clearAt = m.now().Add(time.Hour)
	return m.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Table("drift_hour").Where("kept_at < ?", db.Micros(m.now().Add(-hoursKept))).Exec(ctx)
		for _, table := range []bun.Ident{"drift_day", "drift_score"} {
			if err == nil {
				_, err = tx.NewRaw("DELETE FROM ? WHERE day < (SELECT o.day FROM ? AS o WHERE o.device = ?.device AND o.camera = ?.camera ORDER BY o.day DESC LIMIT 1 OFFSET ?)",
					table, table, table, table, daysKept).Exec(ctx)
			}
		}
		if err != nil {
			return fmt.Errorf("clear old days: %w", err)
		}
		return nil
	})
}

// Calendar divides the field clock into the days that are judged, in UTC: whole
// ones, or, where the field clock runs so fast that nobody would see a day end,
// parts of them.
type Calendar struct{ Hours int }

// micros is how long a day is.
func (c Calendar) micros() int64 {
	return int64(time.Duration(c.Hours) * time.Hour / time.Microsecond)
}

// Of is the number of the day that a moment lies in: days since 1970.
func (c Calendar) Of(at time.Time) int { return int(at.UnixMicro() / c.micros()) }

// Begin is when a day begins.
func (c Calendar) Begin(day int) time.Time { return time.UnixMicro(int64(day) * c.micros()).UTC() }

// Name is how a day is written.
func (c Calendar) Name(day int) string {
	if c.Hours == wholeDay {
		return c.Begin(day).Format(time.DateOnly)
	}
	return c.Begin(day).Format("2006-01-02T15")
}

const wholeDay = 24

// WholeDays is the calendar of accuracy, whose days are always whole.
func WholeDays() Calendar { return Calendar{wholeDay} }

// CalendarOf is the calendar that an alarm's days belong to.
func (m *Monitor) CalendarOf(a *Alarm) Calendar {
	if a.Reason == drift.Accuracy {
		return WholeDays()
	}
	return m.Calendar
}

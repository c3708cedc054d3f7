package monitor

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/label"
	"gourdian/internal/wire"
	"gourdian/models/evaluate"
)

// Accuracy is how often verdicts were right in some days: of the pictures of
// the random share that people labelled, those with a verdict.
type Accuracy struct {
	FirstDay int `json:"first_day"`
	LastDay  int `json:"last_day"`
	Labelled int `json:"labelled"` // with a verdict
	Right    int `json:"right"`
	Unsure   int `json:"unsure"` // labelled, and without a verdict: not counted
	// Sightings and Corrected are all of those days, and those that the farmer
	// corrected.
	Sightings int `json:"sightings"`
	Corrected int `json:"corrected"`
}

// Interval is the share of right ones with Wilson's interval of 95 %. There is
// none where nothing was labelled.
func (a *Accuracy) Interval() evaluate.Interval { return evaluate.Wilson(a.Right, a.Labelled) }

const (
	// weekDays is how many days a row of accuracy over time has.
	weekDays = 7
	// recentDays are compared with beforeDays before them.
	recentDays, beforeDays = 28, 84
	// leastLabels on both sides: below it nothing is said of accuracy.
	leastLabels = 30
)

// Weeks returns the accuracy of the weeks before and with a day, the oldest
// first, over all boards or of one.
func (m *Monitor) Weeks(ctx context.Context, device string, last, weeks int) ([]Accuracy, error) {
	var all []Accuracy
	for i := weeks - 1; i >= 0; i-- {
		until := last - i*weekDays
		one, err := m.Accuracy(ctx, device, until-weekDays+1, until)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// Accuracy counts some days, over all boards (device "") or of one.
func (m *Monitor) Accuracy(ctx context.Context, device string, first, last int) (Accuracy, error) {
	a := Accuracy{FirstDay: first, LastDay: last}
	from, until := int64(first)*WholeDays().micros(), int64(last+1)*WholeDays().micros()
	var rows []struct {
		Verdict, Label string
		N              int
	}
	of := func(q *bun.SelectQuery) *bun.SelectQuery {
		if device == "" {
			return q
		}
		return q.Where("device = ?", device)
	}
	err := of(m.db.Read().NewSelect().TableExpr("samples AS s").ColumnExpr("s.verdict AS verdict, l.label AS label, COUNT(*) AS n").
		Join("JOIN labels AS l ON l.hash = s.hash").
		Where("s.why = ?", wire.WhyRandom).Where("s.captured_at >= ? AND s.captured_at < ?", from, until).
		Where("l.label NOT IN ('', ?)", label.CantTell).GroupExpr("s.verdict, l.label")).Scan(ctx, &rows)
	if err != nil {
		return a, fmt.Errorf("count what was right: %w", err)
	}
	for _, row := range rows {
		switch {
		case row.Verdict == string(wire.Unsure):
			a.Unsure += row.N
		case row.Verdict == row.Label:
			a.Right += row.N
			fallthrough
		default:
			a.Labelled += row.N
		}
	}
	var n struct{ N int }
	err = of(m.db.Read().NewSelect().Table("samples").ColumnExpr("COUNT(*) AS n").Where("correction <> '' AND correction <> verdict").
		Where("captured_at >= ? AND captured_at < ?", from, until)).Scan(ctx, &n)
	a.Corrected = n.N
	if err == nil {
		n.N = 0
		err = of(m.db.Read().NewSelect().Table("tally").ColumnExpr("COALESCE(SUM(n), 0) AS n").Where("day >= ? AND day <= ?", WholeDays().Name(first), WholeDays().Name(last))).Scan(ctx, &n)
		a.Sightings = n.N
	}
	if err != nil {
		return a, fmt.Errorf("count corrections: %w", err)
	}
	return a, nil
}

// watchAccuracy raises an alarm where the labels of the random share say that
// verdicts are right less often than before, beyond both intervals.
func (m *Monitor) watchAccuracy(ctx context.Context) error {
	var newest struct{ At int64 }
	err := m.db.Read().NewSelect().TableExpr("samples AS s").ColumnExpr("COALESCE(MAX(s.captured_at), 0) AS at").
		Join("JOIN labels AS l ON l.hash = s.hash").Where("s.why = ? AND l.label <> ''", wire.WhyRandom).Scan(ctx, &newest)
	if err != nil {
		return fmt.Errorf("find the newest label: %w", err)
	}
	if newest.At == 0 {
		return nil
	}
	last := WholeDays().Of(db.Time(newest.At))
	after, err := m.Accuracy(ctx, "", last-recentDays+1, last)
	if err != nil {
		return err
	}
	before, err := m.Accuracy(ctx, "", last-recentDays-beforeDays+1, last-recentDays)
	if err != nil || after.Labelled < leastLabels || before.Labelled < leastLabels || after.Interval().High >= before.Interval().Low {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var known []Alarm
		err := tx.NewSelect().Model(&known).Where("reason = ?", drift.Accuracy).Order("id DESC").Limit(1).Scan(ctx)
		if err != nil {
			return fmt.Errorf("read alarms: %w", err)
		}
		if len(known) > 0 && (known[0].State != Closed || last-known[0].LastDay < recentDays) {
			return nil
		}
		return m.raise(ctx, tx, Alarm{Reason: drift.Accuracy, FirstDay: after.FirstDay, LastDay: last}, Facts{Before: &before, After: &after})
	})
}

// Budget returns the number of false alarms that people bear.
func (m *Monitor) Budget(ctx context.Context) (Budget, error) {
	var rows []struct {
		Value     float64
		ChangedBy string
		ChangedAt int64
	}
	err := m.db.Read().NewSelect().Table("drift_setting").Column("value", "changed_by", "changed_at").Where("name = ?", budgetName).Scan(ctx, &rows)
	if err != nil {
		return Budget{}, fmt.Errorf("read the budget of false alarms: %w", err)
	}
	if len(rows) == 0 {
		return Budget{FalseAlarms: usualBudget}, nil
	}
	return Budget{rows[0].Value, rows[0].ChangedBy, db.Time(rows[0].ChangedAt)}, nil
}

const budgetName = "false_alarms"

// SetBudget changes it. The caller writes down who did.
func (m *Monitor) SetBudget(ctx context.Context, falseAlarms float64, who string, at time.Time) error {
	if !(falseAlarms >= LeastBudget && falseAlarms <= MostBudget) {
		return fmt.Errorf("set the budget of false alarms: %v is not within %v and %v", falseAlarms, LeastBudget, MostBudget)
	}
	_, err := m.db.Write().NewRaw("INSERT INTO drift_setting (name, value, changed_by, changed_at) VALUES (?, ?, ?, ?)"+
		" ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value, changed_by = EXCLUDED.changed_by, changed_at = EXCLUDED.changed_at",
		budgetName, falseAlarms, who, db.Micros(at)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("set the budget of false alarms: %w", err)
	}
	return nil
}

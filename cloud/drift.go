package cloud

import (
	"context"
	"errors"
	"time"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/console"
	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/monitor"
	"gourdian/internal/service"
)

// Drift says what changes in the field are told from.
type Drift struct {
	LearnDays      int `koanf:"learn_days"`      // reference days before a camera raises alarms
	LeastSightings int `koanf:"least_sightings"` // of a day; those with fewer are joined
	DayHours       int `koanf:"day_hours"`       // of the field clock in one day that is judged
}

func defaultDrift() Drift {
	usual := drift.UsualRules()
	return Drift{LearnDays: usual.Learn, LeastSightings: usual.LeastSightings, DayHours: monitor.WholeDays().Hours}
}

// check reports every problem with its path.
func (d *Drift) check(fault func(path string, err error)) {
	if d.LearnDays < 4 || d.LearnDays > 60 {
		fault("drift.learn_days", errors.New("4 to 60"))
	}
	if d.LeastSightings < 5 || d.LeastSightings > 1000 {
		fault("drift.least_sightings", errors.New("5 to 1000"))
	}
	if whole := monitor.WholeDays().Hours; d.DayHours < 1 || d.DayHours > whole || whole%d.DayHours != 0 {
		fault("drift.day_hours", errors.New("1, 2, 3, 4, 6, 8, 12 or 24"))
	}
}

// openMonitor wires what watches the field for changes: ingest gives it what
// boards sum up, it judges days and raises alarms.
func (h *Hub) openMonitor(context.Context) error {
	h.monitor = monitor.New(monitor.Config{
		DB: h.db, Calendar: monitor.Calendar{Hours: h.config.Drift.DayHours}, Now: time.Now, Log: h.log,
		Rules: drift.Rules{LeastSightings: h.config.Drift.LeastSightings, Learn: h.config.Drift.LearnDays},
	})
	h.routes = append(h.routes, api.NewDrift(h.monitor, h.log).Routes()...)
	h.checks["drift"] = h.monitor.Check(func(ctx context.Context, device string) string {
		if b, err := h.boards.fleet.Board(ctx, device); err == nil {
			return b.Name
		}
		return device
	})
	h.group.Add(service.Part{Name: "drift", Run: h.monitor.Run})
	return nil
}

// addDrift adds the pages of changes in the field.
func (h *Hub) addDrift() {
	h.console.Add((&console.Drift{Console: h.console, Monitor: h.monitor, Now: time.Now}).Section())
}

package cloud

import (
	"context"
	"time"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/console"
	"gourdian/cloud/internal/monitor"
	"gourdian/internal/service"
)

// openMonitor wires what watches the field for changes: ingest gives it what
// boards sum up, it judges days and raises alarms.
func (h *Hub) openMonitor(context.Context) error {
	h.monitor = monitor.New(monitor.Config{DB: h.db, Now: time.Now, Log: h.log})
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

package cloud

import (
	"fmt"
	"os"
	"time"

	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/health"
	"gourdian/internal/service"
	"gourdian/internal/web"
)

// stall is how long the checks or the writer of what boards say may be silent.
// All checks together, each given up after seconds, take less; so does the
// longest wait for a database that another program holds.
const stall = 2 * time.Minute

// addWatch tells the service manager, where one started the hub, how it does.
func (h *Hub) addWatch() error {
	manager, err := service.FindManager(os.Getenv)
	if err != nil || manager == nil {
		return err
	}
	texts, err := web.Load()
	if err != nil {
		return fmt.Errorf("open the watch: %w", err)
	}
	words := texts.In(web.English)
	watch := &service.Watch{
		Manager: manager, Group: h.group, Stall: stall, Log: h.log.With("part", "watch"),
		Status: func() string { return statusLine(words, h.health.Conditions(), h.boards.broker.Stats()) },
	}
	h.group.Add(service.Part{Name: "watch", Run: watch.Run})
	return nil
}

// statusLine says in one line how the hub is: the worst that is wrong, or that
// nothing is.
func statusLine(words *web.Speaker, wrong []health.Condition, link broker.Stats) string {
	if len(wrong) == 0 || wrong[0].Severity < health.Warning {
		return fmt.Sprintf("All well. Boards connected: %d.", link.Connected)
	}
	args := []any{"subject", wrong[0].Subject}
	for name, value := range wrong[0].Args {
		args = append(args, name, value)
	}
	line := words.Say("hub.health."+wrong[0].Code, args...)
	if more := len(wrong) - 1; more > 0 {
		line += fmt.Sprintf(" And %d more: see the page Health.", more)
	}
	return line
}

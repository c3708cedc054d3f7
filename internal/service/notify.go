package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
)

// Variables by which a service manager says that it listens, and the longest
// pause between two lines in which the program says how it is.
const (
	socketVariable   = "NOTIFY_SOCKET"
	watchdogVariable = "WATCHDOG_USEC"
	tellEvery        = 5 * time.Second
	sendTimeout      = time.Second
)

// Manager is the service manager that started the program, as systemd's
// sd_notify protocol has it: datagrams of NAME=value lines.
type Manager struct {
	socket string
	every  time.Duration // between two looks at the group
}

// FindManager returns the service manager named in the environment, nil where
// there is none: the program was started by hand. getenv is os.Getenv.
func FindManager(getenv func(string) string) (*Manager, error) {
	socket := getenv(socketVariable)
	if socket == "" {
		return nil, nil
	}
	if socket[0] != '/' && socket[0] != '@' {
		return nil, fmt.Errorf("read %s: %q is neither a path nor an abstract socket", socketVariable, socket)
	}
	m := &Manager{socket: socket, every: tellEvery}
	if text := getenv(watchdogVariable); text != "" {
		usec, err := strconv.ParseUint(text, 10, 63)
		if err != nil || usec == 0 {
			return nil, fmt.Errorf("read %s: %q is no time in microseconds", watchdogVariable, text)
		}
		// A third of what is allowed, so that one late beat does not matter.
		m.every = min(m.every, time.Duration(usec)*time.Microsecond/3)
	}
	return m, nil
}

// send sends one datagram. A name that begins with @ is abstract: net puts the
// zero byte in its place.
func (m *Manager) send(lines ...string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err == nil {
		// A manager that does not read must not hold up the program.
		_ = conn.SetWriteDeadline(time.Now().Add(sendTimeout))
		_, err = conn.Write([]byte(strings.Join(lines, "\n")))
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	return nil
}

// Watch tells a service manager how a group does: that it is ready, how it is in
// words, and that its parts live, until one of them stalls. The manager then
// misses the beat and starts the program anew: a part that hangs can't be
// stopped from within.
type Watch struct {
	Manager *Manager
	Group   *Group
	Stall   time.Duration // how long a part with Beats may be silent
	Status  func() string // one line for people
	Log     *slog.Logger
}

// Run is a part of the group itself.
func (w *Watch) Run(ctx context.Context) error {
	if err := w.Group.WaitReady(ctx); err != nil {
		return nil // the group stops; why is told by whoever stopped it
	}
	said := report{status: w.Status()}
	if err := w.Manager.send("READY=1", "STATUS="+line(said.status), "WATCHDOG=1"); err != nil {
		return err
	}
	ticker := time.NewTicker(w.Manager.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return w.Manager.send("STOPPING=1", "STATUS=Stopping.")
		case <-ticker.C:
			w.look(&said)
		}
	}
}

// report is what was said last.
type report struct {
	status  string
	stalled bool
}

// look asks the group how it is and says what changed.
func (w *Watch) look(said *report) {
	var say []string
	status := w.Status()
	stalled := w.Group.Stalled(w.Stall)
	if len(stalled) == 0 {
		say = append(say, "WATCHDOG=1")
	} else {
		status = "Stalled: " + strings.Join(stalled, ", ") + "."
		if !said.stalled {
			w.Log.Error("a part stalls; the service manager is no longer told that all is well", "parts", stalled, "silent_for", w.Stall)
		}
	}
	if status != said.status {
		say = append(say, "STATUS="+line(status))
	}
	said.status, said.stalled = status, len(stalled) > 0
	if len(say) == 0 {
		return
	}
	if err := w.Manager.send(say...); err != nil {
		w.Log.Warn("service manager", "error", err)
	}
}

// line keeps a text from being read as further lines.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }

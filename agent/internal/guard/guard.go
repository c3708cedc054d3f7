// Package guard watches what the stages can't see: room on the disk, what the
// store could not keep, the quality of the clock, the agent's memory, the
// board's heat and its power supply. It looks every few seconds, says on the
// page what is not as it should be, and slows the board down while it is hot.
package guard

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	profiles "gourdian/firmware-profiles"
	"gourdian/internal/service"
	"gourdian/internal/wire"
)

const (
	// every is the pause between two looks.
	every = 5 * time.Second
	// lowDisk is when the page warns, in bytes: a day of pictures of a busy
	// camera.
	lowDisk = 500 << 20
	// memoryFactor is how far the agent may exceed its profile's soft limit
	// before the page says so.
	memoryFactor = 1.5
)

// Board is where the guard speaks; *live.Hub is one.
type Board interface {
	SetStore(live.Store)
	SetClock(wire.Clock)
	SetHeat(live.Heat)
	Raise(live.Condition)
	Clear(code, subject string)
}

// Machine is what the guard asks the operating system.
type Machine interface {
	FreeDisk() (bytes int64, err error)       // of the data folder, for this user
	ResidentMemory() (bytes int64, err error) // of the agent alone
	ClockSynced() bool
}

// Config is what the guard watches.
type Config struct {
	Usage    func() store.Usage
	Board    Board
	Machine  Machine
	Sensors  Sensors
	Thermal  []profiles.ThermalStep // of the profile, from the coolest to the hottest
	MemoryMB int                    // soft limit of the profile
	Built    time.Time              // the clock can't be right before this
	Now      func() time.Time
	Log      *slog.Logger
}

// Guard is one board's guard.
type Guard struct {
	config   Config
	heat     *heat     // Run's own, but for its rate
	powerLow time.Time // when the supply was last seen to be too weak; Run's own
}

// New returns a Guard that Run will let look.
func New(config Config) *Guard { return &Guard{config: config, heat: newHeat(config.Thermal)} }

// Run looks until ctx is done.
func (g *Guard) Run(ctx context.Context) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		g.look()
		service.Beat(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Clock says how far the board's time can be trusted: a board without a
// battery starts in 1970, or where it was switched off.
func (g *Guard) Clock() wire.Clock {
	switch {
	case g.config.Now().Before(g.config.Built):
		return wire.ClockUnknown
	case g.config.Machine.ClockSynced():
		return wire.ClockSynced
	default:
		return wire.ClockEstimated
	}
}

func (g *Guard) look() {
	usage := g.config.Usage()
	g.config.Board.SetStore(live.Store{
		Records: usage.Records, LastSeq: usage.LastSeq, Pictures: usage.Pictures,
		PictureBytes: usage.PictureBytes, PictureQuota: usage.PictureQuota,
		NotKept: usage.NotKept, Degraded: usage.Degraded,
	})
	clock := g.Clock()
	g.config.Board.SetClock(clock)
	g.set(clock == wire.ClockUnknown, live.Condition{Code: "clock_unknown", Severity: live.Warning})
	g.set(usage.DiskFull, live.Condition{Code: "disk_full", Severity: live.Serious})
	g.set(usage.NotKept > 0, live.Condition{Code: "not_kept", Severity: live.Warning,
		Args: map[string]string{"count": strconv.FormatUint(usage.NotKept, 10)}})
	if free, err := g.config.Machine.FreeDisk(); err == nil {
		g.set(free < lowDisk && !usage.DiskFull, live.Condition{Code: "disk_low", Severity: live.Warning,
			Args: map[string]string{"free_mb": strconv.FormatInt(free>>20, 10)}})
	}
	if resident, err := g.config.Machine.ResidentMemory(); err == nil {
		limit := int64(memoryFactor * float64(g.config.MemoryMB) * (1 << 20))
		g.set(resident > limit, live.Condition{Code: "memory_high", Severity: live.Warning,
			Args: map[string]string{"mb": strconv.FormatInt(resident>>20, 10)}})
	}
	g.lookAtHeat()
	g.lookAtPower()
}

func (g *Guard) set(holds bool, c live.Condition) {
	if holds {
		g.config.Board.Raise(c)
	} else {
		g.config.Board.Clear(c.Code, c.Subject)
	}
}

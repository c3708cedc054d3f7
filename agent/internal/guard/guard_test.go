package guard

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type machine struct {
	free, memory int64
	synced       bool
	err          error
}

func (m machine) FreeDisk() (int64, error)       { return m.free, m.err }
func (m machine) ResidentMemory() (int64, error) { return m.memory, m.err }
func (m machine) ClockSynced() bool              { return m.synced }

func TestLookSaysWhatIsNotAsItShouldBe(t *testing.T) {
	t.Parallel()
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	well := machine{free: 10 << 30, memory: 50 << 20, synced: true}
	cases := map[string]struct {
		machine machine
		usage   store.Usage
		now     time.Time
		code    string
		clock   wire.Clock
	}{
		"all well":            {well, store.Usage{}, built.AddDate(0, 1, 0), "", wire.ClockSynced},
		"clock in 1970":       {well, store.Usage{}, time.Unix(60, 0), "clock_unknown", wire.ClockUnknown},
		"no time daemon":      {machine{free: 10 << 30}, store.Usage{}, built.AddDate(0, 1, 0), "", wire.ClockEstimated},
		"disk nearly full":    {machine{free: 100 << 20, synced: true}, store.Usage{}, built.AddDate(0, 1, 0), "disk_low", wire.ClockSynced},
		"disk full":           {machine{synced: true}, store.Usage{DiskFull: true}, built.AddDate(0, 1, 0), "disk_full", wire.ClockSynced},
		"records not kept":    {well, store.Usage{NotKept: 3}, built.AddDate(0, 1, 0), "not_kept", wire.ClockSynced},
		"memory beyond limit": {machine{free: 10 << 30, memory: 300 << 20, synced: true}, store.Usage{}, built.AddDate(0, 1, 0), "memory_high", wire.ClockSynced},
		"system says nothing": {machine{err: errors.New("no /proc"), synced: true}, store.Usage{}, built.AddDate(0, 1, 0), "", wire.ClockSynced},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub := live.NewHub("test", "device")
			g := New(Config{
				Usage: func() store.Usage { return c.usage }, Board: hub, Machine: c.machine,
				MemoryMB: 128, Built: built, Now: func() time.Time { return c.now }, Sensors: &fakeSensors{},
			})
			g.look()
			state := hub.State()
			if state.Clock != c.clock {
				t.Errorf("clock = %s, want %s", state.Clock, c.clock)
			}
			switch {
			case c.code == "" && len(state.Conditions) > 0:
				t.Errorf("conditions = %+v, want none", state.Conditions)
			case c.code != "" && (len(state.Conditions) != 1 || state.Conditions[0].Code != c.code):
				t.Errorf("conditions = %+v, want %s alone", state.Conditions, c.code)
			}
		})
	}
}

func TestConditionEndsWithItsCause(t *testing.T) {
	t.Parallel()
	hub := live.NewHub("test", "device")
	usage := store.Usage{DiskFull: true}
	g := New(Config{
		Usage: func() store.Usage { return usage }, Board: hub, Machine: machine{free: 10 << 30, synced: true},
		MemoryMB: 128, Now: time.Now, Sensors: &fakeSensors{},
	})
	g.look()
	usage.DiskFull = false
	g.look()
	if c := hub.State().Conditions; len(c) != 0 {
		t.Errorf("conditions after the disk has room again = %+v, want none", c)
	}
}

func TestLinuxAnswers(t *testing.T) {
	t.Parallel()
	l := Linux{Data: t.TempDir()}
	if free, err := l.FreeDisk(); err != nil || free <= 0 {
		t.Errorf("FreeDisk() = %d, %v", free, err)
	}
	if resident, err := l.ResidentMemory(); err != nil || resident <= 0 {
		t.Errorf("ResidentMemory() = %d, %v", resident, err)
	}
}

func TestGuardLooksAgainAndAgainUntilItIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hub := live.NewHub("test", "device")
		looks := 0
		g := New(Config{
			Usage: func() store.Usage { looks++; return store.Usage{Records: uint64(looks)} },
			Board: hub, Machine: machine{free: 10 << 30, synced: true}, MemoryMB: 128, Now: time.Now, Sensors: &fakeSensors{},
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		<-time.After(time.Minute + time.Second)
		synctest.Wait()
		if looks != 13 || hub.State().Store.Records != 13 {
			t.Errorf("%d looks in a minute, shown %d", looks, hub.State().Store.Records)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

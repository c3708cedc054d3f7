package guard

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	profiles "gourdian/firmware-profiles"
)

// fakeSensors are as warm as the test says.
type fakeSensors struct {
	mu      sync.Mutex
	celsius float64 // guarded by mu
	known   bool    // guarded by mu
	low     bool    // guarded by mu
}

func (s *fakeSensors) Temperature() (float64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.celsius, s.known
}

func (s *fakeSensors) PowerLow() (low, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.low, true
}

func (s *fakeSensors) be(celsius float64, known, low bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.celsius, s.known, s.low = celsius, known, low
}

func steps() []profiles.ThermalStep {
	return []profiles.ThermalStep{{AboveC: 75, BelowC: 70, Rate: 0.5}, {AboveC: 80, BelowC: 75, Rate: 0.2}}
}

// warm is a running guard over sensors, within the bubble of the test.
func warm(t *testing.T, sensors *fakeSensors) (*Guard, *live.Hub) {
	t.Helper()
	hub := live.NewHub("test", "device")
	g := New(Config{
		Usage: func() store.Usage { return store.Usage{} }, Board: hub, Machine: machine{free: 10 << 30, synced: true},
		Sensors: sensors, Thermal: steps(), MemoryMB: 128, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return g, hub
}

// look lets the guard look once more.
func look() {
	<-time.After(every)
	synctest.Wait()
}

func conditions(hub *live.Hub) map[string]map[string]string {
	codes := map[string]map[string]string{}
	for _, c := range hub.State().Conditions {
		codes[c.Code] = c.Args
	}
	return codes
}

func TestHeatSlowsTheBoardUntilItIsCoolAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sensors := &fakeSensors{}
		g, hub := warm(t, sensors)
		for i, c := range []struct{ celsius, rate float64 }{
			{60, 1}, {74.9, 1}, {75, 0.5}, {79, 0.5},
			{72, 0.5}, // cooler than it came, not cool enough to end
			{81, 0.2}, {76, 0.2}, {74, 0.5}, {70, 0.5}, {69.9, 1}, {74, 1},
			{95, 0.2}, // two steps at once
			{20, 1},   // and back
		} {
			sensors.be(c.celsius, true, false)
			look()
			if got := g.Rate(); got != c.rate {
				t.Fatalf("look %d, %v degrees: rate %v, want %v", i, c.celsius, got, c.rate)
			}
			heat := hub.State().Heat
			if heat != (live.Heat{Known: true, Celsius: c.celsius, Rate: c.rate}) {
				t.Errorf("look %d: shown %+v", i, heat)
			}
			args, hot := conditions(hub)[codeHot]
			if hot != (c.rate < 1) {
				t.Errorf("look %d, %v degrees: hot is %v", i, c.celsius, hot)
			}
			if c.celsius == 81 && (args["celsius"] != "81" || args["percent"] != "20" || args["below"] != "75") {
				t.Errorf("it says %v", args)
			}
		}
	})
}

func TestSensorThatIsGoneDoesNotSlowTheBoardForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sensors := &fakeSensors{}
		g, hub := warm(t, sensors)
		sensors.be(82, true, false)
		look()
		sensors.be(0, false, false)
		look()
		if g.Rate() != 0.2 || hub.State().Heat.Known {
			t.Errorf("a sensor that missed a turn: rate %v, shown %+v", g.Rate(), hub.State().Heat)
		}
		<-time.After(blindFor)
		look()
		if _, hot := conditions(hub)[codeHot]; g.Rate() != 1 || hot {
			t.Errorf("a minute later: rate %v, hot %v", g.Rate(), hot)
		}
	})
}

func TestDipOfTheSupplyIsToldForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sensors := &fakeSensors{}
		_, hub := warm(t, sensors)
		look()
		if _, low := conditions(hub)[codePowerLow]; low {
			t.Fatal("low voltage without any")
		}
		sensors.be(50, true, true)
		look()
		sensors.be(50, true, false)
		<-time.After(powerFor - 2*every)
		synctest.Wait()
		if _, low := conditions(hub)[codePowerLow]; !low {
			t.Error("a dip is forgotten before anybody read of it")
		}
		<-time.After(3 * every)
		synctest.Wait()
		if _, low := conditions(hub)[codePowerLow]; low {
			t.Error("a dip is told of for ever")
		}
	})
}

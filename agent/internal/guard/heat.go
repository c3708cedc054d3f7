package guard

import (
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"gourdian/agent/internal/live"
	profiles "gourdian/firmware-profiles"
)

const (
	codeHot      = "board_hot"
	codePowerLow = "power_low"

	// blindFor is how long a step stays in force without a temperature.
	blindFor = time.Minute
	// powerFor is how long low voltage is told of after it was last seen: it comes
	// with peaks of load, shorter than the pause between two looks.
	powerFor = 10 * time.Minute
)

// Sensors is what the guard asks the hardware. ok is false where it does not
// say.
type Sensors interface {
	Temperature() (celsius float64, ok bool) // of the processor
	PowerLow() (low, ok bool)                // the supply gives too little voltage, or lately did
}

// heat is which step of the profile is in force.
type heat struct {
	steps []profiles.ThermalStep
	step  int       // in force, -1 for none
	seen  time.Time // when there last was a temperature
	rate  atomic.Uint64
}

func newHeat(steps []profiles.ThermalStep) *heat {
	h := &heat{steps: steps, step: -1}
	h.rate.Store(math.Float64bits(1))
	return h
}

// feel takes a temperature. A step comes into force where it is hot enough for
// it, and stays until it is cool enough to leave it: in between it does not
// flap.
func (h *heat) feel(celsius float64, now time.Time) {
	h.seen = now
	for h.step+1 < len(h.steps) && celsius >= h.steps[h.step+1].AboveC {
		h.step++
	}
	for h.step >= 0 && celsius < h.steps[h.step].BelowC {
		h.step--
	}
	h.apply()
}

// blind ends the step where there has been no temperature for long: a sensor
// that is gone must not slow the board for ever.
func (h *heat) blind(now time.Time) {
	if h.step >= 0 && now.Sub(h.seen) >= blindFor {
		h.step = -1
		h.apply()
	}
}

func (h *heat) apply() {
	rate := 1.0
	if h.step >= 0 {
		rate = h.steps[h.step].Rate
	}
	h.rate.Store(math.Float64bits(rate))
}

// Rate is the share of the frames per second that the board's heat leaves, 1
// while it is cool. Any goroutine may ask.
func (g *Guard) Rate() float64 { return math.Float64frombits(g.heat.rate.Load()) }

// lookAtHeat follows the temperature.
func (g *Guard) lookAtHeat() {
	now, before := time.Now(), g.heat.step
	celsius, ok := g.config.Sensors.Temperature()
	if ok {
		g.heat.feel(celsius, now)
	} else {
		g.heat.blind(now)
	}
	rate := g.Rate()
	if g.heat.step != before {
		g.config.Log.Info("heat", "celsius", celsius, "step", g.heat.step+1, "rate", rate)
	}
	g.config.Board.SetHeat(live.Heat{Known: ok, Celsius: celsius, Rate: rate})
	if g.heat.step < 0 {
		g.config.Board.Clear(codeHot, "")
		return
	}
	if !ok {
		return // what was last said still holds
	}
	g.config.Board.Raise(live.Condition{Code: codeHot, Severity: live.Warning, Args: map[string]string{
		"celsius": strconv.Itoa(int(math.Round(celsius))),
		"percent": strconv.Itoa(int(math.Round(100 * rate))),
		"below":   strconv.FormatFloat(g.heat.steps[g.heat.step].BelowC, 'f', -1, 64),
	}})
}

// lookAtPower says when the supply is too weak.
func (g *Guard) lookAtPower() {
	if low, ok := g.config.Sensors.PowerLow(); ok && low {
		g.powerLow = time.Now()
	}
	g.set(!g.powerLow.IsZero() && time.Since(g.powerLow) < powerFor, live.Condition{Code: codePowerLow, Severity: live.Warning})
}

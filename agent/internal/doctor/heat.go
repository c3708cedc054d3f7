package doctor

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	profiles "gourdian/firmware-profiles"
)

// Degrees Celsius at which boards slow themselves down, where the profile says
// nothing.
const (
	hotAnywhere      = 75
	criticalAnywhere = 85
)

// Bits of the Raspberry Pi's own word on power and heat ("get_throttled"): what
// holds now, and sixteen bits higher what has held since the board was started.
const (
	lowVoltage = 1 << 0
	throttled  = 1 << 2
	softLimit  = 1 << 3
	sinceStart = 16
)

// flagsPath is where the Raspberry Pi's kernel gives the word; the folder has an
// address in its name on some models.
const flagsPath = "/sys/devices/platform/soc*/*firmware/get_throttled"

// Sensors are what the guard watches, too; guard.FileSensors is one. ok is false
// where the machine has no such sensor.
type Sensors interface {
	Temperature() (celsius float64, ok bool)
	PowerLow() (low, ok bool)
}

func (b *Board) heat(context.Context) Result {
	celsius, found := b.Sensors.Temperature()
	flags, _ := b.flags()
	hot, critical := steps(b.Profile.Thermal)
	return judgeHeat(celsius, found, flags, hot, critical)
}

// steps are the temperatures of a profile's first and last step.
func steps(thermal []profiles.ThermalStep) (hot, critical float64) {
	hot, critical = hotAnywhere, criticalAnywhere
	if len(thermal) > 0 {
		hot = thermal[0].AboveC
		critical = max(criticalAnywhere, thermal[len(thermal)-1].AboveC)
	}
	return hot, critical
}

func judgeHeat(celsius float64, found bool, flags uint64, hot, critical float64) Result {
	code := heatOK
	switch {
	case !found:
		return is(heatUnknown)
	case celsius >= critical:
		code = heatCritical
	case flags&(throttled|softLimit) != 0:
		code = heatThrottle
	case celsius >= hot:
		code = heatHot
	}
	return is(code, "degrees", celsius, "hot", hot).measured(celsius, "°C")
}

func (b *Board) power(context.Context) Result {
	flags, found := b.flags()
	return judgePower(flags, found)
}

func judgePower(flags uint64, found bool) Result {
	switch {
	case !found:
		return is(powerUnknown)
	case flags&lowVoltage != 0:
		return is(powerLow)
	case flags>>sinceStart&lowVoltage != 0:
		return is(powerBefore)
	}
	return is(powerOK)
}

// flags reads the Raspberry Pi's word; elsewhere the supply's own alarm stands
// for the voltage.
func (b *Board) flags() (flags uint64, found bool) {
	paths, err := filepath.Glob(b.Root + flagsPath)
	if err != nil {
		return 0, false // only for a malformed pattern, and ours is a constant
	}
	for _, path := range paths {
		text := b.word(strings.TrimPrefix(path, b.Root))
		if flags, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 64); err == nil {
			return flags, true
		}
	}
	low, found := b.Sensors.PowerLow()
	if low {
		flags = lowVoltage
	}
	return flags, found
}

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

// flagsPath is where the Raspberry Pi's kernel gives the word.
const flagsPath = "/sys/devices/platform/soc/soc:firmware/get_throttled"

func (b *Board) heat(context.Context) Result {
	celsius, found := b.hottest()
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

// hottest is the highest temperature of the board's sensors that can be true.
func (b *Board) hottest() (celsius float64, found bool) {
	zones, err := filepath.Glob(b.Root + "/sys/class/thermal/thermal_zone*/temp")
	if err != nil {
		return 0, false
	}
	for _, zone := range zones {
		milli, err := strconv.ParseFloat(b.word(strings.TrimPrefix(zone, b.Root)), 64)
		if degrees := milli / 1000; err == nil && degrees > 0 && degrees < 150 && (!found || degrees > celsius) {
			celsius, found = degrees, true
		}
	}
	return celsius, found
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

// flags reads the Raspberry Pi's word; elsewhere a supply monitor's alarm
// stands for the voltage.
func (b *Board) flags() (flags uint64, found bool) {
	if text := b.word(flagsPath); text != "" {
		flags, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 64)
		return flags, err == nil
	}
	alarms, err := filepath.Glob(b.Root + "/sys/class/hwmon/hwmon*/in0_lcrit_alarm")
	if err != nil {
		return 0, false
	}
	for _, alarm := range alarms {
		found = true
		if b.word(strings.TrimPrefix(alarm, b.Root)) == "1" {
			flags |= lowVoltage
		}
	}
	return flags, found
}

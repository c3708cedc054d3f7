package guard

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Linux asks the kernel about the machine that the agent runs on.
type Linux struct {
	Data string // the data folder
}

// FreeDisk implements Machine.
func (l Linux) FreeDisk() (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(l.Data, &s); err != nil {
		return 0, fmt.Errorf("ask for free disk: %w", err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// ResidentMemory implements Machine. It leaves out pages of files, which the
// kernel takes back when it needs them: second less third field of
// /proc/self/statm, in pages.
func (l Linux) ResidentMemory() (int64, error) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("ask for memory: %w", err)
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(data), &size, &resident, &shared); err != nil {
		return 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	return (resident - shared) * int64(os.Getpagesize()), nil
}

// ClockSynced implements Machine: the kernel's own word, which a time daemon
// keeps (STA_UNSYNC of adjtimex).
func (l Linux) ClockSynced() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

// Temperature of the board in degrees Celsius, 0 where it has no sensor.
func (l Linux) Temperature() float64 {
	text, err := os.ReadFile("/sys/class/thermal/thermal_zone0/temp")
	if err != nil {
		return 0
	}
	milli, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		return 0
	}
	return milli / 1000
}

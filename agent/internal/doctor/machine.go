package doctor

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gourdian/internal/infer/choose"
)

func (b *Board) clock(context.Context) Result {
	now := b.Now()
	switch {
	case now.Before(b.Built):
		return is(clockUnknown, "now", now.Format("2006-01-02 15:04"), "built", b.Built.Format("2006-01-02"))
	case b.ClockSynced():
		return is(clockSynced, "now", now.Format("2006-01-02 15:04 MST"))
	}
	return is(clockEstimated, "now", now.Format("2006-01-02 15:04 MST"))
}

// timeService is a program that keeps a clock right.
type timeService struct {
	name    string
	process string // its name, which the kernel cuts at 15 bytes
	run     string // what is there while it runs: an agent in a service's sandbox does not see others' processes
}

func timeServices() []timeService {
	return []timeService{
		{"systemd-timesyncd", "systemd-timesyn", "/run/systemd/timesync"},
		{"chronyd", "chronyd", "/run/chrony/chronyd.pid"},
		{"ntpd", "ntpd", "/run/ntpd.pid"},
		{"openntpd", "openntpd", "/run/openntpd.sock"},
	}
}

func (b *Board) ntp(context.Context) Result {
	synced, service := b.ClockSynced(), b.timeService()
	switch {
	case service == "" && synced:
		return is(ntpHost)
	case service == "":
		return is(ntpNone)
	case synced:
		return is(ntpOK, "service", service)
	}
	return is(ntpWaiting, "service", service)
}

// timeService returns the name of the one that runs, "" where none does.
func (b *Board) timeService() string {
	running := b.processes()
	for _, s := range timeServices() {
		if _, err := os.Stat(b.Root + s.run); err == nil || running[s.process] {
			return s.name
		}
	}
	return ""
}

// processes are the names of the processes that can be seen.
func (b *Board) processes() map[string]bool {
	paths, err := filepath.Glob(b.Root + "/proc/[0-9]*/comm")
	if err != nil {
		return nil // only for a malformed pattern, and ours is a constant
	}
	names := map[string]bool{}
	for _, path := range paths {
		names[b.word(strings.TrimPrefix(path, b.Root))] = true // "" where it has ended
	}
	return names
}

// scarce is the share of the memory below which what is left may be gone at
// any moment: the kernel then kills whom it likes.
const scarce = 0.05

func (b *Board) memory(context.Context) Result {
	total, available, err := readMemory(b.Root + "/proc/meminfo")
	if err != nil {
		return is(memoryUnknown, "why", err.Error())
	}
	needed, taken := Size(b.Profile.MinMemoryMB)<<20, Size(agentTakes+modelTakes+len(b.Cameras)*cameraTakes)
	return judgeMemory(Size(total), Size(available), needed, taken, b.Locked).measured(float64(available)/(1<<20), "MB")
}

// What the programs were measured to take, rounded up (docs/testing.md). The
// caps of the profile are far higher: they bound a leak.
const (
	agentTakes  = 64 << 20
	modelTakes  = 100 << 20
	cameraTakes = 120 << 20
)

// judgeMemory compares memory with what the profile is made for and with what
// the programs take. Where they run already, that is gone from what is available.
func judgeMemory(total, available, needed, taken Size, running bool) Result {
	args := []any{"total", total, "available", available, "needed", needed, "taken", taken}
	switch {
	case float64(available) < scarce*float64(total) || !running && available < taken:
		return is(memoryShort, args...)
	case total < needed:
		return is(memorySmall, args...)
	}
	return is(memoryOK, args...)
}

func readMemory(path string) (total, available int64, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		switch {
		case err != nil:
		case fields[0] == "MemTotal:":
			total = kib << 10
		case fields[0] == "MemAvailable:":
			available = kib << 10
		}
	}
	if total == 0 {
		return 0, 0, fmt.Errorf("%s names no total", path)
	}
	return total, available, nil
}

func (b *Board) processor(context.Context) []Result {
	cpu := choose.ThisCPU()
	results := []Result{judgeProcessor(cpu)}
	governor, driver := b.word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), b.word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver")
	if governor != "" && slow(governor, driver) {
		results = append(results, is(cpuGovernor, "governor", governor))
	}
	return results
}

func judgeProcessor(cpu choose.CPU) Result {
	fast := func(feature string) bool {
		return slices.Contains([]string{"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}, feature)
	}
	if slices.ContainsFunc(cpu.Features, fast) {
		return is(cpuFast, "name", cpu.Name, "class", cpu.Class, "features", cpu.Features)
	}
	return is(cpuPlain, "name", cpu.Name, "class", cpu.Class)
}

// slow reports whether a frequency governor keeps the processor slow under
// load. "powersave" of the two drivers named here is the usual dynamic one.
func slow(governor, driver string) bool {
	return governor == "powersave" && driver != "intel_pstate" && !strings.HasPrefix(driver, "amd-pstate")
}

// word reads a short file of /proc or /sys, "" where it is not there.
func (b *Board) word(path string) string {
	data, err := os.ReadFile(b.Root + path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.TrimRight(string(data), "\x00\n"))
}

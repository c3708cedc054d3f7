package agent

import (
	"io"
	"os"
	"runtime"
	"strings"

	profiles "gourdian/firmware-profiles"
	"gourdian/internal/infer"
)

const (
	// deviceTree names the board where the firmware knows it.
	deviceTree = "/proc/device-tree/model"
	// memInfo is where Linux counts memory.
	memInfo = "/proc/meminfo"
)

// thisMachine is what a profile is chosen by.
func thisMachine() profiles.Machine {
	m := profiles.Machine{Arch: runtime.GOARCH, CPUClass: infer.CPUClass()}
	if model, err := os.ReadFile(deviceTree); err == nil { // a PC has none
		m.DeviceTree = strings.TrimRight(string(model), "\x00\n")
	}
	if file, err := os.Open(memInfo); err == nil {
		defer func() { _ = file.Close() }() // only read
		m.MemoryMB = totalMemory(file)
	}
	return m
}

// totalMemory reads MB of memory out of /proc/meminfo, 0 where it does not say.
func totalMemory(r io.Reader) int { return memoryMB(r, "MemTotal") }

package guard

import (
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// Where the kernel shows sensors, below the root of a file system.
const (
	thermalZones = "sys/class/thermal/thermal_zone*"
	hwmons       = "sys/class/hwmon/hwmon*"
	// throttledFiles is the flags of a Raspberry Pi's firmware; the folders have
	// an address in their names on some models.
	throttledFiles = "sys/devices/platform/soc*/*firmware/get_throttled"
)

const (
	// coldest and hottest are what a processor that still runs can have, in
	// degrees Celsius. What lies outside is a sensor without power, or none.
	coldest, hottest = -40, 150
	// sensorMost is more than any of these files holds, in bytes.
	sensorMost = 64
)

// Bits of get_throttled.
const (
	lowVoltageNow  = 1 << 0
	lowVoltageSeen = 1 << 16 // since the board started, or since the flags were last read
)

// FileSensors reads the sensors that the kernel shows as files.
type FileSensors struct {
	Root fs.FS // of the file system: os.DirFS("/")
}

// Temperature implements Sensors: the hottest of the sensors that sit in the
// processor. Those of batteries, disks and radios say nothing about it.
func (s FileSensors) Temperature() (celsius float64, ok bool) {
	celsius, ok = s.hottestOf(thermalZones, "type", "temp", processorZone)
	if !ok { // PCs of some makers have no such zone
		celsius, ok = s.hottestOf(hwmons, "name", "temp*_input", processorChip)
	}
	return celsius, ok
}

// PowerLow implements Sensors.
func (s FileSensors) PowerLow() (low, ok bool) {
	for _, path := range s.glob(throttledFiles) {
		if flags, err := strconv.ParseUint(strings.TrimPrefix(s.read(path), "0x"), 16, 32); err == nil {
			low, ok = low || flags&(lowVoltageNow|lowVoltageSeen) != 0, true
		}
	}
	for _, folder := range s.glob(hwmons) {
		if s.read(folder+"/name") != "rpi_volt" {
			continue
		}
		if alarm, err := strconv.Atoi(s.read(folder + "/in0_lcrit_alarm")); err == nil {
			low, ok = low || alarm == 1, true
		}
	}
	return low, ok
}

// hottestOf looks at the sensors in the folders that match pattern and whose
// name, as the file called name holds it, belongs to a processor.
func (s FileSensors) hottestOf(pattern, name, values string, belongs func(string) bool) (celsius float64, ok bool) {
	for _, folder := range s.glob(pattern) {
		if !belongs(s.read(folder + "/" + name)) {
			continue
		}
		for _, path := range s.glob(folder + "/" + values) {
			thousandths, err := strconv.ParseInt(s.read(path), 10, 64)
			value := float64(thousandths) / 1000
			if err != nil || value < coldest || value > hottest {
				continue
			}
			if !ok || value > celsius {
				celsius, ok = value, true
			}
		}
	}
	return celsius, ok
}

// processorZone tells the thermal zones of processors by what boards call them:
// cpu-thermal, soc-thermal, bigcore0-thermal, package-thermal, tj-thermal,
// x86_pkg_temp.
func processorZone(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"cpu", "soc", "core", "package", "pkg", "tj"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// processorChip tells the sensor chips that sit in processors.
func processorChip(name string) bool {
	switch name {
	case "coretemp", "k10temp", "zenpower", "cpu_thermal":
		return true
	}
	return false
}

func (s FileSensors) glob(pattern string) []string {
	paths, err := fs.Glob(s.Root, pattern)
	if err != nil {
		return nil // only for a malformed pattern, and ours are constants
	}
	return paths
}

// read is "" for what can't be read: a sensor that is switched off says so by
// an error.
func (s FileSensors) read(path string) string {
	file, err := s.Root.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, sensorMost))
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(data), "\x00\n ")
}

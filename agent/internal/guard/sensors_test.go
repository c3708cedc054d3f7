package guard

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is a file system of these files.
func tree(files map[string]string) fs.FS {
	fsys := fstest.MapFS{}
	for path, text := range files {
		fsys[path] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// zones is a tree of thermal zones: type and temperature in turns.
func zones(values ...string) map[string]string {
	files := map[string]string{}
	for i := 0; i+1 < len(values); i += 2 {
		folder := "sys/class/thermal/thermal_zone" + string(rune('0'+i/2))
		files[folder+"/type"], files[folder+"/temp"] = values[i], values[i+1]
	}
	return files
}

// The names and values are those that the boards show.
func TestTemperatureIsThatOfTheHottestProcessorSensor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  float64
		known bool
	}{
		"Raspberry Pi":   {zones("cpu-thermal\n", "61342\n"), 61.342, true},
		"RK3588":         {zones("package-thermal\n", "48076\n", "bigcore0-thermal\n", "52692\n", "littlecore-thermal\n", "49000\n", "gpu-thermal\n", "99000\n"), 52.692, true},
		"RK3588, vendor": {zones("soc-thermal\n", "55461\n"), 55.461, true},
		"Jetson Orin":    {zones("cpu-thermal\n", "50343\n", "gpu-thermal\n", "", "cv0-thermal\n", "", "soc2-thermal\n", "49000\n", "tj-thermal\n", "51750\n"), 51.75, true},
		"i.MX 8M Plus":   {zones("cpu-thermal\n", "61000\n", "soc-thermal\n", "63000\n"), 63, true},
		"PC of Intel":    {zones("acpitz\n", "27800\n", "x86_pkg_temp\n", "44000\n", "iwlwifi_1\n", "71000\n", "INT3400 Thermal\n", "20000\n"), 44, true},
		"PC of AMD": {map[string]string{
			"sys/class/hwmon/hwmon0/name": "nvme\n", "sys/class/hwmon/hwmon0/temp1_input": "88000\n",
			"sys/class/hwmon/hwmon1/name": "k10temp\n", "sys/class/hwmon/hwmon1/temp1_input": "39500\n", "sys/class/hwmon/hwmon1/temp3_input": "37000\n",
		}, 39.5, true},
		"frost":                      {zones("cpu-thermal\n", "-12500\n"), -12.5, true},
		"no sensor at all":           {nil, 0, false},
		"only a battery":             {zones("BAT0\n", "31000\n"), 0, false},
		"a sensor that is off":       {zones("cpu-thermal\n", ""), 0, false},
		"garbage":                    {zones("cpu-thermal\n", "hot!\n"), 0, false},
		"garbage beside sense":       {zones("cpu-thermal\n", "\x00\xff\n", "soc-thermal\n", "40000\n"), 40, true},
		"colder than anything":       {zones("cpu-thermal\n", "-274000\n"), 0, false},
		"hotter than what still run": {zones("cpu-thermal\n", "2147483647\n", "soc-thermal\n", "40000\n"), 40, true},
		"beyond all numbers":         {zones("cpu-thermal\n", "99999999999999999999999\n"), 0, false},
		"longer than any number":     {zones("cpu-thermal\n", strings.Repeat("5", 100)), 0, false},
		"no type":                    {map[string]string{"sys/class/thermal/thermal_zone0/temp": "50000\n"}, 0, false},
		"a folder for a file":        {map[string]string{"sys/class/thermal/thermal_zone0/type": "cpu-thermal\n", "sys/class/thermal/thermal_zone0/temp/x": "50000\n"}, 0, false},
	} {
		got, known := FileSensors{Root: tree(c.files)}.Temperature()
		if got != c.want || known != c.known {
			t.Errorf("%s: %v, %v; want %v, %v", name, got, known, c.want, c.known)
		}
	}
}

func TestLowVoltageOfARaspberryPi(t *testing.T) {
	t.Parallel()
	const pi4 = "sys/devices/platform/soc/soc:firmware/get_throttled"
	const pi5 = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
	for name, c := range map[string]struct {
		files      map[string]string
		low, known bool
	}{
		"well":                  {map[string]string{pi4: "0\n"}, false, true},
		"low now":               {map[string]string{pi4: "1\n"}, true, true},
		"low before":            {map[string]string{pi4: "50000\n"}, true, true},
		"low before, Pi 5":      {map[string]string{pi5: "50005\n"}, true, true},
		"only hot":              {map[string]string{pi4: "80008\n"}, false, true},
		"with 0x":               {map[string]string{pi4: "0x50005\n"}, true, true},
		"garbage":               {map[string]string{pi4: "throttled\n"}, false, false},
		"nothing":               {nil, false, false},
		"alarm of the kernel":   {map[string]string{"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}, true, true},
		"no alarm":              {map[string]string{"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n"}, false, true},
		"alarm of another chip": {map[string]string{"sys/class/hwmon/hwmon1/name": "ina3221\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}, false, false},
	} {
		low, known := FileSensors{Root: tree(c.files)}.PowerLow()
		if low != c.low || known != c.known {
			t.Errorf("%s: %v, %v; want %v, %v", name, low, known, c.low, c.known)
		}
	}
}

// refusing is a file system that opens nothing, as a locked-down one.
type refusing struct{}

func (refusing) Open(string) (fs.File, error) { return nil, errors.New("permission denied") }

func TestLockedSensorsAreUnknown(t *testing.T) {
	t.Parallel()
	s := FileSensors{Root: refusing{}}
	if _, known := s.Temperature(); known {
		t.Error("a temperature out of nothing")
	}
	if _, known := s.PowerLow(); known {
		t.Error("a voltage out of nothing")
	}
}

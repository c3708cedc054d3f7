package doctor

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	profiles "gourdian/firmware-profiles"
	"gourdian/internal/infer/choose"
)

// root is a machine's /proc and /sys in a folder.
func root(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestClockIn1970IsWrong(t *testing.T) {
	t.Parallel()
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		now    time.Time
		synced bool
		code   Code
	}{
		"in 1970":              {time.Unix(60, 0), false, clockUnknown},
		"1970, said synced":    {time.Unix(60, 0), true, clockUnknown},
		"weeks offline":        {built.AddDate(0, 1, 0), false, clockEstimated},
		"kept by a service":    {built.AddDate(0, 1, 0), true, clockSynced},
		"the hour it was made": {built, true, clockSynced},
	} {
		b := &Board{Built: built, Now: func() time.Time { return c.now }, ClockSynced: func() bool { return c.synced }}
		t.Run(name, func(t *testing.T) { want(t, b.clock(t.Context()), c.code) })
	}
}

func TestTimeServiceThatRunsInVain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		comm   string
		synced bool
		code   Code
	}{
		"none":             {"bash", false, ntpNone},
		"none, host syncs": {"bash", true, ntpHost},
		"no network":       {"systemd-timesyn", false, ntpWaiting},
		"well":             {"chronyd", true, ntpOK},
		"cut at 15 bytes":  {"systemd-timesyn", true, ntpOK},
	} {
		b := &Board{Root: root(t, map[string]string{"proc/12/comm": c.comm + "\n"}), ClockSynced: func() bool { return c.synced }}
		t.Run(name, func(t *testing.T) { want(t, b.ntp(t.Context()), c.code) })
	}
	// What an agent sees from within a service's sandbox: no process of others.
	hidden := &Board{Root: root(t, map[string]string{"run/chrony/chronyd.pid": "12\n"}), ClockSynced: func() bool { return false }}
	want(t, hidden.ntp(t.Context()), ntpWaiting)
}

func TestMemoryThatWillNotDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		total, available string
		running          bool
		code             Code
	}{
		"plenty":                      {"4000000", "3000000", false, memoryOK},
		"smaller than the profile":    {"700000", "600000", false, memorySmall},
		"others hold it":              {"4000000", "250000", false, memoryShort},
		"the same, but it is the own": {"4000000", "250000", true, memoryOK},
		"nearly gone":                 {"4000000", "100000", true, memoryShort},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Board{
				Root:   root(t, map[string]string{"proc/meminfo": "MemTotal: " + c.total + " kB\nMemFree: 1 kB\nMemAvailable: " + c.available + " kB\n"}),
				Locked: c.running, Profile: profiles.Profile{MinMemoryMB: 900}, Cameras: []Camera{{}},
			}
			want(t, b.memory(t.Context()), c.code)
		})
	}
	want(t, (&Board{Root: t.TempDir()}).memory(t.Context()), memoryUnknown)
}

// sensors are what a test says they read.
type sensors struct {
	celsius       float64
	noHeat        bool
	low, hasPower bool
}

func (s sensors) Temperature() (float64, bool) { return s.celsius, !s.noHeat }
func (s sensors) PowerLow() (bool, bool)       { return s.low, s.hasPower }

func TestHotBoard(t *testing.T) {
	t.Parallel()
	thermal := []profiles.ThermalStep{{AboveC: 70}, {AboveC: 80}}
	for name, c := range map[string]struct {
		celsius float64
		flags   string
		code    Code
	}{
		"cool":                  {45, "", heatOK},
		"in the sun":            {72, "", heatHot},
		"slowed by itself":      {69, "0x4", heatThrottle},
		"slowed this morning":   {60, "0x40000", heatOK},
		"too hot":               {86, "0x4", heatCritical},
		"flags that are broken": {45, "hot", heatOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			if c.flags != "" {
				files["sys/devices/platform/soc/soc:firmware/get_throttled"] = c.flags + "\n"
			}
			b := &Board{Root: root(t, files), Sensors: sensors{celsius: c.celsius}, Profile: profiles.Profile{Thermal: thermal}}
			r := b.heat(t.Context())
			want(t, r, c.code)
			if r.Value != c.celsius || r.Unit != "°C" {
				t.Errorf("%v %s", r.Value, r.Unit)
			}
		})
	}
	want(t, (&Board{Root: t.TempDir(), Sensors: sensors{noHeat: true}}).heat(t.Context()), heatUnknown)
}

func TestSupplyThatIsTooWeak(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags   string
		sensors sensors
		code    Code
	}{
		"strong":               {"0x0", sensors{}, powerOK},
		"weak now":             {"0x50005", sensors{}, powerLow},
		"weak as it started":   {"0x50000", sensors{}, powerBefore},
		"hot, but strong":      {"0x40004", sensors{}, powerOK},
		"alarm of the monitor": {"", sensors{low: true, hasPower: true}, powerLow},
		"monitor at rest":      {"", sensors{hasPower: true}, powerOK},
		"nobody knows":         {"", sensors{}, powerUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			if c.flags != "" {
				files["sys/devices/platform/soc/soc:firmware/get_throttled"] = c.flags
			}
			want(t, (&Board{Root: root(t, files), Sensors: c.sensors}).power(t.Context()), c.code)
		})
	}
}

func TestProcessorThatIsKeptSlow(t *testing.T) {
	t.Parallel()
	const folder = "sys/devices/system/cpu/cpu0/cpufreq/"
	for name, c := range map[string]struct {
		governor, driver string
		slow             bool
	}{
		"powersave of a board":     {"powersave", "cpufreq-dt", true},
		"ondemand":                 {"ondemand", "cpufreq-dt", false},
		"the usual one of Intel's": {"powersave", "intel_pstate", false},
		"the usual one of AMD's":   {"powersave", "amd-pstate-epp", false},
	} {
		b := &Board{Root: root(t, map[string]string{folder + "scaling_governor": c.governor + "\n", folder + "scaling_driver": c.driver + "\n"})}
		results := b.processor(t.Context())
		if got := len(results) == 2; got != c.slow {
			t.Errorf("%s: %v", name, results)
		} else if got {
			want(t, results[1], cpuGovernor)
		}
	}
	want(t, judgeProcessor(choose.CPU{Name: "Cortex-A72", Class: "arm64", Features: []string{"asimd"}}), cpuPlain)
	want(t, judgeProcessor(choose.CPU{Name: "Cortex-A76", Class: "arm64", Features: []string{"asimd", "asimddp"}}), cpuFast)
}

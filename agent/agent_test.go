package agent

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	profiles "gourdian/firmware-profiles"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sourceOf is the text of the Go files, but for tests, that match a pattern.
func sourceOf(t *testing.T, pattern string) string {
	t.Helper()
	var source strings.Builder
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	for _, path := range found {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(data)
	}
	return source.String()
}

// A limit that nobody reads is no limit.
func TestEveryFieldOfAProfileIsRead(t *testing.T) {
	t.Parallel()
	wiring, guard, choosing := sourceOf(t, "*.go"), sourceOf(t, "internal/guard/*.go"), sourceOf(t, "../firmware-profiles/load.go")
	checked := 0
	read := func(source, name string) {
		checked++
		if !regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(source) {
			t.Errorf("%s is read by nobody", name)
		}
	}
	parts := reflect.TypeFor[profiles.Profile]()
	for i := range parts.NumField() {
		part := parts.Field(i)
		switch {
		case part.Name == "Name" || part.Name == "Description":
			read(wiring, "profile."+part.Name)
		case part.Name == "Thermal": // handed to the guard as a whole
			read(wiring, "profile.Thermal")
			for j := range part.Type.Elem().NumField() {
				read(guard, "]."+part.Type.Elem().Field(j).Name)
			}
		case part.Type.Kind() != reflect.Struct: // what it is chosen by
			read(choosing, "p."+part.Name)
		default:
			for j := range part.Type.NumField() {
				field := part.Type.Field(j).Name
				if part.Name == "Camera" && (field == "Width" || field == "Height") { // sized gets the part
					read(wiring, "p."+field)
					continue
				}
				read(wiring, "profile."+part.Name+"."+field)
			}
		}
	}
	if checked < 27 {
		t.Errorf("only %d fields were looked for", checked)
	}
}

// TestProfilesNameTheProvidersThatThereAre: profiles stand alone, so they have a
// list of their own.
func TestProfilesNameTheProvidersThatThereAre(t *testing.T) {
	t.Parallel()
	if !slices.Equal(profiles.Providers(), infer.Providers()) {
		t.Errorf("profiles know %v, the worker %v", profiles.Providers(), infer.Providers())
	}
}

func TestConfigsProvidersWinOverTheProfiles(t *testing.T) {
	t.Parallel()
	preferring := profiles.Profile{Engine: profiles.Engine{MaxThreads: 1, Providers: []string{"cuda", "cpu"}}}
	requiring := preferring
	requiring.Engine.Require = "cuda"
	for name, c := range map[string]struct {
		model             Model
		profile           profiles.Profile
		provider, require string
	}{
		"the profile's":             {Model{}, preferring, "cuda,cpu", ""},
		"required by the profile":   {Model{}, requiring, "cuda,cpu", "cuda"},
		"required by the config":    {Model{Require: "cpu"}, requiring, "cuda,cpu", "cpu"},
		"others by the config":      {Model{Provider: "xnnpack,cpu"}, requiring, "xnnpack,cpu", ""},
		"others, and one of them":   {Model{Provider: "xnnpack,cpu", Require: "xnnpack"}, requiring, "xnnpack,cpu", "xnnpack"},
		"one alone, without others": {Model{Provider: "cpu"}, preferring, "cpu", ""},
	} {
		o := inferOptions(Config{Model: c.model}, c.profile, nil)
		if o.Provider != c.provider || o.Require != c.require {
			t.Errorf("%s: %q, required %q; want %q, %q", name, o.Provider, o.Require, c.provider, c.require)
		}
	}
}

func TestMemoryOfTheBoardIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"MemTotal:        3885396 kB\nMemFree:          120000 kB\n": 3794,
		"MemFree: 120000 kB\n":     0,
		"MemTotal: much\n":         0,
		"MemTotal: -5 kB\n":        0,
		"":                         0,
		strings.Repeat("x", 1<<17): 0,
	} {
		if got := totalMemory(strings.NewReader(text)); got != want {
			t.Errorf("%.40q: %d MB, want %d", text, got, want)
		}
	}
	if m := thisMachine(); m.MemoryMB < 100 || m.Arch == "" || m.CPUClass == "" {
		t.Errorf("%+v", m)
	}
}

func TestDevicesAreAskedForTheProfilesSize(t *testing.T) {
	t.Parallel()
	p := profiles.Camera{Width: 1280, Height: 720}
	for source, want := range map[string]string{
		"device:/dev/video0":                      "device:/dev/video0?width=1280&height=720",
		"device:/dev/video0?fps=15":               "device:/dev/video0?fps=15&width=1280&height=720",
		"device:/dev/video0?width=640&height=480": "device:/dev/video0?width=640&height=480",
		"device:/dev/video0?height=480":           "device:/dev/video0?height=480",
		"rtsp://host/stream":                      "rtsp://host/stream",
		"folder:/photos":                          "folder:/photos",
	} {
		a, err := capture.Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		got := sized(source, a, p)
		if _, err := capture.Parse(got); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", source, got, err, want)
		}
	}
}

func TestProfileIsChosenByNameOrByTheMachine(t *testing.T) {
	t.Parallel()
	if p, err := chooseProfile("generic-arm64"); err != nil || p.Name != "generic-arm64" {
		t.Errorf("by name: %v, %v", p.Name, err)
	}
	if _, err := chooseProfile("toaster"); err == nil {
		t.Error("an unknown profile is taken")
	}
	if p, err := chooseProfile(""); err != nil || p.Memory.AgentMB == 0 {
		t.Errorf("of this machine: %+v, %v", p, err)
	}
}

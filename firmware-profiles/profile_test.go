package profiles

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func all(t *testing.T) []Profile {
	t.Helper()
	profiles, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return profiles
}

func TestEveryProcessorHasExactlyOneGenericProfile(t *testing.T) {
	t.Parallel()
	generic := map[string]int{}
	for _, p := range all(t) {
		if len(p.DeviceTree) == 0 && p.CPUClass == "" {
			generic[p.Arch]++
		}
	}
	if len(generic) != 2 || generic["amd64"] != 1 || generic["arm64"] != 1 {
		t.Errorf("generic profiles: %v", generic)
	}
}

func TestByName(t *testing.T) {
	t.Parallel()
	for _, p := range all(t) {
		if got, err := ByName(p.Name); err != nil || got.Name != p.Name {
			t.Errorf("%s: %v, %v", p.Name, got.Name, err)
		}
	}
	if _, err := ByName("toaster"); err == nil || !strings.Contains(err.Error(), "generic-arm64, generic-x86-64") {
		t.Errorf("unknown name: %v", err)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	boards := []Profile{
		{Name: "any-arm", Arch: "arm64", MinMemoryMB: 900},
		{Name: "pi", Arch: "arm64", MinMemoryMB: 900, DeviceTree: []string{"Raspberry Pi"}},
		{Name: "pi4-2gb", Arch: "arm64", MinMemoryMB: 1700, DeviceTree: []string{"Raspberry Pi 4", "Raspberry Pi Compute Module 4"}},
		{Name: "pi4-4gb", Arch: "arm64", MinMemoryMB: 3400, DeviceTree: []string{"Raspberry Pi 4", "Raspberry Pi Compute Module 4"}},
		{Name: "any-pc", Arch: "amd64", MinMemoryMB: 1800},
		{Name: "vnni-pc", Arch: "amd64", MinMemoryMB: 3500, CPUClass: "x86-64-vnni"},
	}
	for _, tc := range []struct {
		model, arch, class string
		memory             int
		want               string
	}{
		{"", "arm64", "arm64", 4000, "any-arm"},
		{"Orange Pi 5", "arm64", "arm64", 4000, "any-arm"},
		{"Raspberry Pi 4 Model B Rev 1.4\x00", "arm64", "arm64", 3794, "pi4-4gb"},
		{"Raspberry Pi 4 Model B Rev 1.4\x00", "arm64", "arm64", 7800, "pi4-4gb"},
		{"Raspberry Pi 4 Model B Rev 1.4\x00", "arm64", "arm64", 1849, "pi4-2gb"},
		{"Raspberry Pi 4 Model B Rev 1.1\x00", "arm64", "arm64", 909, "pi"},
		{"Raspberry Pi 4 Model B Rev 1.1\x00", "arm64", "arm64", 0, "any-arm"}, // who knows
		{"Raspberry Pi 5 Model B Rev 1.0\x00", "arm64", "arm64", 7800, "pi"},
		{"Raspberry Pi 4 Model B", "amd64", "x86-64", 4000, "any-pc"},
		{"", "amd64", "x86-64-vnni", 7900, "vnni-pc"},
		{"", "amd64", "x86-64-vnni", 1900, "any-pc"},
		{"", "amd64", "x86-64-avx2", 7900, "any-pc"},
		{"", "amd64", "x86-64", 400, "any-pc"}, // slow rather than not at all
		{"", "riscv64", "riscv64", 4000, ""},
	} {
		got, err := match(boards, Machine{Arch: tc.arch, DeviceTree: tc.model, CPUClass: tc.class, MemoryMB: tc.memory})
		if got.Name != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%q, %s, %d MB: %q, %v; want %q", tc.model, tc.class, tc.memory, got.Name, err, tc.want)
		}
	}
}

func TestBadFilesAreRefusedWithThePath(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("generic-arm64.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	for name, tc := range map[string]struct{ old, new, want string }{
		"misspelt key":      {"max_threads: 3", "max_thread: 3", "engine.max_thread: unknown key in line"},
		"unknown section":   {"store:", "stove:", "stove: unknown key"},
		"no threads":        {"max_threads: 3", "max_threads: 0", "engine.max_threads: 0"},
		"missing value":     {"  agent_mb: 128\n", "", "memory.agent_mb: 0"},
		"text for a number": {"width: 1280", "width: wide", "wide"},
		"same key twice":    {"width: 1280", "width: 1280\n  width: 640", "already defined"},
		"key in a list":     {"rate: 0.5", "rat: 0.5", "thermal.0.rat: unknown key in line"},
		"cooler step":       {"above_c: 85", "above_c: 75", "thermal.1: it must be hotter"},
		"never cool again":  {"below_c: 70", "below_c: 75", "thermal.0.below_c: 75"},
		"a step to nothing": {"rate: 0.2", "rate: 0", "thermal.1.rate: 0"},
		"no watchdog":       {"stall_s: 90", "stall_s: 5", "watchdog.stall_s: 5"},
		"no memory":         {"min_memory_mb: 1700\n", "", "min_memory_mb: 0"},
		"board and class":   {"device_tree: []", "device_tree: [Pi]\ncpu_class: arm64", "cpu_class: a board with a device tree"},
		"required unasked":  {"providers: [cpu]", "providers: [cpu]\n  require: cuda", `engine.require: "cuda" is none`},
		"unknown provider":  {"[cpu]", "[gpu, cpu]", `engine.providers: "gpu"`},
		"no way back":       {"[cpu]", "[cpu, xnnpack]", "engine.providers: ends with"},
		"variant twice":     {"[int8, fp32]", "[int8, int8]", "engine.variants: \"int8\" twice"},
		"no variant":        {"[int8, fp32]", "[]", "engine.variants: empty"},
		"every board":       {"device_tree: []", `device_tree: [""]`, "device_tree: an empty start"},
		"other processor":   {"arch: arm64", "arch: arm", `arch: "arm"`},
		"other name":        {"name: generic-arm64", "name: pi", "in a file of another name"},
		"no description":    {"description: Any 64-bit ARM board with 2 GB of memory or more", `description: ""`, "description: missing"},
		"empty file":        {good, "", "empty"},
		"no mapping":        {good, "- list", "cannot unmarshal"},
	} {
		bad := strings.Replace(good, tc.old, tc.new, 1)
		if bad == good {
			t.Errorf("%s: nothing replaced", name)
		}
		_, err := load(fstest.MapFS{"generic-arm64.yaml": {Data: []byte(bad)}})
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "generic-arm64.yaml") {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

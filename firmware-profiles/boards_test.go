package profiles

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// cores are those of the smallest board that a profile is for.
func cores() map[string]int {
	return map[string]int{
		"generic-arm64": 4, "generic-x86-64": 4, "imx8mp": 4, "jetson-orin-nano": 6, "mini-pc-vnni": 4,
		"raspberry-pi-4-2gb": 4, "raspberry-pi-4-4gb": 4, "raspberry-pi-4-8gb": 4, "raspberry-pi-5": 4, "rk3588": 8,
	}
}

// What no range of a single value can say.
func TestInvariants(t *testing.T) {
	t.Parallel()
	known := cores()
	for _, p := range all(t) {
		// Badger holds up to five memtables besides its caches; the agent needs
		// as much again for everything else.
		if held := 5*p.Store.MemtableMB + p.Store.BlockCacheMB + p.Store.IndexCacheMB; held > p.Memory.AgentMB/2 {
			t.Errorf("%s: the store may hold %d MB of the agent's %d", p.Name, held, p.Memory.AgentMB)
		}
		if p.Store.RecordsMB > p.Store.PicturesMB {
			t.Errorf("%s: records are small, pictures are not", p.Name)
		}
		if p.Camera.Height > p.Camera.Width {
			t.Errorf("%s: a camera's picture is wider than high", p.Name)
		}
		// The worst that is not the end of the board: one worker leaks up to its
		// cap, the other has what a sound one touches of its own (under half), and
		// the system needs room.
		const system = 160
		worst := p.Memory.AgentMB + max(p.Memory.InferMB, p.Memory.CameraMB) + min(p.Memory.InferMB, p.Memory.CameraMB)/2
		if worst+system > p.MinMemoryMB {
			t.Errorf("%s: %d MB for agent and workers leave nothing of %d for the system", p.Name, worst, p.MinMemoryMB)
		}
		switch n, ok := known[p.Name]; {
		case !ok:
			t.Errorf("%s: cores() does not know its cores", p.Name)
		case p.Engine.MaxThreads > n-1 || p.Camera.Threads > n-1:
			t.Errorf("%s: %d and %d threads leave none of %d cores for the others", p.Name, p.Engine.MaxThreads, p.Camera.Threads, n)
		}
		if !slices.Contains(p.Engine.Variants, "fp32") || !slices.Contains(p.Engine.Variants, "int8") {
			t.Errorf("%s: %v: every bundle has one of fp32 and int8, not always both", p.Name, p.Engine.Variants)
		}
		if len(p.Thermal) < 2 {
			t.Errorf("%s: a board out in the sun has two steps at least", p.Name)
		}
	}
}

// firmware is what stands in /proc/device-tree/model of real boards, and which
// profile they get with the memory that their systems report.
func firmware() []struct {
	model, profile string
	memoryMB       int
} {
	return []struct {
		model, profile string
		memoryMB       int
	}{
		{"Raspberry Pi 3 Model B Plus Rev 1.3", "generic-arm64", 906},
		{"Raspberry Pi 4 Model B Rev 1.1", "generic-arm64", 909},
		{"Raspberry Pi 4 Model B Rev 1.5", "raspberry-pi-4-2gb", 1849},
		{"Raspberry Pi 4 Model B Rev 1.4", "raspberry-pi-4-4gb", 3794},
		{"Raspberry Pi 4 Model B Rev 1.4", "raspberry-pi-4-8gb", 7811},
		{"Raspberry Pi 400 Rev 1.0", "raspberry-pi-4-4gb", 3794},
		{"Raspberry Pi Compute Module 4 Rev 1.0", "raspberry-pi-4-2gb", 1849},
		{"Raspberry Pi 5 Model B Rev 1.0", "raspberry-pi-5", 8062},
		{"Raspberry Pi 5 Model B Rev 1.1", "raspberry-pi-5", 2015},
		{"Raspberry Pi 500 Rev 1.0", "raspberry-pi-5", 8062},
		{"Raspberry Pi Compute Module 5 Rev 1.0", "raspberry-pi-5", 4033},
		{"NVIDIA Jetson Orin Nano Developer Kit", "jetson-orin-nano", 7620},
		{"NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super", "jetson-orin-nano", 7620},
		{"NVIDIA Jetson Orin Nano Engineering Reference Developer Kit", "generic-arm64", 3420},
		{"NVIDIA Jetson AGX Orin Developer Kit", "generic-arm64", 30697},
		{"Xunlong Orange Pi 5", "rk3588", 7681},
		{"Xunlong Orange Pi 5 Plus", "rk3588", 15965},
		{"Orange Pi 5 Plus", "rk3588", 15965},
		{"Orange Pi Zero 3", "generic-arm64", 1983},
		{"Radxa ROCK 5 Model B", "rk3588", 15965},
		{"Radxa ROCK 5A", "rk3588", 7681},
		{"Radxa ROCK 4 Model C+", "generic-arm64", 3800},
		{"FriendlyElec NanoPC-T6", "rk3588", 15965},
		{"Rockchip RK3588 EVB1 V10 Board", "rk3588", 7681},
		{"NXP i.MX8MPlus EVK board", "imx8mp", 5800},
		{"TQ-Systems i.MX8MPlus TQMa8MPxL on MBa8MPxL", "imx8mp", 1900},
		{"NXP i.MX8MNano EVK board", "generic-arm64", 1900},
	}
}

func TestRealBoardsGetTheirProfile(t *testing.T) {
	t.Parallel()
	met := map[string]bool{}
	for _, board := range firmware() {
		got, err := Match(Machine{Arch: "arm64", DeviceTree: board.model + "\x00", CPUClass: "arm64", MemoryMB: board.memoryMB})
		if err != nil || got.Name != board.profile {
			t.Errorf("%s, %d MB: %s, %v; want %s", board.model, board.memoryMB, got.Name, err, board.profile)
		}
		met[got.Name] = true
	}
	for _, p := range all(t) {
		if p.Arch == "arm64" && !met[p.Name] {
			t.Errorf("%s: no board of firmware() gets it", p.Name)
		}
	}
}

// TestNoTwoProfilesClaimTheSameBoard: only memory may tell two of them apart.
func TestNoTwoProfilesClaimTheSameBoard(t *testing.T) {
	t.Parallel()
	type claim struct {
		start string
		least int
	}
	claims := map[claim]string{}
	for _, p := range all(t) {
		for _, start := range append(slices.Clone(p.DeviceTree), p.CPUClass) {
			if start == "" {
				continue
			}
			c := claim{start, p.MinMemoryMB}
			if other := claims[c]; other != "" {
				t.Errorf("%s and %s claim the same board %q", p.Name, other, start)
			}
			claims[c] = p.Name
		}
	}
}

// TestTableOfBoardsIsThatOfTheFiles compares the page for people with what runs.
func TestTableOfBoardsIsThatOfTheFiles(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/adding-a-board.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) == 9 && strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			for i, cell := range cells {
				cells[i] = strings.Trim(cell, " `")
			}
			rows[cells[1]] = cells
		}
	}
	for _, p := range all(t) {
		want := []string{
			fmt.Sprintf("%d,%03d MB", p.MinMemoryMB/1000, p.MinMemoryMB%1000), strconv.Itoa(p.Engine.MaxThreads),
			strconv.FormatFloat(p.Camera.FramesPerSecond, 'f', -1, 64),
			strconv.FormatFloat(p.Thermal[0].AboveC, 'f', -1, 64) + " °C", strings.Join(p.Engine.Providers, ", "),
		}
		if row := rows[p.Name]; row == nil || !slices.Equal(row[3:8], want) {
			t.Errorf("%s: the table has %q, the file %q", p.Name, row, want)
		}
		delete(rows, p.Name)
	}
	for name := range rows {
		t.Errorf("the table has %s, for which there is no file", name)
	}
}

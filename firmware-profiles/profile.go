// Package profiles tells the agent how much of a board it may use: one embedded
// YAML file per kind of board, chosen by the board's device tree and memory or,
// where no board is named there, by its processor.
//
// A new board is a new file in this folder (docs/adding-a-board.md); the tests
// hold every file to the same invariants.
package profiles

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Profile is what one kind of board bears. MB are 2^20 bytes.
type Profile struct {
	Name        string   `yaml:"name"`        // file name without .yaml
	Description string   `yaml:"description"` // one line for people
	Arch        string   `yaml:"arch"`        // GOARCH: "amd64", "arm64"
	DeviceTree  []string `yaml:"device_tree"` // starts of /proc/device-tree/model; empty = any board of Arch
	CPUClass    string   `yaml:"cpu_class"`   // of a computer without a device tree, as infer.CPUClass names it; "" = any
	// MinMemoryMB is the least memory of the boards that it is for, as the system
	// reports it: some hundred MB below what is printed on the box. Of two
	// profiles for one board the one that asks for more wins where it is there.
	MinMemoryMB int `yaml:"min_memory_mb"`

	Engine   Engine        `yaml:"engine"`
	Camera   Camera        `yaml:"camera"`
	Memory   Memory        `yaml:"memory"`
	Store    Store         `yaml:"store"`
	Thermal  []ThermalStep `yaml:"thermal"` // from the coolest to the hottest
	Watchdog Watchdog      `yaml:"watchdog"`
}

// Engine is for the inference worker.
type Engine struct {
	MaxThreads int      `yaml:"max_threads"` // 1..64; the agent takes no more than the board has cores
	Providers  []string `yaml:"providers"`   // in order of preference; the last one is "cpu", or Require
	Require    string   `yaml:"require"`     // provider without which nothing is scored; "" = none
	Variants   []string `yaml:"variants"`    // of a bundle that may run here; the agent takes the fastest that is right
}

// Camera is for the camera worker and the first settings of a camera.
type Camera struct {
	Threads         int     `yaml:"threads"`           // of OpenCV, 1..16
	FramesPerSecond float64 `yaml:"frames_per_second"` // scored at most, 0.2..30
	Width           int     `yaml:"width"`             // asked of a camera device, 160..4096 pixels
	Height          int     `yaml:"height"`            // likewise
}

// Memory bounds the three processes. The agent's is soft (GOMEMLIMIT). The
// workers' are hard (worker.Spec.MemoryMB, RLIMIT_DATA: private memory that was
// asked for, stacks included, which is more than is resident): a leak kills
// the worker, which comes back.
type Memory struct {
	AgentMB  int `yaml:"agent_mb"`
	InferMB  int `yaml:"infer_mb"`
	CameraMB int `yaml:"camera_mb"`
}

// Store is for the board's database and its quotas.
type Store struct {
	MemtableMB   int `yaml:"memtable_mb"`
	BlockCacheMB int `yaml:"block_cache_mb"`
	IndexCacheMB int `yaml:"index_cache_mb"`
	PicturesMB   int `yaml:"pictures_mb"` // first quota for pictures; the farmer may change it
	RecordsMB    int `yaml:"records_mb"`  // quota for records
}

// ThermalStep slows the board down while it is hot, before its firmware does
// that in its own, rougher way.
type ThermalStep struct {
	AboveC float64 `yaml:"above_c"` // in force from this temperature on, 40..120 degrees Celsius
	BelowC float64 `yaml:"below_c"` // until it is cooler than this
	Rate   float64 `yaml:"rate"`    // share of the frames per second that is left, 0.05..1; 1 only says so on the page
}

// Watchdog is for the system's watchdog over the agent.
type Watchdog struct {
	StallS int `yaml:"stall_s"` // how long a part of the agent may be silent before the agent no longer says that it lives, 10..600 s
}

// Validate reports every value outside its range with its path.
func (p *Profile) Validate() error {
	return errors.Join(
		p.validateIdentity(),
		within("min_memory_mb", p.MinMemoryMB, 256, 1<<20),
		within("engine.max_threads", p.Engine.MaxThreads, 1, 64),
		p.validateProviders(),
		oneOrMoreOf("engine.variants", p.Engine.Variants, "fp32", "int8", "int8-rr"),
		within("camera.threads", p.Camera.Threads, 1, 16),
		within("camera.frames_per_second", p.Camera.FramesPerSecond, 0.2, 30),
		within("camera.width", p.Camera.Width, 160, 4096),
		within("camera.height", p.Camera.Height, 120, 4096),
		within("memory.agent_mb", p.Memory.AgentMB, 64, 65536),
		within("memory.infer_mb", p.Memory.InferMB, 256, 65536),
		within("memory.camera_mb", p.Memory.CameraMB, 256, 65536),
		within("store.memtable_mb", p.Store.MemtableMB, 1, 256),
		within("store.block_cache_mb", p.Store.BlockCacheMB, 1, 1024),
		within("store.index_cache_mb", p.Store.IndexCacheMB, 1, 1024),
		within("store.pictures_mb", p.Store.PicturesMB, 50, 1_000_000),
		within("store.records_mb", p.Store.RecordsMB, 16, 100_000),
		p.validateThermal(),
		within("watchdog.stall_s", p.Watchdog.StallS, 10, 600),
	)
}

func (p *Profile) validateIdentity() error {
	var errs []error
	if p.Name == "" {
		errs = append(errs, errors.New("name: missing"))
	}
	if p.Description == "" {
		errs = append(errs, errors.New("description: missing"))
	}
	if slices.Contains(p.DeviceTree, "") {
		errs = append(errs, errors.New("device_tree: an empty start fits every board"))
	}
	if p.CPUClass != "" && len(p.DeviceTree) > 0 {
		errs = append(errs, errors.New("cpu_class: a board with a device tree is known by that"))
	}
	errs = append(errs, oneOrMoreOf("arch", []string{p.Arch}, "amd64", "arm64"))
	return errors.Join(errs...)
}

// validateThermal wants steps that rise, slow down and end cooler than they
// began.
func (p *Profile) validateThermal() error {
	var errs []error
	for i, step := range p.Thermal {
		path := fmt.Sprintf("thermal.%d", i)
		errs = append(errs,
			within(path+".above_c", step.AboveC, 40, 120),
			within(path+".below_c", step.BelowC, 30, step.AboveC-1),
			within(path+".rate", step.Rate, 0.05, 1))
		if i == 0 {
			continue
		}
		if before := p.Thermal[i-1]; step.AboveC <= before.AboveC || step.BelowC <= before.BelowC || step.Rate >= before.Rate {
			errs = append(errs, fmt.Errorf("%s: it must be hotter, end hotter and be slower than the step before", path))
		}
	}
	return errors.Join(errs...)
}

// Providers are the names that engine.providers may hold. Which of them there
// are is known when ONNX Runtime's library is open.
func Providers() []string {
	return []string{"cpu", "xnnpack", "cuda", "tensorrt", "openvino", "qnn"}
}

func (p *Profile) validateProviders() error {
	if err := oneOrMoreOf("engine.providers", p.Engine.Providers, Providers()...); err != nil {
		return err
	}
	if required := p.Engine.Require; required != "" && !slices.Contains(p.Engine.Providers, required) {
		return fmt.Errorf("engine.require: %q is none of engine.providers", required)
	}
	last := p.Engine.Providers[len(p.Engine.Providers)-1]
	if last != "cpu" && last != p.Engine.Require {
		return fmt.Errorf("engine.providers: ends with %q, not with \"cpu\", which every board has", last)
	}
	return nil
}

func within[T int | float64](path string, v, least, most T) error {
	if v >= least && v <= most {
		return nil
	}
	return fmt.Errorf("%s: %v is not within %v and %v", path, v, least, most)
}

func oneOrMoreOf(path string, values []string, known ...string) error {
	if len(values) == 0 {
		return fmt.Errorf("%s: empty", path)
	}
	for i, v := range values {
		if !slices.Contains(known, v) {
			return fmt.Errorf("%s: %q is none of %s", path, v, strings.Join(known, ", "))
		}
		if slices.Contains(values[:i], v) {
			return fmt.Errorf("%s: %q twice", path, v)
		}
	}
	return nil
}

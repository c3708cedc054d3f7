package agent

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"time"

	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/guard"
	"gourdian/agent/internal/update"
	"gourdian/internal/service"
)

// addEngine adds what scores frames, and what brings the hub's models to it.
func (b *board) addEngine() error {
	c := b.engineConfig()
	c.Chosen = func() string { return b.update.Chosen() }
	c.Unfit = func(path string, err error) bool { return b.update.Unfit(path, err) }
	b.engine = engine.New(c, b.hub)
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	var err error
	b.update, err = update.New(update.Config{
		Data: b.config.Data, Own: b.config.Model.Bundle, Variants: b.variants(),
		Frame: time.Duration(float64(time.Second) / b.profile.Camera.FramesPerSecond),
		Plan: update.Plan{
			ShadowFrames: b.config.Update.Frames, Shadow: seconds(b.config.Update.Shadow), Soak: seconds(b.config.Update.Soak),
		},
		Engine: b.engine, Board: b.hub, Free: guard.Linux{Data: b.config.Data}.FreeDisk, Beside: b.beside,
		Built: b.build.Time, Now: time.Now, Log: b.log.With("part", "update"),
	})
	if err != nil {
		return err
	}
	b.group.Add(service.Part{Name: "engine", Run: b.engine.Run})
	b.group.Add(service.Part{Name: "update", Run: b.update.Run})
	return nil
}

// variants are those that may run here.
func (b *board) variants() []string {
	if b.config.Model.Variant != "" {
		return []string{b.config.Model.Variant}
	}
	return b.profile.Engine.Variants
}

// beside reports whether memory bears a second model now: as much as the profile
// lets one have.
func (b *board) beside() bool {
	file, err := os.Open(memInfo)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // only read
	return memoryMB(file, "MemAvailable") >= b.profile.Memory.InferMB
}

// memoryMB reads a line of /proc/meminfo in MB, 0 where it does not say.
func memoryMB(r io.Reader, name string) int {
	lines := bufio.NewScanner(io.LimitReader(r, 1<<16))
	for lines.Scan() {
		var kB int
		if n, _ := fmt.Sscanf(lines.Text(), name+": %d kB", &kB); n == 1 && kB > 0 {
			return kB >> 10
		}
	}
	return 0
}

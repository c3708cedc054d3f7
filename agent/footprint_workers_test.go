//go:build workers

package agent

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gourdian/agent/internal/store"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
	"gourdian/internal/wire"
)

const (
	weekSightings = 7 * 2000         // a busy camera's week
	watched       = 60 * time.Second // at five scored frames a second
)

// BenchmarkFootprint says what a board takes and how long its farmer waits:
// memory of agent and workers while five frames a second are scored over a
// week of history, and the time from start to the first verdict. Memory is
// resident in MB (2^20 bytes), mapped files included; the largest sample counts.
func BenchmarkFootprint(b *testing.B) {
	m := trainModel(b, 240)
	data := b.TempDir()
	fillWeek(b, filepath.Join(data, "store"))
	still := "folder:" + surePicture(b, m) + "?loop=1&fps=5"
	moving := "folder:" + m.repeated(b, 40, 1) + "?loop=1&fps=5" // the gate leaves nothing out

	first := firstVerdict(b, data, m.bundle, still)
	later := firstVerdict(b, data, m.bundle, still)
	p := serve(b, data, m.bundle, moving)
	until(b, "frames are scored", func() bool { return p.scored(b) > 10 })
	scored, began := p.scored(b), time.Now()
	most := map[string]float64{}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for time.Since(began) < watched {
		<-ticker.C
		sum := 0.0
		for name, pid := range map[string]int{
			"agent": p.cmd.Process.Pid, "infer": p.child(b, infer.Program), "camera": p.child(b, capture.Program),
		} {
			mb := resident(b, pid)
			most[name] = max(most[name], mb)
			sum += mb
		}
		most["all"] = max(most["all"], sum)
	}
	rate := float64(p.scored(b)-scored) / time.Since(began).Seconds()
	p.signal(b, syscall.SIGTERM)

	b.ReportMetric(0, "ns/op")
	for name, mb := range most {
		b.ReportMetric(mb, name+"-MB")
	}
	b.ReportMetric(first.Seconds(), "s-first-start")
	b.ReportMetric(later.Seconds(), "s-start")
	b.ReportMetric(rate, "frames/s")
}

// firstVerdict launches an agent, measures from there to the moment when its
// page shows a verdict, and stops it.
func firstVerdict(b *testing.B, data, bundle, source string) time.Duration {
	began := time.Now()
	p := serve(b, data, bundle, source)
	until(b, "a verdict is shown", func() bool {
		s := p.status(b)
		return len(s.Cameras) == 1 && len(s.Cameras[0].Zones) == 1 && s.Cameras[0].Zones[0].Verdict != ""
	})
	took := time.Since(began)
	p.signal(b, syscall.SIGTERM)
	return took
}

// surePicture makes a folder of one picture, many times, that the model never
// saw and calls a fruit: what is none at the start may be the empty place.
func surePicture(b *testing.B, m model) string {
	b.Helper()
	dir := b.TempDir()
	pictures, predictions := filepath.Join(dir, "pictures"), filepath.Join(dir, "predictions.csv")
	for _, args := range [][]string{
		{"render", "--out", pictures, "--count", "60", "--size", "256", "--seed", "6"},
		{"model", "eval", "--bundle", m.bundle, "--data", pictures, "--predictions", predictions, "--onnxruntime", testbed.OnnxRuntime(b),
			"--infer-program", testbed.Program(b, infer.Program), "--camera-program", testbed.Program(b, capture.Program)},
	} {
		if said, err := exec.CommandContext(b.Context(), testbed.Program(b, "gourdianctl"), args...).CombinedOutput(); err != nil {
			b.Fatalf("%s: %v\n%s", args[0], err, said)
		}
	}
	text, err := os.ReadFile(predictions)
	if err != nil {
		b.Fatal(err)
	}
	sure := regexp.MustCompile(`(?m)^([^,]+),\w+,(?:good|regular|bad),false,`).FindSubmatch(text)
	if sure == nil {
		b.Fatalf("the model is sure of no fruit:\n%s", text)
	}
	return model{pictures: pictures}.held(b, string(sure[1]), 50)
}

// resident is what /proc says of a process, in MB.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		b.Fatalf("process %d says nothing of its memory", pid)
	}
	kb, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}

// fillWeek stores a week of sightings as a board would have, every fifth with
// a picture of 30 KB.
func fillWeek(b *testing.B, dir string) {
	b.Helper()
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = s.Run(ctx) })
	defer func() {
		cancel()
		run.Wait()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	const writers = 64 // one commit takes many
	end := time.Now().UTC().Truncate(time.Second)
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			noise := rand.New(rand.NewPCG(1, uint64(w)))
			for i := w; i < weekSightings; i += writers {
				r := sightingAt(end.Add(-time.Duration(weekSightings-i) * 7 * 24 * time.Hour / weekSightings))
				var picture []byte
				if i%5 == 0 {
					picture = bytes.Repeat([]byte{byte(noise.Uint32()), byte(i), byte(i >> 8), byte(w)}, 7500)
				}
				if _, err := s.Append(ctx, r, picture, 0, nil); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
}

func sightingAt(at time.Time) wire.Record {
	return wire.Record{
		Boot: "0123456789abcdef", CapturedAt: at, WallAt: at, Clock: wire.ClockSynced, Camera: "barn",
		Frames: 12, Seconds: 6, Model: strings.Repeat("ab", 32), Preprocess: "square-triangle-224/1", Variant: "int8",
		Probabilities: map[string]float64{"good": 0.7, "regular": 0.2, "bad": 0.05, "not_pumpkin": 0.05},
		Novelty:       0.2, Verdict: wire.Good,
	}
}

//go:build workers

package engine

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
	"gourdian/internal/vision"
)

// twoModels trains two with the real programs. How well they grade matters not.
func twoModels(t *testing.T) (paths [2]string) {
	t.Helper()
	dir := t.TempDir()
	program := testbed.Program(t, "gourdianctl")
	run := func(args ...string) {
		if said, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, said)
		}
	}
	cache := t.TempDir()
	pictures := filepath.Join(dir, "patch")
	run("render", "--out", pictures, "--count", "24", "--size", "256", "--seed", "5")
	for i := range paths {
		paths[i] = filepath.Join(dir, "model"+strconv.Itoa(i)+".gourdian")
		run("model", "train", "--data", pictures, "--task", "grade", "--out", paths[i], "--folds", "3", "--seed", strconv.Itoa(i+1), "--cache", cache,
			"--checkpoint", testbed.Checkpoint(t), "--onnxruntime", testbed.OnnxRuntime(t),
			"--infer-program", testbed.Program(t, infer.Program), "--camera-program", testbed.Program(t, capture.Program))
	}
	return paths
}

// TestSwapsLoseNoFrame: a camera scores frame after frame as fast as it can,
// while one model takes the other's place again and again. GOURDIAN_FAULT_ROUNDS
// says how often.
func TestSwapsLoseNoFrame(t *testing.T) {
	t.Parallel()
	swaps := 10
	if n, err := strconv.Atoi(os.Getenv("GOURDIAN_FAULT_ROUNDS")); err == nil && n > 0 {
		swaps = n
	}
	paths := twoModels(t)
	e := New(Config{
		Bundle: paths[0], Variants: []string{"int8"},
		Worker: infer.Options{Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t), Threads: 1},
		Log:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}, live.NewHub("test", "device"))
	ctx, stop := context.WithCancel(t.Context())
	ended, scoring := make(chan error, 1), make(chan struct{})
	go func() { ended <- e.Run(ctx) }()
	defer func() { stop(); <-scoring; <-ended }()
	var scored, lost, again atomic.Int64
	up(t, e)
	go func() { // the camera; the test waits for it
		defer close(scoring)
		score(ctx, e, &scored, &lost, &again)
	}()
	var first, last int
	for n := range swaps {
		c, err := e.Prepare(ctx, paths[(n+1)%2])
		if err != nil {
			t.Fatal(err)
		}
		was := scored.Load()
		if err := e.Switch(ctx, c); err != nil {
			t.Fatal(err)
		}
		for late := time.After(time.Minute); scored.Load() < was+3; {
			select {
			case <-time.After(time.Millisecond):
			case <-late:
				t.Fatal("no frame is scored after a swap")
			}
		}
		if n == swaps/10 {
			first = resident(t)
		}
		last = resident(t)
	}
	t.Logf("%d swaps: %d frames scored, %d begun with the one model and ended with the other, %d lost; the process grew by %d kB from the %dth swap on, to %d kB",
		swaps, scored.Load(), again.Load(), lost.Load(), last-first, swaps/10+1, last)
	if lost.Load() > 0 || scored.Load() < int64(3*swaps) || last-first > 16<<10 {
		t.Error("a swap costs frames or memory")
	}
}

// score is a camera: a frame whose model went is scored by the next one.
func score(ctx context.Context, e *Engine, scored, lost, again *atomic.Int64) {
	tensor := make(vision.Tensor, vision.TensorLen)
	var out infer.Scores
	for ctx.Err() == nil {
		err := e.Score(ctx, e.Model(), tensor, &out)
		for errors.Is(err, ErrExchanged) && ctx.Err() == nil {
			again.Add(1)
			err = e.Score(ctx, e.Model(), tensor, &out)
		}
		switch {
		case err == nil:
			scored.Add(1)
		case ctx.Err() == nil:
			lost.Add(1)
		}
	}
}

// up waits until a model serves.
func up(t *testing.T, e *Engine) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		if h := e.Health(); h.Up {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			t.Fatal("no model serves")
		}
	}
}

// resident is the memory of this process in kB.
func resident(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kB
}

//go:build workers

package predict

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
)

// trained renders pictures and trains a model on them.
func trained(t *testing.T, count int) (c Champion, pictures [][]byte) {
	t.Helper()
	dir := t.TempDir()
	patch, file := filepath.Join(dir, "patch"), filepath.Join(dir, "grade.gourdian")
	for _, args := range [][]string{
		{"render", "--out", patch, "--count", strconv.Itoa(count), "--size", "256", "--seed", "5"},
		{"model", "train", "--data", patch, "--task", "grade", "--out", file, "--folds", "3", "--cache", t.TempDir(),
			"--checkpoint", testbed.Checkpoint(t), "--onnxruntime", testbed.OnnxRuntime(t),
			"--infer-program", testbed.Program(t, infer.Program), "--camera-program", testbed.Program(t, capture.Program)},
	} {
		if said, err := exec.CommandContext(t.Context(), testbed.Program(t, "gourdianctl"), args...).CombinedOutput(); err != nil {
			t.Fatalf("gourdianctl %s: %v\n%s", args[0], err, said)
		}
	}
	b, err := bundle.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(patch, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".jpg" {
			return err
		}
		data, err := os.ReadFile(path)
		pictures = append(pictures, data)
		return err
	})
	if err != nil || len(pictures) == 0 {
		t.Fatal(len(pictures), err)
	}
	return Champion{Version: int64(count), ID: b.ID, Path: file}, pictures
}

// pids are those of the champion's workers.
func (s *Service) pids() (out []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.now.all {
		if pid := one.process.State().PID; pid > 0 {
			out = append(out, pid)
		}
	}
	return out
}

func TestRealWorkersAreKilledAndMovedUnderLoadWithNoFailedRequest(t *testing.T) {
	t.Parallel()
	first, pictures := trained(t, 48)
	second, _ := trained(t, 56)
	decoders, err := NewDecoders(2, capture.Options{Program: testbed.Program(t, capture.Program)})
	if err != nil {
		t.Fatal(err)
	}
	models := &shelf{changed: make(chan struct{})}
	r := &rig{shelf: models, Service: New(Config{
		Workers: 2, Queue: 100, Deadline: time.Minute, Memory: filepath.Join(t.TempDir(), "variant.json"), Log: slog.New(slog.DiscardHandler),
		Infer: infer.Options{Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t), Threads: 1},
	}, models, decoders)}
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { _ = decoders.Run(ctx) })
	parts.Go(func() { _ = r.Run(ctx) })
	defer func() { stop(); parts.Wait() }()
	models.put(&first)
	r.untilIn(t, 2*time.Minute, "the first answers", func(s State) bool { return s.Model != nil })

	load, end := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var answered, failed atomic.Int64
	for i := range 4 {
		clients.Go(func() {
			for n := i; load.Err() == nil; n++ {
				results, _, err := r.Predict(t.Context(), pictures[n%len(pictures):n%len(pictures)+1])
				if err != nil || results[0].Err != nil {
					failed.Add(1)
					t.Errorf("request %d: %v, %+v", n, err, results)
					return
				}
				answered.Add(1)
			}
		})
	}
	for _, pid := range r.pids() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	before := answered.Load()
	r.untilIn(t, time.Minute, "answers after the kill", func(State) bool { return answered.Load() > before+20 })
	for _, next := range []Champion{second, first} {
		models.put(&next)
		r.untilIn(t, 2*time.Minute, "the champion moved", func(s State) bool { return s.Model != nil && s.Model.ID == next.ID })
	}
	before = answered.Load()
	r.untilIn(t, time.Minute, "answers after the move", func(State) bool { return answered.Load() > before+20 })
	end()
	clients.Wait()
	t.Logf("%d answers, %d failures", answered.Load(), failed.Load())
	if photo, err := decoders.Plain(t.Context(), pictures[0]); err != nil || len(photo) < 1000 {
		t.Errorf("a plain photo of %d bytes, %v", len(photo), err)
	}
}

//go:build workers

package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/internal/capture"
	"gourdian/internal/testbed"
	"gourdian/internal/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is far longer than anything here takes on a loaded machine.
const patience = 90 * time.Second

// safeBuffer holds a worker's log.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// rig is a supervised camera worker.
type rig struct {
	camera *capture.Client
	worker *worker.Supervised
	log    safeBuffer
}

func startCamera(t *testing.T, uri string, change func(*worker.Spec)) *rig {
	t.Helper()
	r := new(rig)
	spec, err := capture.CameraSpec(uri, capture.Options{
		Program: testbed.Program(t, "gourdian-camera"),
		Log:     slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&spec)
	}
	address, err := capture.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	r.worker = worker.NewSupervised(spec)
	r.camera = capture.NewCamera(r.worker, address.Kind())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.worker.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run worker: %v", err)
		}
		if t.Failed() {
			t.Logf("the worker's log:\n%s", r.log.String())
		}
	})
	return r
}

// next returns the next frame, however long its worker takes to come (back).
func (r *rig) next(t *testing.T, ctx context.Context) *capture.Frame {
	t.Helper()
	for {
		frame, err := r.camera.Next(ctx, capture.Request{})
		switch {
		case err == nil:
			return frame
		case errors.Is(err, io.EOF):
			return nil
		case !errors.Is(err, capture.ErrNoPicture):
			t.Fatalf("next frame: %v", err)
		}
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// picture is a JPEG whose middle has the given red.
func picture(t testing.TB, w, h int, red uint8) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{red, uint8(255 * y / h), uint8(255 * x / w), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t testing.TB, dir, name string, file []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), file, 0o644); err != nil {
		t.Fatal(err)
	}
}

// clip makes a video of 160x120 with 10 frames a second.
func clip(t testing.TB, frames int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	seconds := time.Duration(frames) * 100 * time.Millisecond
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10",
		"-t", seconds.String()[:len(seconds.String())-1], "-pix_fmt", "yuv420p", path).CombinedOutput()
	if err != nil {
		t.Fatalf("make a video: %v: %s", err, out)
	}
	return path
}

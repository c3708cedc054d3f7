//go:build workers

package embed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/testbed"
)

// traced starts a decoder whose program and process id are known.
func traced(t *testing.T) (d *WorkerDecoder, program string, pid int) {
	t.Helper()
	dir := t.TempDir()
	program, pidFile := filepath.Join(dir, "camera"), filepath.Join(dir, "pid")
	script := fmt.Sprintf("#!/bin/sh\necho $$ > '%s'\nexec '%s' \"$@\"\n", pidFile, testbed.Program(t, capture.Program))
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := NewWorkerDecoder(context.Background(), capture.Options{Program: program})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		t.Fatal(err)
	}
	return d, program, pid
}

func TestPictureThatKillsTheDecoderCostsItselfOnly(t *testing.T) {
	t.Parallel()
	d, _, pid := traced(t)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decode(context.Background(), pngOf(1)); !errors.Is(err, capture.ErrBadImage) {
		t.Fatalf("the picture at hand when the decoder died: %v", err)
	}
	img, err := d.Decode(context.Background(), pngOf(1))
	if err != nil || img.W != 60 || img.H != 40 {
		t.Errorf("the next picture: %dx%d, %v", img.W, img.H, err)
	}
}

func TestDecoderThatDoesNotComeBackEndsTheWork(t *testing.T) {
	t.Parallel()
	d, program, pid := traced(t)
	if err := errors.Join(os.Remove(program), syscall.Kill(pid, syscall.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decode(context.Background(), pngOf(1)); err == nil || errors.Is(err, capture.ErrBadImage) {
		t.Errorf("without a decoder: %v", err)
	}
}

package capture_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/capture"
)

// Everybody on the machine can read the command line of a process.
func TestPasswordsStandInNoCommandLine(t *testing.T) {
	t.Parallel()
	const address = "rtsp://viewer:secret@192.168.1.20/stream1"
	spec, err := capture.CameraSpec(address, capture.Options{Program: os.Args[0], Threads: 3, MemoryMB: 700})
	if err != nil {
		t.Fatal(err)
	}
	if line := strings.Join(spec.Args, " "); strings.Contains(line, "secret") || !strings.Contains(line, "--threads 3") {
		t.Errorf("command line %q", line)
	}
	if !slices.Contains(spec.Env, capture.SourceVariable+"="+address) || spec.MemoryMB != 700 || spec.Program != capture.Program {
		t.Errorf("%+v", spec)
	}
	if _, err := capture.CameraSpec("ftp://viewer:secret@host/", capture.Options{Program: os.Args[0]}); !errors.Is(err, capture.ErrBadAddress) || strings.Contains(err.Error(), "secret") {
		t.Errorf("bad address: %v", err)
	}
}

// FFmpeg's threads come and go with every opening of a video; a heap for each
// of them made the worker grow for hours. Both kinds of worker open files.
func TestWorkersShareFewHeaps(t *testing.T) {
	t.Parallel()
	o := capture.Options{Program: os.Args[0]}
	camera, err := capture.CameraSpec("field:", o)
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := capture.DecodeSpec(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, env := range [][]string{camera.Env, decoder.Env} {
		if !slices.Contains(env, "MALLOC_ARENA_MAX=2") {
			t.Errorf("environment %q", env)
		}
	}
}

func TestMissingProgramIsSaidBeforeTheStart(t *testing.T) {
	t.Parallel()
	_, err := capture.CameraSpec("field:", capture.Options{Program: "/nowhere/gourdian-camera"})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/gourdian-camera") {
		t.Errorf("%v", err)
	}
}

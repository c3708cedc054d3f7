//go:build arm64emulated

package arm64

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// patience bounds a test. Emulation takes tens of times as long as a board.
	patience = 6 * time.Minute
	// answerWithin bounds a start with its golden frames, and one picture.
	answerWithin = 3 * time.Minute
)

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// built is the path of a file in dist/arm64.
func built(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(testbed.Root(t), "dist", "arm64", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("dist/arm64/%s is missing: run `make arm64` first", name)
	}
	return path
}

// emulated is a folder in which the arm64 programs seem to lie.
func emulated(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("qemu-aarch64-static"); err != nil {
		t.Fatalf("%v: run `make arm64` first", err)
	}
	dir := t.TempDir()
	for _, name := range programs() {
		built(t, name)
		if err := os.Symlink(filepath.Join(testbed.Root(t), "cross", "arm64", "emulate.sh"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func programs() []string {
	return []string{"gourdian-agent", "gourdian-hub", capture.Program, infer.Program, "gourdianctl"}
}

// run runs a program to its end.
func run(t testing.TB, program string, args ...string) string {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(append([]string{filepath.Base(program)}, args...), " "), err, said)
	}
	return string(said)
}

// Package testbed finds what tests with real parts need: the built programs,
// the ONNX Runtime library, the backbone's checkpoint and the photos. Nothing
// is skipped for a missing tool; only the photos may be absent.
package testbed

import (
	"os"
	"path/filepath"
	"testing"
)

// Root is the repository's root, found upwards from the test's folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("find the repository: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("find the repository: no go.mod above the test's folder")
		}
		dir = parent
	}
}

// Program is the path of a built program in bin/.
func Program(t testing.TB, name string) string {
	t.Helper()
	return need(t, "make build", "bin", name)
}

// OnnxRuntime is the path of the ONNX Runtime library that set-up fetched.
func OnnxRuntime(t testing.TB) string {
	t.Helper()
	return need(t, "make setup", ".cache", "onnxruntime", "libonnxruntime.so.1.32.0")
}

// Checkpoint is the path of the backbone's PyTorch checkpoint.
func Checkpoint(t testing.TB) string {
	t.Helper()
	return need(t, "make setup", ".cache", "backbone", "efficientnet-lite0.pth")
}

// Photos is the folder of real photos, in GOURDIAN_DATA or beside the
// checkout. The test is skipped where there is none: their licences keep them
// out of the repository.
func Photos(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("GOURDIAN_DATA")
	if dir == "" {
		dir = filepath.Join(Root(t), "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("photos: none at %s; set GOURDIAN_DATA to a folder of them", dir)
	}
	return dir
}

func need(t testing.TB, remedy string, elements ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{Root(t)}, elements...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: run `%s` first", filepath.Join(elements...), remedy)
	}
	return path
}

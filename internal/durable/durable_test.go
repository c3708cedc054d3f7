package durable

import (
	"os"
	"path/filepath"
	"testing"
)

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestNewContentReplacesTheOldWithItsMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	for _, c := range []struct {
		text string
		mode os.FileMode
	}{{"first", 0o644}, {"second, which is longer", 0o600}, {"", 0o600}} {
		if err := WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || string(data) != c.text || info.Mode().Perm() != c.mode {
			t.Errorf("%q, %v, %v, %v", data, info, err, statErr)
		}
	}
	if n := entries(t, filepath.Dir(path)); n != 1 {
		t.Errorf("%d entries were left", n)
	}
}

func TestPlaceThatIsTakenStaysAndNothingIsLeftBesideIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(taken, []byte("x"), 0o600); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if n := entries(t, dir); n != 1 {
		t.Errorf("%d entries were left", n)
	}
	if err := WriteFile(filepath.Join(dir, "nowhere", "x"), []byte("x"), 0o600); !os.IsNotExist(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if err := SyncFolder(filepath.Join(dir, "nowhere")); !os.IsNotExist(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestFileInTheWorkingFolderNeedsNoFolderInItsName(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := WriteFile("x", []byte("y"), 0o600); err != nil {
		t.Fatal(err)
	}
}

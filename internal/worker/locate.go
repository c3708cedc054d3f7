package worker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// packaged is where the package keeps worker programs, seen from /usr/bin: people
// never start them themselves.
const packaged = "../lib/gourdian"

// Locate returns the path of the worker program name: override where it is
// given (a path from the config), else the file beside the running program, else
// where the package keeps it. The error says what to do.
func Locate(name, override string) (string, error) {
	if override != "" {
		path, err := exec.LookPath(override)
		if err != nil {
			return "", fmt.Errorf("find %s at the configured path: %w", name, err)
		}
		return filepath.Abs(path)
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find %s: %w", name, err)
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	return locateFrom(self, name)
}

// locateFrom looks for a worker of the program self.
func locateFrom(self, name string) (string, error) {
	folder := filepath.Dir(self)
	beside, err := exec.LookPath(filepath.Join(folder, name))
	if err == nil {
		return beside, nil
	}
	if path, err := exec.LookPath(filepath.Join(folder, packaged, name)); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("find %s beside %s: %w; run `make build`, or set its path in the config", name, filepath.Base(self), err)
}

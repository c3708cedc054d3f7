package worker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Locate returns the path of the worker program name: override where it is
// given (a path from the config), else the file beside the running program.
// The error says what to do.
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
	path, err := exec.LookPath(filepath.Join(filepath.Dir(self), name))
	if err != nil {
		return "", fmt.Errorf("find %s beside %s: %w; run `make build`, or set its path in the config", name, filepath.Base(self), err)
	}
	return path, nil
}

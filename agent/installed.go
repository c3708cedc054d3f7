package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"gourdian/internal/bundle"
	"gourdian/internal/durable"
	"gourdian/internal/vision"
)

// Places of an installed agent.
const (
	installedPrograms = "/usr/bin"
	InstalledConfig   = "/etc/gourdian/agent.yaml"
)

// DefaultFile is the config file where none is named: that of the package for
// the program that came with it, none for any other.
func DefaultFile(program string) string {
	if filepath.Dir(program) != installedPrograms {
		return ""
	}
	if _, err := os.Stat(InstalledConfig); err != nil {
		return ""
	}
	return InstalledConfig
}

// Installed is a model that InstallModel has put in its place.
type Installed struct {
	ID, Name, Path string
	Replaced       bool // there was another one
}

// InstallModel checks a bundle as the board does before it runs it, and copies
// it to where the config says: whole or not at all, for the user who owns the
// folder, whoever calls.
func InstallModel(config Config, file string) (Installed, error) {
	to := config.Model.Bundle
	from, err := os.Open(file)
	if err != nil {
		return Installed{}, fmt.Errorf("install model: %w", err)
	}
	defer func() { _ = from.Close() }() // only read
	copied, err := copyModel(from, filepath.Dir(to))
	if err != nil {
		return Installed{}, fmt.Errorf("install model: copy %s: %w", file, err)
	}
	done := Installed{Path: to}
	_, err = os.Lstat(to)
	done.Replaced = err == nil
	// What was copied is checked, not what it was copied from: that may change.
	if done.ID, done.Name, err = checkModel(copied); err == nil {
		err = os.Rename(copied, to)
	}
	if err != nil {
		return Installed{}, errors.Join(fmt.Errorf("install model %s: %w", file, err), os.Remove(copied))
	}
	return done, durable.SyncFolder(filepath.Dir(to))
}

// checkModel makes every check that needs no worker. Golden frames are run by
// the agent, on the processor that will run the model.
func checkModel(path string) (id, name string, err error) {
	b, err := bundle.Open(path)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = b.Close() }() // only read
	return b.ID, b.Manifest.Name, b.CheckPreprocess(vision.PreprocessID())
}

// copyModel copies into a new file of dir, on disk and with dir's owner.
func copyModel(from io.Reader, dir string) (path string, err error) {
	owner, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("%w: start the agent once, which makes its folder", err)
	}
	to, err := os.CreateTemp(dir, ".model.*.part")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, to.Close(), os.Remove(to.Name()))
		}
	}()
	if n, err := io.Copy(to, io.LimitReader(from, bundle.MaxSize+1)); err != nil {
		return "", err
	} else if n > bundle.MaxSize {
		return "", bundle.ErrTooLarge
	}
	if err := to.Chmod(0o640); err != nil {
		return "", err
	}
	if stat, ok := owner.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := to.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			return "", err
		}
	}
	return to.Name(), errors.Join(to.Sync(), to.Close())
}

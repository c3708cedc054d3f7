package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// trialPrefix begins the names of the folders in the data folder in which disks
// are tried. Each belongs to one trial, which holds a lock on it: several
// doctors may look at one board.
const trialPrefix = "doctor.trial-"

// trial is a folder to write in.
type trial struct {
	dir  string
	lock *os.File // of dir; the kernel lets go of it when the process dies
}

func openTrial(data string) (*trial, error) {
	if err := Tidy(data); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(data, trialPrefix)
	if err != nil {
		return nil, fmt.Errorf("begin a disk trial: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin a disk trial: %w", err), os.RemoveAll(dir))
	}
	return &trial{dir: dir, lock: lock}, nil
}

// close takes everything away that was written.
func (t *trial) close() error {
	if err := errors.Join(os.RemoveAll(t.dir), t.lock.Close()); err != nil {
		return fmt.Errorf("tidy after a disk trial: %w", err)
	}
	return nil
}

// Tidy takes away what trials left behind that were killed.
func Tidy(data string) error {
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("tidy after a disk trial: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), trialPrefix) {
			continue
		}
		dir := filepath.Join(data, entry.Name())
		lock, err := lockFolder(dir)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue // it is under way, or has just ended
		}
		if err != nil {
			return fmt.Errorf("tidy after a disk trial: %w", err)
		}
		if err := errors.Join(os.RemoveAll(dir), lock.Close()); err != nil {
			return fmt.Errorf("tidy after a disk trial: %w", err)
		}
	}
	return nil
}

// lockFolder locks a folder; its error wraps EWOULDBLOCK where another process
// holds it.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

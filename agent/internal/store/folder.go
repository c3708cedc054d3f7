package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Names in the data folder.
const (
	lockName     = "lock"
	deviceName   = "device"   // the device id, a line of text
	recordsName  = "records"  // Badger
	picturesName = "pictures" // ab/<hash>.jpg
	arrivingName = "arriving" // pictures whose record is not committed yet
	reserveName  = "reserve"  // bytes kept for bad times
)

// lockFolder takes the data folder for this process until the file is closed.
// The kernel lets go of it when the process dies, however it dies.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err = flock(f); err == nil {
		return f, nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("%w: %s: stop the other gourdian-agent, or give this one a folder of its own", ErrLocked, dir)
	}
	return nil, errors.Join(err, f.Close())
}

// lockWithin is how long a lock is asked for: between fork and exec, a child of
// the process that let it go still holds it.
const lockWithin = 500 * time.Millisecond

func flock(f *os.File) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(lockWithin); ; {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ticker.C:
		case <-late:
			return err
		}
	}
}

// DeviceOf returns the id of the board whose store lies, or will lie, in a
// folder, also while an agent uses it. What root makes there belongs to the owner
// of the folder above.
func DeviceOf(dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, deviceName)); err == nil {
		return loadDevice(dir, realDisk{})
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("make data folder: %w", err)
	}
	device, err := loadDevice(dir, realDisk{})
	if err != nil {
		return "", err
	}
	var above unix.Stat_t
	if err := unix.Stat(filepath.Dir(dir), &above); err != nil {
		return "", fmt.Errorf("look at the data folder: %w", err)
	}
	if os.Geteuid() == 0 && above.Uid != 0 {
		for _, path := range []string{dir, filepath.Join(dir, deviceName)} {
			if err := os.Lchown(path, int(above.Uid), int(above.Gid)); err != nil {
				return "", fmt.Errorf("give the data folder to its owner: %w", err)
			}
		}
	}
	return device, nil
}

// loadDevice reads the board's id, which is made at the first start and
// outlives an emptied store.
func loadDevice(dir string, d disk) (string, error) {
	path := filepath.Join(dir, deviceName)
	data, err := os.ReadFile(path)
	if err == nil {
		id := strings.TrimSpace(string(data))
		if raw, err := hex.DecodeString(id); err != nil || len(raw) != 8 {
			return "", fmt.Errorf("device id in %s: %q is not 16 hex digits", path, id)
		}
		return id, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read device id: %w", err)
	}
	id := randomID()
	fresh := path + ".new"
	err = d.write(fresh, []byte(id+"\n"))
	if err == nil {
		err = d.rename(fresh, path)
	}
	if err == nil {
		err = d.syncFolder(dir)
	}
	if err != nil {
		return "", fmt.Errorf("write device id: %w", err)
	}
	return id, nil
}

// randomID returns 16 hex digits.
func randomID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

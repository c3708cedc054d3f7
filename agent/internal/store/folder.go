package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("%w: %s: stop the other gourdian-agent, or give this one a folder of its own", ErrLocked, dir)
	}
	return nil, errors.Join(err, f.Close())
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

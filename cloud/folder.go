package cloud

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// errInUse says that another hub runs on the data folder.
var errInUse = errors.New("another gourdian-hub uses this data folder: stop it first")

// lockFolder makes the data folder and takes it for this process. The lock ends
// with the process, however that ends.
func lockFolder(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errInUse
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	return func() { _ = file.Close() }, nil // closing unlocks
}

// lockName and backupsName are in the data folder and in no backup.
const (
	lockName    = "lock"
	backupsName = "backups"
)

// authorityName is the folder of the CA in the data folder.
const authorityName = "ca"

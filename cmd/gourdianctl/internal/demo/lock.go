package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lock keeps a second demo out of dir: two of them would empty each other's
// board. The kernel lets go of it when the process ends, however it ends.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the demo's folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer func() { _ = f.Close() }() // nothing was written
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the demo's folder: %w", err)
		}
		who := "another demo"
		var id [20]byte
		if n, _ := f.ReadAt(id[:], 0); n > 0 { // without a number the words still help
			who += " (process " + strings.TrimSpace(string(id[:n])) + ")"
		}
		return nil, fmt.Errorf("%s runs in %s: end it first, or give this one a folder of its own (gourdianctl demo --dir FOLDER)", who, dir)
	}
	if err := errors.Join(f.Truncate(0), write(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		_ = f.Close() // the error at hand says more
		return nil, fmt.Errorf("lock the demo's folder: %w", err)
	}
	return func() { _ = f.Close() }, nil
}

func write(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

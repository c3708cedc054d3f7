package store

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"gourdian/internal/durable"
)

// disk is what pictures and room need of the file system. Every method may
// fail with ENOSPC or EDQUOT wrapped.
type disk interface {
	// free returns the bytes that the store may still write under dir.
	free(dir string) (int64, error)
	// write makes a new file and returns once its bytes are on disk. A file
	// that could not be finished is taken away again.
	write(path string, data []byte) error
	// reserve makes a file of size bytes that really occupies them.
	reserve(path string, size int64) error
	rename(from, to string) error
	// remove is no error where there is no such file.
	remove(path string) error
	// syncFolder brings a folder's entries to disk.
	syncFolder(path string) error
}

// realDisk is the disk of the operating system.
type realDisk struct{}

func (realDisk) free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("ask for free space of %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

func (realDisk) write(path string, data []byte) error {
	return finishFile(path, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

func (realDisk) reserve(path string, size int64) error {
	return finishFile(path, func(f *os.File) error {
		err := unix.Fallocate(int(f.Fd()), 0, 0, size)
		if !errors.Is(err, unix.EOPNOTSUPP) {
			return err
		}
		zeros := make([]byte, 1<<20)
		for size > 0 && err != nil {
			n, werr := f.Write(zeros[:min(size, int64(len(zeros)))])
			if werr != nil {
				return werr
			}
			size -= int64(n)
		}
		return nil
	})
}

func finishFile(path string, fill func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func (realDisk) rename(from, to string) error { return os.Rename(from, to) }

func (realDisk) remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (realDisk) syncFolder(path string) error { return durable.SyncFolder(path) }

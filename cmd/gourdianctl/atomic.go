package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile makes a file whole or not at all: it is written beside path under
// another name, forced to disk and then renamed. An error or Ctrl-C on the way
// leaves what was there before.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriter(f)
	if err := write(w); err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// makeFolder makes a folder whole or not at all: fill works in a new one
// beside it, which is renamed at the end. A path that exists and is not an
// empty folder is wrong use.
func makeFolder(path string, fill func(dir string) error) (err error) {
	path = filepath.Clean(path)
	switch entries, err := os.ReadDir(path); {
	case err == nil && len(entries) > 0:
		return wrongUse("%s is there already and not empty: name a new folder", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return wrongUse("%s is there already and no folder that can be used: %v", path, err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return fmt.Errorf("make folder %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if err := fill(dir); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Rename(dir, path)); err != nil {
		return fmt.Errorf("make folder %s: %w", path, err)
	}
	return nil
}

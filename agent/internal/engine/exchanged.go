package engine

import (
	"io/fs"
	"os"

	"gourdian/internal/bundle"
	"gourdian/internal/vision"
)

// watched is the bundle's file as it was when it was opened, or last looked at.
type watched struct {
	path string
	file fs.FileInfo // nil where it could not be asked
}

func watch(path string) *watched {
	file, _ := os.Stat(path) // who opens the bundle next says what is wrong
	return &watched{path: path, file: file}
}

// exchanged reports whether another bundle lies there that may be run here. One
// that may not leaves the model alone that runs: err then says why, once. So
// does a file that is still being copied, and it is looked at again when it has
// changed. A file that is gone is no other bundle.
func (w *watched) exchanged(id string) (bool, error) {
	file, err := os.Stat(w.path)
	if err != nil || same(w.file, file) {
		return false, nil
	}
	w.file = file
	b, err := bundle.OpenPart(w.path)
	if err != nil {
		return false, err
	}
	defer func() { _ = b.Close() }() // only read
	if err := b.CheckPreprocess(vision.PreprocessID()); err != nil {
		return false, err
	}
	return b.ID != id, nil
}

func same(a, b fs.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

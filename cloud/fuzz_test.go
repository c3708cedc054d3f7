package cloud

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzReadBackup: what is no backup is refused, and nothing is written beside the
// folder that it is unpacked into.
func FuzzReadBackup(f *testing.F) {
	dir := f.TempDir()
	data, dump, file := filepath.Join(dir, "data"), filepath.Join(dir, "database.sqlite"), filepath.Join(dir, "backup.tar")
	if err := os.Mkdir(data, 0o700); err != nil {
		f.Fatal(err)
	}
	for path, text := range map[string]string{filepath.Join(data, "ca.pem"): "a key", dump: "a database"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	if err := writeBackup(file, backupHead{Format: backupFormat, Version: "test"}, dump, data); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(strings.ReplaceAll(string(whole), "files/ca.pem", "../../ca.pem")))
	f.Add([]byte(strings.ReplaceAll(string(whole), "a database", "another da")))
	f.Fuzz(func(t *testing.T, text []byte) {
		around := t.TempDir()
		into, file := filepath.Join(around, "a", "b"), filepath.Join(around, "backup.tar")
		if err := os.MkdirAll(into, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		head, err := readBackup(file, into)
		if err == nil && head.Format != backupFormat {
			t.Errorf("a backup of format %d is taken", head.Format)
		}
		err = filepath.WalkDir(around, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && path != file && !strings.HasPrefix(path, into+"/") {
				t.Errorf("%s was written", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

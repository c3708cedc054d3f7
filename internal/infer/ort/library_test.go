package ort

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLibraryByFlagThenEnvironment(t *testing.T) {
	dir := t.TempDir()
	flag, variable := filepath.Join(dir, "flag.so"), filepath.Join(dir, "variable.so")
	for _, path := range []string{flag, variable} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(LibraryVariable, variable)
	if got, err := FindLibrary(flag); err != nil || got != flag {
		t.Errorf("%q and error %v, expected the flag's", got, err)
	}
	if got, err := FindLibrary(""); err != nil || got != variable {
		t.Errorf("%q and error %v, expected the variable's", got, err)
	}
	if _, err := FindLibrary(filepath.Join(dir, "none.so")); err == nil {
		t.Error("a library that was named and is missing was replaced in silence")
	}
}

func TestNoLibrarySaysWhatToDo(t *testing.T) {
	t.Setenv(LibraryVariable, "")
	_, err := FindLibrary("")
	if err == nil || !strings.Contains(err.Error(), "make setup") || !strings.Contains(err.Error(), LibraryVariable) {
		t.Errorf("error %v", err)
	}
}

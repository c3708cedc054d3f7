package ort

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Version is the release of ONNX Runtime that bundles are made and tested with.
// Another one may round differently, so its golden frames would say little.
const Version = "1.32"

// LibraryFile is the library's name in the PyPI wheel, which set-up and package
// keep.
const LibraryFile = "libonnxruntime.so.1.32.0"

// LibraryVariable is the environment variable that names the library.
const LibraryVariable = "GOURDIAN_ONNXRUNTIME"

// ErrNoRuntime is wrapped by every error that means: this program was built
// without cgo and can't load ONNX Runtime.
var ErrNoRuntime = errors.New("built without cgo, so without ONNX Runtime: build with CGO_ENABLED=1")

// FindLibrary returns the path of the library: given (by flag or config) or
// from the environment, else beside the program (as packaged) or in lib/ there,
// else in the set-up folder of the checkout whose bin/ holds the program.
func FindLibrary(given string) (string, error) {
	if given == "" {
		given = os.Getenv(LibraryVariable)
	}
	if given != "" {
		if _, err := os.Stat(given); err != nil {
			return "", fmt.Errorf("find ONNX Runtime: %w", err)
		}
		return given, nil
	}
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find ONNX Runtime: %w", err)
	}
	if real, err := filepath.EvalSymlinks(program); err == nil {
		program = real
	}
	folder := filepath.Dir(program)
	places := []string{
		filepath.Join(folder, LibraryFile),
		filepath.Join(folder, "lib", LibraryFile),
		filepath.Join(filepath.Dir(folder), ".cache", "onnxruntime", LibraryFile),
	}
	for _, path := range places {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("find ONNX Runtime: it is neither at %s; run `make setup`, or name it with --onnxruntime or %s",
		strings.Join(places, " nor at "), LibraryVariable)
}

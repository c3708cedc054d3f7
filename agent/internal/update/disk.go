package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gourdian/internal/durable"
)

// private is the mode of the board's own files.
const private = 0o600

// maxState bounds what is read back of the board's own small files.
const maxState = 1 << 20

// readJSON reads a small file; one that is not there leaves value as it is.
func readJSON(path string, value any) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > maxState {
		return fmt.Errorf("%s has %d bytes", path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, value)
}

func writeJSON(path string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, data, private)
}

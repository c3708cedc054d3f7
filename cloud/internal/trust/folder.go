package trust

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"gourdian/internal/durable"
	"gourdian/internal/keyring"
)

// Names and limits of metadata files.
const (
	timestampName = "timestamp.json"
	maxMetadata   = 5_000_000 // bytes; what clients of TUF take at most of targets
	keptVersions  = 8         // older snapshots and targets are removed
)

// ErrUnknown: there is no metadata of that name.
var ErrUnknown = errors.New("no such metadata")

var versioned = regexp.MustCompile(`^([1-9][0-9]{0,17})\.(root|targets|snapshot)\.json$`)

// nameOf is the file of a version of a role's metadata.
func nameOf(role keyring.Role, version int64) string { return fmt.Sprintf("%d.%s.json", version, role) }

// folder is where metadata is published.
type folder string

// read returns a file by its name, and nothing else of the disk.
func (f folder) read(name string) ([]byte, error) {
	if name != timestampName && !versioned.MatchString(name) {
		return nil, fmt.Errorf("%w: %.80q", ErrUnknown, name)
	}
	file, err := os.Open(filepath.Join(string(f), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, maxMetadata+1))
	if err == nil && len(data) > maxMetadata {
		err = errors.New("too many bytes")
	}
	if err != nil {
		return nil, fmt.Errorf("read metadata %s: %w", name, err)
	}
	return data, nil
}

// write puts a file there whole or not at all, and forces it to disk.
func (f folder) write(name string, data []byte) error {
	if err := durable.WriteFile(filepath.Join(string(f), name), data, 0o644); err != nil {
		return fmt.Errorf("write metadata %s: %w", name, err)
	}
	return nil
}

// versions lists the numbers of a role's files, the newest first.
func (f folder) versions(role keyring.Role) ([]int64, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, fmt.Errorf("list metadata: %w", err)
	}
	var list []int64
	for _, e := range entries {
		if m := versioned.FindStringSubmatch(e.Name()); m != nil && m[2] == string(role) {
			n, _ := strconv.ParseInt(m[1], 10, 64) // up to 18 digits, as the pattern says
			list = append(list, n)
		}
	}
	slices.Sort(list)
	slices.Reverse(list)
	return list, nil
}

// prune removes what no board asks for any more. Roots stay: a board that was
// away for years follows them one by one.
func (f folder) prune() error {
	var errs []error
	for _, role := range []keyring.Role{keyring.TargetsRole, keyring.SnapshotRole} {
		list, err := f.versions(role)
		if err != nil {
			return err
		}
		for _, n := range list[min(keptVersions, len(list)):] {
			errs = append(errs, os.Remove(filepath.Join(string(f), nameOf(role, n))))
		}
	}
	return errors.Join(errs...)
}

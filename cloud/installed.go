package cloud

import (
	"os"
	"path/filepath"
)

// Places of an installed hub.
const (
	installedPrograms = "/usr/bin"
	InstalledConfig   = "/etc/gourdian/hub.yaml"
)

// DefaultFile is the config file where none is named: that of the package for
// the program that came with it, none for any other. A backup made by hand is
// then of the hub that the service runs.
func DefaultFile(program string) string {
	if filepath.Dir(program) != installedPrograms {
		return ""
	}
	if _, err := os.Stat(InstalledConfig); err != nil {
		return ""
	}
	return InstalledConfig
}

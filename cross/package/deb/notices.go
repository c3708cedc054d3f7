package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// writeNotices writes go-packages.txt into dir: every Go module that is linked
// into one of the programs, with its licence as its authors wrote it. The
// licences ask for that wherever the programs go.
func writeNotices(dir string, programs []string) error {
	linked, err := linkedModules(programs)
	if err != nil {
		return err
	}
	folders, err := moduleFolders()
	if err != nil {
		return err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "The programs of this package are linked with these Go packages.\n")
	for _, module := range linked {
		name, _, _ := strings.Cut(module, "@")
		folder, found := folders[module]
		if !found {
			return fmt.Errorf("%s is linked and the checkout does not know it: build again", module)
		}
		if err := appendLicences(&text, name, folder); err != nil {
			return err
		}
	}
	goRoot, err := goEnv("GOROOT")
	if err != nil {
		return err
	}
	if err := appendLicences(&text, "the Go standard library", goRoot); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go-packages.txt"), text.Bytes(), 0o644)
}

// linkedModules are the modules of programs, as path@version, sorted.
func linkedModules(programs []string) ([]string, error) {
	if len(programs) == 0 {
		return nil, errors.New("the package holds no program")
	}
	var linked []string
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", program, err)
		}
		for _, module := range info.Deps {
			linked = append(linked, module.Path+"@"+module.Version)
		}
	}
	slices.Sort(linked)
	return slices.Compact(linked), nil
}

// moduleFolders are the folders of the modules that the checkout uses, by
// path@version.
func moduleFolders() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-m", "-json", "all").Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	folders := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var module struct{ Path, Version, Dir string }
		if err := decoder.Decode(&module); errors.Is(err, io.EOF) {
			return folders, nil
		} else if err != nil {
			return nil, err
		}
		if module.Dir != "" {
			folders[module.Path+"@"+module.Version] = module.Dir
		}
	}
}

func goEnv(name string) (string, error) {
	out, err := exec.Command("go", "env", name).Output()
	return strings.TrimSpace(string(out)), err
}

// appendLicences adds the licence and notice files of a folder.
func appendLicences(text *bytes.Buffer, name, folder string) error {
	entries, err := os.ReadDir(folder) // sorted
	if err != nil {
		return err
	}
	found := false
	for _, entry := range entries {
		upper := strings.ToUpper(entry.Name())
		is := slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, func(start string) bool {
			return strings.HasPrefix(upper, start)
		})
		if !is || !entry.Type().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(text, "\n%s\n%s, %s\n\n%s\n", strings.Repeat("-", 72), name, entry.Name(), bytes.TrimSpace(data))
		found = true
	}
	if !found {
		return fmt.Errorf("%s has no licence file in %s", name, folder)
	}
	return nil
}

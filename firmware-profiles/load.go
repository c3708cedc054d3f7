package profiles

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml
var files embed.FS

// All returns every profile, sorted by name.
func All() ([]Profile, error) { return load(files) }

// ByName returns the profile of that name; the error lists the names there are.
func ByName(name string) (Profile, error) {
	all, err := All()
	if err != nil {
		return Profile{}, err
	}
	names := make([]string, 0, len(all))
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Profile{}, fmt.Errorf("no profile %q, there are: %s", name, strings.Join(names, ", "))
}

// Machine is what is known of a board before its profile is chosen.
type Machine struct {
	Arch       string // GOARCH
	DeviceTree string // content of /proc/device-tree/model, "" where there is none
	CPUClass   string // see Profile.CPUClass
	MemoryMB   int    // as the system reports it, 0 = unknown
}

// Match returns the profile for a board: of those that fit, the one with the
// longest start of its device tree, else with its processor; of equals the one
// for the most memory. Any board of an architecture that has a profile without
// either gets at least that one, whatever its memory.
func Match(m Machine) (Profile, error) {
	all, err := All()
	if err != nil {
		return Profile{}, err
	}
	return match(all, m)
}

func match(all []Profile, m Machine) (Profile, error) {
	m.DeviceTree = strings.TrimRight(m.DeviceTree, "\x00\n ")
	best, bestFit := -1, -1
	for i, p := range all {
		fit := p.fit(m)
		if fit > bestFit || fit >= 0 && fit == bestFit && p.MinMemoryMB > all[best].MinMemoryMB {
			best, bestFit = i, fit
		}
	}
	if best < 0 {
		return Profile{}, fmt.Errorf("no profile for a board with the processor %s (model %q)", m.Arch, m.DeviceTree)
	}
	return all[best], nil
}

// fit is how exactly a profile names a machine: the length of the start of its
// device tree above 1, 1 for its processor, 0 for any machine of the
// architecture, -1 where it is for others.
func (p *Profile) fit(m Machine) int {
	if p.Arch != m.Arch {
		return -1
	}
	if len(p.DeviceTree) == 0 && p.CPUClass == "" {
		return 0
	}
	if m.MemoryMB < p.MinMemoryMB {
		return -1
	}
	fit := -1
	if p.CPUClass != "" && p.CPUClass == m.CPUClass && m.DeviceTree == "" {
		fit = 1
	}
	for _, start := range p.DeviceTree {
		if strings.HasPrefix(m.DeviceTree, start) {
			fit = max(fit, 1+len(start))
		}
	}
	return fit
}

func load(fsys fs.FS) ([]Profile, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, err
	}
	all := make([]Profile, 0, len(names))
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read profile: %w", err)
		}
		p, err := decode(data)
		if err == nil && p.Name+".yaml" != path.Base(name) {
			err = fmt.Errorf("name: %q in a file of another name", p.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("profile %s: %w", name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// decode reads one profile strictly: a key that Profile does not have is an
// error with its path, for a misspelt limit is no limit.
func decode(data []byte) (Profile, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return Profile{}, err
	}
	if len(doc.Content) != 1 {
		return Profile{}, errors.New("empty")
	}
	if err := refuseUnknown(doc.Content[0], reflect.TypeFor[Profile](), ""); err != nil {
		return Profile{}, err
	}
	var p Profile
	if err := doc.Decode(&p); err != nil {
		return Profile{}, err
	}
	return p, p.Validate()
}

// refuseUnknown compares the keys of node with the yaml tags of the struct t,
// and those of a list's entries with the tags of their struct.
func refuseUnknown(node *yaml.Node, t reflect.Type, path string) error {
	var errs []error
	switch {
	case t.Kind() == reflect.Slice && node.Kind == yaml.SequenceNode:
		for i, entry := range node.Content {
			errs = append(errs, refuseUnknown(entry, t.Elem(), fmt.Sprintf("%s%d.", path, i)))
		}
	case t.Kind() == reflect.Struct && node.Kind == yaml.MappingNode:
		fields := map[string]reflect.Type{}
		for i := range t.NumField() {
			fields[t.Field(i).Tag.Get("yaml")] = t.Field(i).Type
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			field, known := fields[key.Value]
			if !known {
				errs = append(errs, fmt.Errorf("%s%s: unknown key in line %d", path, key.Value, key.Line))
				continue
			}
			errs = append(errs, refuseUnknown(node.Content[i+1], field, path+key.Value+"."))
		}
	}
	return errors.Join(errs...)
}

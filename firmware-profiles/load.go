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

// Match returns the profile of the board whose /proc/device-tree/model is given
// ("" where there is none): the one with the longest fitting start, else the
// one for any board of goarch.
func Match(deviceTreeModel, goarch string) (Profile, error) {
	all, err := All()
	if err != nil {
		return Profile{}, err
	}
	return match(all, deviceTreeModel, goarch)
}

func match(all []Profile, model, goarch string) (Profile, error) {
	model = strings.TrimRight(model, "\x00\n ")
	best, bestLength := -1, -1
	for i, p := range all {
		if p.Arch != goarch {
			continue
		}
		if len(p.DeviceTree) == 0 && bestLength < 0 {
			best, bestLength = i, 0
		}
		for _, start := range p.DeviceTree {
			if strings.HasPrefix(model, start) && len(start) > bestLength {
				best, bestLength = i, len(start)
			}
		}
	}
	if best < 0 {
		return Profile{}, fmt.Errorf("no profile for a board with the processor %s (model %q)", goarch, model)
	}
	return all[best], nil
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

// refuseUnknown compares the keys of node with the yaml tags of the struct t.
func refuseUnknown(node *yaml.Node, t reflect.Type, path string) error {
	if t.Kind() != reflect.Struct || node.Kind != yaml.MappingNode {
		return nil
	}
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		fields[t.Field(i).Tag.Get("yaml")] = t.Field(i).Type
	}
	var errs []error
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		field, known := fields[key.Value]
		if !known {
			errs = append(errs, fmt.Errorf("%s%s: unknown key in line %d", path, key.Value, key.Line))
			continue
		}
		errs = append(errs, refuseUnknown(node.Content[i+1], field, path+key.Value+"."))
	}
	return errors.Join(errs...)
}

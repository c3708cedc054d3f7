package cloud

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"gourdian/cloud/internal/setting"
	"gourdian/internal/configfile"
)

// EnvPrefix begins the environment variables that override the config file:
// GOURDIAN_HUB_LISTEN_PLAIN is listen_plain, GOURDIAN_HUB_WORKERS_INFER is
// workers.infer.
const EnvPrefix = "GOURDIAN_HUB_"

// Load reads the config: defaults, then the file (none where path is ""), then
// the environment as os.Environ gives it. It refuses keys that it does not know
// and values out of range, each with its path.
func Load(path string, environ []string, defaults Config) (Config, error) {
	tree := map[string]any{}
	if path != "" {
		var err error
		if tree, err = configfile.Read(path); err != nil {
			return Config{}, err
		}
	}
	environ = slices.Clone(environ)
	slices.Sort(environ)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if rest, found := strings.CutPrefix(name, EnvPrefix); found {
			if err := set(tree, strings.ToLower(rest), value); err != nil {
				return Config{}, fmt.Errorf("environment variable %s: %w", name, err)
			}
		}
	}
	config := defaults
	if err := configfile.Decode(tree, &config); err != nil {
		return Config{}, err
	}
	if err := config.Validate(); err != nil {
		return Config{}, fmt.Errorf("config: %w", err)
	}
	config.fixed = named(tree)
	return config, nil
}

// named are the settings of the page that file or environment name.
func named(tree map[string]any) []string {
	var keys []string
	for _, f := range setting.Fields() {
		group, key, within := strings.Cut(f.Key, ".")
		value, found := tree[group]
		if within {
			inner, _ := value.(map[string]any)
			_, found = inner[key]
		}
		if found {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// set puts the value of a variable into the tree. Some keys have an underscore
// of their own, so a whole name goes before a path. A list is split at commas.
func set(tree map[string]any, name, value string) error {
	config := reflect.TypeFor[Config]()
	for i := range config.NumField() {
		field := config.Field(i)
		key := field.Tag.Get("koanf")
		rest, within := strings.CutPrefix(name, key+"_")
		switch {
		case name == key && field.Type.Kind() == reflect.Slice:
			tree[key] = strings.Split(value, ",")
			return nil
		case name == key && field.Type.Kind() != reflect.Struct:
			tree[key] = value
			return nil
		case within && field.Type.Kind() == reflect.Struct:
			group, ok := tree[key].(map[string]any)
			if !ok {
				group = map[string]any{}
				tree[key] = group
			}
			group[rest] = value // decode refuses what it does not know
			return nil
		}
	}
	return fmt.Errorf("the config has no key %s", name)
}

// Print writes the config in force as YAML, without passwords.
func (c *Config) Print(w io.Writer) error {
	return configfile.Print(w, c.tree())
}

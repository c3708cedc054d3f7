package cloud

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// EnvPrefix begins the environment variables that override the config file:
// GOURDIAN_HUB_LISTEN_PLAIN is listen_plain, GOURDIAN_HUB_WORKERS_INFER is
// workers.infer.
const EnvPrefix = "GOURDIAN_HUB_"

// maxConfig bounds a config file in bytes.
const maxConfig = 1 << 20

// Load reads the config: defaults, then the file (none where path is ""), then
// the environment as os.Environ gives it. It refuses keys that it does not know
// and values out of range, each with its path.
func Load(path string, environ []string, defaults Config) (Config, error) {
	tree := map[string]any{}
	if path != "" {
		var err error
		if tree, err = readFile(path); err != nil {
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
	if err := decode(tree, &config); err != nil {
		return Config{}, err
	}
	if err := config.Validate(); err != nil {
		return Config{}, fmt.Errorf("config: %w", err)
	}
	return config, nil
}

func readFile(path string) (map[string]any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	if len(data) > maxConfig {
		return nil, fmt.Errorf("read config: %s is larger than %d bytes", path, maxConfig)
	}
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, err)
	}
	return k.Raw(), nil
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

func decode(tree map[string]any, into *Config) error {
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(tree, ""), nil); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	err := k.UnmarshalWithConf("", into, koanf.UnmarshalConf{
		Tag:           "koanf",
		DecoderConfig: &mapstructure.DecoderConfig{Result: into, ErrorUnused: true, WeaklyTypedInput: true, TagName: "koanf"},
	})
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return nil
}

// Print writes the config in force as YAML, without passwords.
func (c *Config) Print(w io.Writer) error {
	text, err := yaml.Parser().Marshal(c.tree())
	if err != nil {
		return fmt.Errorf("print config: %w", err)
	}
	_, err = w.Write(text)
	return err
}

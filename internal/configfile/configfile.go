// Package configfile reads the configuration of a program: a YAML file becomes a
// tree, the tree a struct whose fields have koanf tags. A key that the struct
// does not have is refused with its path, for a misspelt limit is no limit.
package configfile

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// MaxFile bounds a config file in bytes.
const MaxFile = 1 << 20

// Read returns what stands in a file.
func Read(path string) (map[string]any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("read config: %s is larger than %d bytes", path, MaxFile)
	}
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, err)
	}
	return k.Raw(), nil
}

// Decode puts a tree into the struct that into points to. What the tree does
// not name stays as it is; texts become numbers where a field is one.
func Decode(tree map[string]any, into any) error {
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

// Print writes a tree as YAML.
func Print(w io.Writer, tree map[string]any) error {
	text, err := yaml.Parser().Marshal(tree)
	if err != nil {
		return fmt.Errorf("print config: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// Level returns the level of a log by its name: "debug", "info", "warn" or
// "error".
func Level(name string) (slog.Level, error) {
	names := []string{"debug", "info", "warn", "error"}
	if !slices.Contains(names, name) {
		return 0, fmt.Errorf("%q is none of %s", name, strings.Join(names, ", "))
	}
	var level slog.Level
	return level, level.UnmarshalText([]byte(name))
}

package agent

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gourdian/internal/capture"
	"gourdian/internal/configfile"
)

// EnvPrefix begins the environment variables that override the config file:
// GOURDIAN_AGENT_MODEL_BUNDLE is model.bundle, GOURDIAN_AGENT_CAMERAS_0_SOURCE
// the source of the first camera.
const EnvPrefix = "GOURDIAN_AGENT_"

// Load reads the config: defaults, then the file (none where path is ""), then
// the environment as os.Environ gives it. It refuses keys that it does not
// know and values out of range, each with its path.
func Load(path string, environ []string, defaults Config) (Config, error) {
	tree := map[string]any{}
	if path != "" {
		var err error
		if tree, err = configfile.Read(path); err != nil {
			return Config{}, err
		}
	}
	for _, v := range variables(environ) {
		if err := set(tree, v.path, v.value); err != nil {
			return Config{}, fmt.Errorf("environment variable %s: %w", v.name, err)
		}
	}
	config := defaults
	if err := configfile.Decode(tree, &config); err != nil {
		return Config{}, err
	}
	if config.Model.Bundle == "" {
		config.Model.Bundle = filepath.Join(config.Data, modelName)
	}
	if err := config.Validate(); err != nil {
		return Config{}, fmt.Errorf("config: %w", err)
	}
	return config, nil
}

// variable is one of the environment that names a key of the config.
type variable struct {
	name  string
	path  []string
	value string
}

// variables returns ours in the order of their paths, so that a list grows by
// its next index however the environment is sorted.
func variables(environ []string) []variable {
	var ours []variable
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if rest, found := strings.CutPrefix(name, EnvPrefix); found {
			ours = append(ours, variable{name, strings.Split(strings.ToLower(rest), "_"), value})
		}
	}
	slices.SortStableFunc(ours, func(a, b variable) int { return slices.CompareFunc(a.path, b.path, compareSteps) })
	return ours
}

// compareSteps orders list indexes as numbers and keys as text.
func compareSteps(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}

// set puts value at a path of map keys and slice indexes.
func set(node map[string]any, path []string, value string) error {
	key := path[0]
	if len(path) == 1 {
		node[key] = value
		return nil
	}
	if index, err := strconv.Atoi(path[1]); err == nil {
		list, _ := node[key].([]any)
		if index < 0 || index > len(list) || len(path) < 3 {
			return fmt.Errorf("%s has %d entries, so %d can't be set", key, len(list), index)
		}
		if index == len(list) {
			list = append(list, map[string]any{})
		}
		node[key] = list
		entry, ok := list[index].(map[string]any)
		if !ok {
			return fmt.Errorf("%s.%d is no entry with keys", key, index)
		}
		return set(entry, path[2:], value)
	}
	child, ok := node[key].(map[string]any)
	if !ok {
		child = map[string]any{}
		node[key] = child
	}
	return set(child, path[1:], value)
}

// Print writes the config in force as YAML, without passwords.
func (c Config) Print(w io.Writer) error {
	cameras := make([]any, len(c.Cameras))
	for i, camera := range c.Cameras {
		source := "(unreadable)"
		if a, err := capture.Parse(camera.Source); err == nil {
			source = a.String()
		}
		cameras[i] = map[string]any{"id": camera.ID, "name": camera.Name, "source": source, "fps": camera.FPS}
	}
	return configfile.Print(w, map[string]any{
		"data": c.Data, "listen": c.Listen, "profile": c.Profile, "log": c.Log,
		"model": map[string]any{
			"bundle": c.Model.Bundle, "variant": c.Model.Variant,
			"provider": c.Model.Provider, "require": c.Model.Require, "onnxruntime": c.Model.OnnxRuntime,
		},
		"update":  map[string]any{"frames": c.Update.Frames, "shadow": c.Update.Shadow, "soak": c.Update.Soak},
		"workers": map[string]any{"camera": c.Workers.Camera, "infer": c.Workers.Infer},
		"cameras": cameras,
	})
}

// Level is the least level that is logged.
func (c Config) Level() slog.Level {
	level, err := configfile.Level(c.Log)
	if err != nil {
		return slog.LevelInfo // Validate refused it before
	}
	return level
}

package agent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gourdian/agent/internal/settings"
	profiles "gourdian/firmware-profiles"
	"gourdian/internal/capture"
	"gourdian/internal/configfile"
	"gourdian/internal/infer"
)

// InstalledData is where an installed agent keeps its data.
const InstalledData = "/var/lib/gourdian/agent"

// modelName is the bundle in the data folder where the config names none.
const modelName = "model.gourdian"

// maxCameras bounds what one board is asked to look through.
const maxCameras = 16

// Config is all that is fixed while the agent runs. What the farmer changes on
// the page lives in the store, see package settings.
type Config struct {
	Data    string   `koanf:"data"`    // folder of records, pictures and settings; made when missing
	Listen  string   `koanf:"listen"`  // address of the device page, host:port
	Profile string   `koanf:"profile"` // board profile by name; "" = by the board's device tree
	Log     string   `koanf:"log"`     // "debug", "info", "warn" or "error"
	Model   Model    `koanf:"model"`
	Update  Update   `koanf:"update"`
	Workers Workers  `koanf:"workers"`
	Cameras []Camera `koanf:"cameras"`
}

// Update says how a model from the hub has to prove itself here.
type Update struct {
	Frames int `koanf:"frames"` // scored by the old and the new model, 0..100000
	Shadow int `koanf:"shadow"` // seconds for them at most, 1..86400
	Soak   int `koanf:"soak"`   // seconds under watch once it serves, 1..604800
}

// Model says what looks at the pictures.
type Model struct {
	Bundle      string `koanf:"bundle"`      // path of the bundle; "" = model.gourdian in the data folder
	Variant     string `koanf:"variant"`     // "" = the fastest one of the profile that is right here
	Provider    string `koanf:"provider"`    // several by commas in order of preference; "" = the profile's
	Require     string `koanf:"require"`     // provider without which nothing is judged; "" = the profile's
	OnnxRuntime string `koanf:"onnxruntime"` // path of the library; "" = the worker looks for it
}

// Workers are the paths of the worker programs; "" = beside the agent.
type Workers struct {
	Camera string `koanf:"camera"`
	Infer  string `koanf:"infer"`
}

// Camera is one camera of the board.
type Camera struct {
	ID     string  `koanf:"id"`     // short and for ever: it stands in every record
	Name   string  `koanf:"name"`   // first name for people; they may change it on the page
	Source string  `koanf:"source"` // see docs/adding-a-camera.md
	FPS    float64 `koanf:"fps"`    // first rate of scored frames, 0.2..30; 0 = the profile's
}

// Default is the config where nothing is said. dir is the folder that the
// program was started in: a checkout keeps its data in its cache.
func Default(dir string) Config {
	data := InstalledData
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		data = filepath.Join(dir, ".cache", "agent")
	}
	return Config{Data: data, Listen: ":8080", Log: "info", Update: Update{Frames: 200, Shadow: 600, Soak: 600}}
}

// Validate reports every problem with its path.
func (c *Config) Validate() error {
	var errs []error
	if c.Data == "" {
		errs = append(errs, errors.New("data: name a folder for records and pictures"))
	}
	if err := checkListen(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen: %w", err))
	}
	if _, err := configfile.Level(c.Log); err != nil {
		errs = append(errs, fmt.Errorf("log: %w", err))
	}
	if c.Profile != "" {
		if _, err := profiles.ByName(c.Profile); err != nil {
			errs = append(errs, fmt.Errorf("profile: %w", err))
		}
	}
	if _, err := infer.ParseProviders(c.Model.Provider); err != nil {
		errs = append(errs, fmt.Errorf("model.provider: %w", err))
	}
	if c.Model.Require != "" && !slices.Contains(infer.Providers(), c.Model.Require) {
		errs = append(errs, fmt.Errorf("model.require: %q is none of %s", c.Model.Require, strings.Join(infer.Providers(), ", ")))
	}
	errs = append(errs, c.Update.validate()...)
	if len(c.Cameras) > maxCameras {
		errs = append(errs, fmt.Errorf("cameras: %d of them, at most %d", len(c.Cameras), maxCameras))
	}
	seen := map[string]bool{}
	for i, camera := range c.Cameras {
		if err := camera.validate(seen); err != nil {
			errs = append(errs, fmt.Errorf("cameras.%d: %w", i, err))
		}
		seen[camera.ID] = true
	}
	return errors.Join(errs...)
}

func (u Update) validate() (errs []error) {
	for _, limit := range []struct {
		key              string
		value, low, high int
	}{{"frames", u.Frames, 0, 100_000}, {"shadow", u.Shadow, 1, 86_400}, {"soak", u.Soak, 1, 604_800}} {
		if limit.value < limit.low || limit.value > limit.high {
			errs = append(errs, fmt.Errorf("update.%s: %d is outside %d..%d", limit.key, limit.value, limit.low, limit.high))
		}
	}
	return errs
}

var cameraID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func (c *Camera) validate(seen map[string]bool) error {
	var errs []error
	switch {
	case !cameraID.MatchString(c.ID):
		errs = append(errs, fmt.Errorf("id: %q must be 1 to 32 lower-case letters, digits or hyphens", c.ID))
	case seen[c.ID]:
		errs = append(errs, fmt.Errorf("id: %q is taken by another camera", c.ID))
	}
	if _, err := capture.Parse(c.Source); err != nil {
		errs = append(errs, fmt.Errorf("source: %w", err))
	}
	odd := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	if utf8.RuneCountInString(c.Name) > settings.MaxName || strings.ContainsFunc(c.Name, odd) {
		errs = append(errs, fmt.Errorf("name: at most %d printable characters", settings.MaxName))
	}
	if c.FPS != 0 && !(c.FPS >= settings.MinFPS && c.FPS <= settings.MaxFPS) { // also when it is not a number
		errs = append(errs, fmt.Errorf("fps: %g is outside %g..%d", c.FPS, settings.MinFPS, settings.MaxFPS))
	}
	return errors.Join(errs...)
}

func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no host:port (such as :8080)", address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q has no port between 0 and 65535", address)
	}
	return nil
}

package fleet

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"gourdian/internal/wire"
)

// Setting is one that may be desired of a board, which checks again.
type Setting struct {
	Key      string // as the board writes it; a point leads into an object
	Min, Max float64
	Step     float64  // 0 = it is no number
	Choices  []string // of texts
}

// Number, choice or, with neither, on and off.
func (s Setting) Number() bool { return s.Step != 0 }

// Settings are those of a board as a whole.
func Settings() []Setting {
	return []Setting{
		{Key: "language", Choices: wire.Languages()},
		{Key: "keep_pictures_mb", Min: wire.MinKeepPicturesMB, Max: wire.MaxKeepPicturesMB, Step: 1},
		{Key: "samples.per_day", Min: wire.MinSamples, Max: wire.MaxSamples, Step: 1},
		{Key: "samples.mb_per_day", Min: wire.MinSamples, Max: wire.MaxSamples, Step: 1},
	}
}

// CameraSettings are those of each camera.
func CameraSettings() []Setting {
	return []Setting{
		{Key: "frames_per_second", Min: wire.MinFPS, Max: wire.MaxFPS, Step: 0.1},
		{Key: "sensitivity", Choices: wire.Sensitivities()},
		{Key: "night_pause"},
	}
}

// check says whether a value, as JSON has it, can be.
func (s Setting) check(value any) error {
	switch v := value.(type) {
	case float64:
		if s.Number() && v >= s.Min && v <= s.Max && (s.Step != 1 || v == math.Trunc(v)) {
			return nil
		}
	case string:
		if slices.Contains(s.Choices, v) {
			return nil
		}
	case bool:
		if !s.Number() && s.Choices == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %s can't be %.80v", ErrSettings, s.Key, value)
}

// Value finds what a key means in settings, nil = nothing.
func (s Setting) Value(in map[string]any) any {
	object, key := inside(in, s.Key)
	return object[key]
}

// Put writes a value where Value finds it.
func (s Setting) Put(in map[string]any, value any) {
	object, key := inside(in, s.Key)
	if object == nil { // samples is the only object, and one level deep
		object = map[string]any{}
		in["samples"] = object
	}
	object[key] = value
}

// inside is the object that a key leads into; only "samples" has one.
func inside(in map[string]any, key string) (map[string]any, string) {
	if rest, of := cut(key); of {
		object, _ := in["samples"].(map[string]any)
		return object, rest
	}
	return in, key
}

func cut(key string) (rest string, of bool) {
	const prefix = "samples."
	if len(key) > len(prefix) && key[:len(prefix)] == prefix {
		return key[len(prefix):], true
	}
	return key, false
}

// CheckSettings says whether settings, as JSON has them, can be desired of a
// board that reports these: only what it has may be named.
func CheckSettings(wanted, reported map[string]any) error {
	for key, value := range wanted {
		var err error
		switch key {
		case "cameras":
			err = checkCameras(value, reported)
		case "samples":
			object, ok := value.(map[string]any)
			if !ok {
				return fmt.Errorf("%w: samples is no object", ErrSettings)
			}
			for name, v := range object {
				err = checkOne(Settings(), "samples."+name, v)
				if err != nil {
					return err
				}
			}
		default:
			err = checkOne(Settings(), key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkOne(known []Setting, key string, value any) error {
	for _, s := range known {
		if s.Key == key {
			return s.check(value)
		}
	}
	return fmt.Errorf("%w: there is no %.80q", ErrSettings, key)
}

func checkCameras(value any, reported map[string]any) error {
	list, ok := value.([]any)
	if !ok {
		return fmt.Errorf("%w: cameras is no list", ErrSettings)
	}
	for _, one := range list {
		camera, _ := one.(map[string]any)
		id, _ := camera["id"].(string)
		if Camera(reported, id) == nil {
			return fmt.Errorf("%w: the board has no camera %.80q", ErrSettings, id)
		}
		for _, key := range slices.Sorted(maps.Keys(camera)) {
			if key == "id" {
				continue
			}
			if err := checkOne(CameraSettings(), key, camera[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Camera finds a camera's settings in those of a board, nil = there are none.
func Camera(in map[string]any, id string) map[string]any {
	list, _ := in["cameras"].([]any)
	for _, one := range list {
		if camera, _ := one.(map[string]any); camera != nil && id != "" && camera["id"] == id {
			return camera
		}
	}
	return nil
}

// Answer is what became of the settings that are desired of a board.
type Answer string

// Answers.
const (
	AsItIs   Answer = "none"    // nothing is desired
	Waiting  Answer = "waiting" // the board has not said yet
	Applied  Answer = "applied"
	Declined Answer = "refused"
)

// Answered tells what the board made of what is desired, and why it refused.
func (b Board) Answered() (Answer, string) {
	state, ok := b.Reported()
	switch {
	case b.Settings == "" || b.Settings == "{}" || b.Wish == 0:
		return AsItIs, ""
	case !ok || state.Desired.Version != uint64(b.Wish):
		return Waiting, ""
	case state.Desired.Error != "":
		return Declined, wire.Text(state.Desired.Error, wire.MaxText)
	}
	return Applied, ""
}

package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// Keeper keeps settings over restarts; *store.Store is one. LoadSettings
// returns nil while nothing was saved.
type Keeper interface {
	LoadSettings(ctx context.Context) (json.RawMessage, error)
	SaveSettings(ctx context.Context, data json.RawMessage) error
}

// Decode reads settings as the page or the API sends them. Fields that it does
// not know are refused, so that a slip of the pen is no silent loss.
func Decode(data []byte) (Settings, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var s Settings
	if err := d.Decode(&s); err != nil {
		return Settings{}, fmt.Errorf("read settings: %w", err)
	}
	if d.More() {
		return Settings{}, fmt.Errorf("read settings: something follows the object")
	}
	return s, nil
}

// Load returns the saved settings, fitted to the cameras that the board has
// now: a new camera gets its first settings, one that is gone is left out.
// Where nothing was saved, first is returned. With an error, which says why
// what was saved can't be used, comes first too: the board runs on.
func Load(ctx context.Context, k Keeper, first Settings) (Settings, error) {
	data, err := k.LoadSettings(ctx)
	if err != nil || data == nil {
		return first.Clone(), err
	}
	s := Settings{Samples: first.Samples} // an older program saved none
	// Unknown fields are from a newer program: they are left out.
	if err := json.Unmarshal(data, &s); err != nil {
		return first.Clone(), fmt.Errorf("read saved settings: %w", err)
	}
	s.Cameras = fit(s.Cameras, first.Cameras)
	if err := s.Validate(); err != nil {
		return first.Clone(), fmt.Errorf("saved settings: %w", err)
	}
	return s, nil
}

// fit returns the board's cameras in its order, each as it was saved.
func fit(saved, board []Camera) []Camera {
	fitted := Settings{Cameras: board}.Clone().Cameras
	for i := range fitted {
		at := slices.IndexFunc(saved, func(c Camera) bool { return c.ID == fitted[i].ID })
		if at >= 0 {
			fitted[i] = saved[at]
		}
	}
	return fitted
}

// Save keeps valid settings; they are on disk when it returns.
func Save(ctx context.Context, k Keeper, s Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return k.SaveSettings(ctx, data)
}

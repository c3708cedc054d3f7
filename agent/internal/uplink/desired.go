package uplink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"gourdian/agent/internal/settings"
	"gourdian/internal/wire"
)

// heardDesired applies what the hub wants, once for each version: afterwards
// the farmer may change it on the page.
func (u *Uplink) heardDesired(ctx context.Context, payload []byte) error {
	d, err := wire.DecodeDesired(payload)
	if err != nil {
		return err
	}
	if d.Site != "" {
		u.status.Site = d.Site
	}
	u.wantModel(d)
	if d.Version == 0 || d.Version == u.memory.Desired.Version {
		return nil
	}
	answer := wire.DesiredState{Version: d.Version}
	wanted, err := merge(u.config.Board.State().Settings, d)
	if err == nil {
		err = u.config.Control.Apply(ctx, wanted)
		var problems settings.Problems
		if err != nil && !errors.As(err, &problems) {
			return fmt.Errorf("apply settings of version %d: %w", d.Version, err) // the hub says it again
		}
	}
	if err != nil {
		answer.Error = wire.Text(err.Error(), wire.MaxText)
	}
	u.config.Log.Info("the hub wants other settings", "version", d.Version, "refused", answer.Error)
	u.memory.Desired = answer
	return u.remember(ctx)
}

// merge returns settings with what the hub wants to change in them. Cameras are
// found by id, and of each only what is said changes.
func merge(now settings.Settings, d wire.Desired) (settings.Settings, error) {
	all, err := toMap(now)
	if err != nil {
		return settings.Settings{}, err
	}
	for key, value := range d.Settings {
		switch key {
		case "cameras":
			err = mergeCameras(all, value)
		case "samples":
			err = mergeSamples(all, value)
		default:
			all[key] = value
		}
		if err != nil {
			return settings.Settings{}, err
		}
	}
	if d.Name != "" {
		all["board_name"] = d.Name
	}
	data, err := json.Marshal(all)
	if err != nil {
		return settings.Settings{}, fmt.Errorf("write settings: %w", err)
	}
	wanted, err := settings.Decode(data)
	if err == nil && wanted.Samples.Send && !now.Samples.Send {
		err = errPrivate
	}
	return wanted, err
}

// errPrivate says that only the farmer lets pictures leave the board.
var errPrivate = errors.New("samples.send: on this board pictures were told to stay; only its own page changes that")

// mergeSamples changes what is said and nothing else.
func mergeSamples(all map[string]any, value any) error {
	changes, ok := value.(map[string]any)
	samples, _ := all["samples"].(map[string]any)
	if !ok || samples == nil {
		return errors.New("samples: not an object")
	}
	maps.Copy(samples, changes)
	return nil
}

func mergeCameras(all map[string]any, value any) error {
	wanted, ok := value.([]any)
	if !ok {
		return errors.New("cameras: not a list")
	}
	cameras, _ := all["cameras"].([]any)
	for _, w := range wanted {
		changes, ok := w.(map[string]any)
		if !ok {
			return errors.New("cameras: one is no object")
		}
		camera := cameraOf(cameras, changes["id"])
		if camera == nil {
			return fmt.Errorf("cameras: the board has no camera %q", fmt.Sprint(changes["id"]))
		}
		for key, v := range changes {
			camera[key] = v
		}
	}
	return nil
}

func cameraOf(cameras []any, id any) map[string]any {
	for _, c := range cameras {
		if camera, ok := c.(map[string]any); ok && camera["id"] == id {
			return camera
		}
	}
	return nil
}

// toMap gives settings the form in which they travel.
func toMap(s settings.Settings) (map[string]any, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	return m, nil
}

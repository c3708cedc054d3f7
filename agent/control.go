package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
)

// control keeps the settings in force: those of the store, or the first ones.
type control struct {
	store *store.Store
	hub   *live.Hub

	mu  sync.Mutex
	now settings.Settings // guarded by mu
}

// firstSettings are those of a board on which nobody has changed any.
func (b *board) firstSettings() settings.Settings {
	cameras := make([]settings.Camera, len(b.config.Cameras))
	for i, c := range b.config.Cameras {
		fps := c.FPS
		if fps == 0 {
			fps = b.profile.Camera.FramesPerSecond
		}
		cameras[i] = settings.Camera{ID: c.ID, Name: c.Name, FramesPerSecond: fps}
	}
	first := settings.Default(cameras)
	first.KeepPicturesMB = b.profile.Store.PicturesMB
	return first
}

// newControl takes the kept settings over the first ones. Cameras follow the
// config: one that is new there gets its first settings, one that left it is
// forgotten.
func newControl(ctx context.Context, s *store.Store, hub *live.Hub, first settings.Settings) (*control, error) {
	c := &control{store: s, hub: hub, now: first}
	data, err := s.LoadSettings(ctx)
	if err != nil {
		return nil, fmt.Errorf("load settings: %w", err)
	}
	if data != nil {
		var kept settings.Settings
		if err := json.Unmarshal(data, &kept); err != nil {
			return nil, fmt.Errorf("load settings: %w", err)
		}
		c.now = merge(kept, first)
		if err := c.now.Validate(); err != nil {
			return nil, fmt.Errorf("load settings: %w", err)
		}
	}
	c.enforce(c.now)
	return c, nil
}

func merge(kept, first settings.Settings) settings.Settings {
	for i, camera := range first.Cameras {
		at := slices.IndexFunc(kept.Cameras, func(k settings.Camera) bool { return k.ID == camera.ID })
		if at >= 0 {
			first.Cameras[i] = kept.Cameras[at]
		}
	}
	kept.Cameras = first.Cameras
	return kept
}

// Apply implements page.Control: it checks the settings, keeps them and puts
// them in force. Pipelines take them over between two frames.
func (c *control) Apply(ctx context.Context, s settings.Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keep settings: %w", err)
	}
	if err := c.store.SaveSettings(ctx, data); err != nil {
		return fmt.Errorf("keep settings: %w", err)
	}
	c.enforce(s)
	return nil
}

func (c *control) enforce(s settings.Settings) {
	c.mu.Lock()
	c.now = s.Clone()
	c.mu.Unlock()
	c.hub.SetSettings(s)
	c.store.SetPictureQuota(s.KeepPicturesMB)
}

// camera returns a function that gives one camera's settings in force.
func (c *control) camera(id string) func() settings.Camera {
	return func() settings.Camera {
		c.mu.Lock()
		defer c.mu.Unlock()
		at := slices.IndexFunc(c.now.Cameras, func(k settings.Camera) bool { return k.ID == id })
		if at < 0 {
			return settings.Camera{ID: id, Name: id}
		}
		return c.now.Cameras[at]
	}
}

package agent

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
)

// settingsDamaged is the condition of a board whose saved settings can't be used.
const settingsDamaged = "settings_damaged"

// settingsKeeper keeps settings over restarts and holds pictures to their
// quota; *store.Store is one.
type settingsKeeper interface {
	settings.Keeper
	SetPictureQuota(mb int) error
}

// control keeps the settings in force: those of the store, or the first ones.
type control struct {
	keeper  settingsKeeper
	hub     *live.Hub
	cameras []string // ids of the board's cameras

	applying sync.Mutex // held by Apply: what is kept last is in force last

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

// newControl takes the kept settings over the first ones. Kept ones that can't
// be used cost themselves, not the board: it runs on the first ones and says so.
func newControl(ctx context.Context, k settingsKeeper, hub *live.Hub, first settings.Settings, log *slog.Logger) *control {
	c := &control{keeper: k, hub: hub}
	for _, camera := range first.Cameras {
		c.cameras = append(c.cameras, camera.ID)
	}
	inForce, err := settings.Load(ctx, k, first)
	if err != nil {
		log.Error("saved settings can't be used", "error", err)
		hub.Raise(live.Condition{Code: settingsDamaged, Severity: live.Warning, Args: map[string]string{"why": err.Error()}})
	}
	if err := c.enforce(inForce); err != nil {
		log.Error("put settings in force", "error", err)
	}
	return c
}

// Apply implements page.Control: it checks the settings, keeps them and puts
// them in force. Pipelines take them over between two frames.
func (c *control) Apply(ctx context.Context, s settings.Settings) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	if err := s.ValidateFor(c.cameras); err != nil {
		return err
	}
	if err := settings.Save(ctx, c.keeper, s); err != nil {
		return err
	}
	c.hub.Clear(settingsDamaged, "")
	return c.enforce(s)
}

func (c *control) enforce(s settings.Settings) error {
	c.mu.Lock()
	c.now = s.Clone()
	c.mu.Unlock()
	c.hub.SetSettings(s)
	return c.keeper.SetPictureQuota(s.KeepPicturesMB)
}

// camera returns a function that gives one camera's settings in force.
func (c *control) camera(id string) func() settings.Camera {
	return func() settings.Camera {
		c.mu.Lock()
		defer c.mu.Unlock()
		at := slices.IndexFunc(c.now.Cameras, func(k settings.Camera) bool { return k.ID == id })
		if at < 0 { // settings of a board that left this camera out: as if new
			return settings.Default([]settings.Camera{{ID: id}}).Cameras[0]
		}
		return c.now.Cameras[at]
	}
}

package agent

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"gourdian/agent/internal/doctor"
	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/guard"
	"gourdian/agent/internal/live"
	"gourdian/agent/internal/page"
	"gourdian/agent/internal/pipeline"
	"gourdian/agent/internal/store"
	"gourdian/agent/internal/update"
	"gourdian/agent/internal/uplink"
	profiles "gourdian/firmware-profiles"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/service"
	"gourdian/internal/worker"
)

// Build says what program this is.
type Build struct {
	Version string
	Time    time.Time // the clock can't be right before this; zero where unknown
}

// board holds the parts while they are being wired.
type board struct {
	config  Config
	build   Build
	log     *slog.Logger
	profile profiles.Profile
	store   *store.Store
	hub     *live.Hub
	control *control
	engine  *engine.Engine
	update  *update.Update
	guard   *guard.Guard
	boot    string
	root    fs.FS // of the machine, for its sensors
	group   *service.Group
}

// Run is the board: it blocks until ctx is done or a part fails without which
// there is no board (the store, the page).
func Run(ctx context.Context, config Config, build Build, log *slog.Logger) error {
	return runOn(ctx, os.DirFS("/"), config, build, log)
}

// runOn is Run with the machine's sensors in the file system at root.
func runOn(ctx context.Context, root fs.FS, config Config, build Build, log *slog.Logger) (err error) {
	tap := uplink.NewTap(log.Handler())
	log = slog.New(tap)
	b := &board{config: config, build: build, log: log, root: root, group: service.New(log)}
	if b.profile, err = chooseProfile(config.Profile); err != nil {
		return err
	}
	debug.SetMemoryLimit(int64(b.profile.Memory.AgentMB) << 20)
	if b.boot, err = newBoot(); err != nil {
		return err
	}
	if err := b.openStore(); err != nil {
		return err
	}
	if err := doctor.Tidy(config.Data); err != nil {
		log.Warn("what a check of the disk left behind stays", "error", err)
	}
	defer func() {
		if closed := b.store.Close(); err == nil {
			err = closed
		}
	}()
	b.hub = live.NewHub(build.Version, b.store.Device())
	b.hub.SetKind(live.Kind{Profile: b.profile.Name, Description: b.profile.Description})
	b.control = newControl(ctx, b.store, b.hub, b.firstSettings(), log)
	b.addGuard()
	if err := b.addEngine(); err != nil {
		return err
	}
	for _, camera := range config.Cameras {
		b.addCamera(camera)
	}
	if err := b.addPage(); err != nil {
		return err
	}
	b.addUplink(tap)
	b.log.Info("board starts", "version", build.Version, "device", b.store.Device(),
		"profile", b.profile.Name, "cameras", len(config.Cameras), "data", config.Data)
	return b.group.Run(ctx)
}

func chooseProfile(name string) (profiles.Profile, error) {
	if name != "" {
		return profiles.ByName(name)
	}
	return profiles.Match(thisMachine())
}

func newBoot() (string, error) {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", fmt.Errorf("make a boot id: %w", err)
	}
	return hex.EncodeToString(id[:]), nil
}

func (b *board) openStore() error {
	s, err := store.Open(store.Options{
		Dir:            storeFolder(b.config),
		PictureQuotaMB: b.profile.Store.PicturesMB,
		RecordQuotaMB:  b.profile.Store.RecordsMB,
		MemTableMB:     b.profile.Store.MemtableMB,
		BlockCacheMB:   b.profile.Store.BlockCacheMB,
		IndexCacheMB:   b.profile.Store.IndexCacheMB,
		Location:       time.Local,
		Log:            b.log.With("part", "store"),
	})
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	b.store = s
	b.group.Add(service.Part{Name: "store", Policy: service.Fatal, Beats: true, Run: s.Run})
	return nil
}

func (b *board) addGuard() {
	b.guard = guard.New(guard.Config{
		Usage: b.store.Usage, Board: b.hub, Machine: guard.Linux{Data: b.config.Data},
		Sensors: guard.FileSensors{Root: b.root}, Thermal: b.profile.Thermal,
		MemoryMB: b.profile.Memory.AgentMB, Built: b.build.Time, Now: time.Now, Log: b.log.With("part", "guard"),
	})
	b.group.Add(service.Part{Name: "guard", Beats: true, Run: b.guard.Run})
}

func (b *board) engineConfig() engine.Config {
	return engine.Config{
		Bundle: b.config.Model.Bundle, Variant: b.config.Model.Variant, Variants: b.profile.Engine.Variants,
		Memory:  filepath.Join(b.config.Data, "engine", "variants.json"),
		Worker:  inferOptions(b.config, b.profile, b.log.With("part", "infer")),
		Version: b.build.Version, Log: b.log.With("part", "engine"),
	}
}

// inferOptions say how the model's worker runs on this board.
func inferOptions(config Config, profile profiles.Profile, log *slog.Logger) infer.Options {
	provider, require := config.Model.Provider, config.Model.Require
	if provider == "" { // who names providers means those, and not what the profile requires
		provider = strings.Join(profile.Engine.Providers, ",")
		require = cmp.Or(require, profile.Engine.Require)
	}
	return infer.Options{
		Program: config.Workers.Infer, Library: config.Model.OnnxRuntime, Provider: provider, Require: require,
		Threads: min(profile.Engine.MaxThreads, runtime.NumCPU()), MemoryMB: profile.Memory.InferMB, Log: log,
	}
}

// addCamera adds a camera's worker and pipeline. A camera that can't be
// started is said on the page and leaves the others alone.
func (b *board) addCamera(c Camera) {
	log := b.log.With("part", "camera", "camera", c.ID)
	inForce := b.control.camera(c.ID)
	address, err := capture.Parse(c.Source) // Validate has parsed it before
	if err == nil {
		b.hub.UpdateCamera(c.ID, func(s *live.Camera) { s.Source, s.Name = address.Scheme, inForce().Name })
	}
	spec, err := capture.CameraSpec(sized(c.Source, address, b.profile.Camera), capture.Options{
		Program: b.config.Workers.Camera, Threads: b.profile.Camera.Threads,
		MemoryMB: b.profile.Memory.CameraMB, Log: log,
	})
	if err != nil {
		log.Error("camera can't be started", "error", err)
		b.hub.Raise(live.Condition{Code: "camera_missing", Severity: live.Serious, Subject: c.ID, Args: map[string]string{"why": err.Error()}})
		return
	}
	supervised := worker.NewSupervised(spec)
	b.group.Add(service.Part{Name: "camera " + c.ID, Run: supervised.Run})
	p := pipeline.New(pipeline.Config{
		ID: c.ID, Camera: capture.NewCamera(supervised, address.Kind()),
		Scorer: b.engine, Keeper: b.store, Board: b.hub,
		Settings: inForce, Rate: b.guard.Rate, Clock: b.guard.Clock, Boot: b.boot, Log: log,
	})
	b.group.Add(service.Part{Name: "pipeline " + c.ID, Run: p.Run})
}

// sized asks a camera device for the profile's size where its address names
// none: drivers begin with anything from a thumbnail to what no board decodes.
func sized(source string, a capture.Address, p profiles.Camera) string {
	if a.Scheme != "device" || a.Number("width", 0) > 0 || a.Number("height", 0) > 0 {
		return source
	}
	separator := "?"
	if strings.Contains(source, separator) {
		separator = "&"
	}
	return fmt.Sprintf("%s%swidth=%d&height=%d", source, separator, p.Width, p.Height)
}

func (b *board) addPage() error {
	var p *page.Server
	var err error
	desk := b.newDesk(func() string {
		base, err := doctor.BaseOf(p.Addr())
		if err != nil {
			return b.config.Listen
		}
		return base
	})
	p, err = page.New(page.Options{
		Board: b.hub, History: b.store, Control: b.control, Doctor: desk, Models: b.update,
		DataDir: b.config.Data, Listen: b.config.Listen, Version: b.build.Version,
		Log: b.log.With("part", "page"), Location: time.Local,
	})
	if err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	b.group.Add(service.Part{Name: "page", Policy: service.Fatal, Beats: true, Run: p.Run, Ready: p.Ready()})
	return b.addWatch(p.HealthLine)
}

// addWatch tells the service manager, where one started the board, how it does.
// Guard, store and page beat. Engine and pipelines wait for workers and for
// pictures, each with a deadline of its own: a model that is tried out for
// minutes on a slow board is no stall.
func (b *board) addWatch(status func() string) error {
	manager, err := service.FindManager(os.Getenv)
	if err != nil || manager == nil {
		return err
	}
	watch := &service.Watch{
		Manager: manager, Group: b.group, Status: status,
		Stall: time.Duration(b.profile.Watchdog.StallS) * time.Second, Log: b.log.With("part", "watch"),
	}
	b.group.Add(service.Part{Name: "watch", Run: watch.Run})
	return nil
}

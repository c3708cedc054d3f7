package doctor

import (
	"context"
	"time"

	"gourdian/agent/internal/live"
	profiles "gourdian/firmware-profiles"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
)

// Board is all that is examined.
type Board struct {
	Version string
	Built   time.Time // the clock can't be right before this; zero = not known
	Now     func() time.Time

	Source  string // config file, "" = defaults and environment
	Data    string // data folder
	Store   string // folder of records in it, which a running agent has locked
	Listen  string // of the page
	Profile profiles.Profile
	Named   bool   // the config names the profile
	Model   string // of the board, by its device tree; "" = it has none

	Bundle   string
	Variant  string   // "" = the fastest of Variants that is right here
	Variants []string // that the profile allows
	Infer    infer.Options
	Capture  capture.Options
	Cameras  []Camera

	Root        string // before /proc and /sys; "" but in tests
	ClockSynced func() bool
	Sensors     Sensors

	// Live is the state of the agent that runs on this board, nil where none
	// does. Page is then where its page is served.
	Live func() live.State
	Page func() string
	// Locked says that some agent runs here, though Live may be nil: its page
	// did not answer. Its cameras and its model are left alone.
	Locked bool
	// LockFault says why it is not known whether an agent runs, nil where it is.
	LockFault error
}

// Camera is one camera as the config has it.
type Camera struct {
	ID      string
	Source  string          // as given to the worker
	Address capture.Address // of Source
	FPS     float64         // scored at most
}

// Checks returns all checks of the board in the order in which they are made.
func (b *Board) Checks() []Check {
	checks := []Check{
		one("config", b.config), one("profile", b.profile), one("agent", b.agent),
		{ID: "data", Run: b.data}, one("disk", b.disk), one("space", b.space),
		one("clock", b.clock), one("ntp", b.ntp), one("memory", b.memory),
		one("heat", b.heat), one("power", b.power), {ID: "processor", Run: b.processor},
	}
	for _, c := range b.Cameras {
		checks = append(checks, Check{ID: "camera", Subject: c.ID, Run: func(ctx context.Context) []Result { return b.camera(ctx, c) }})
	}
	return append(checks, Check{ID: "model", Run: b.model}, one("page", b.page))
}

func (b *Board) config(context.Context) Result {
	switch {
	case len(b.Cameras) == 0:
		return is(configNoCamera)
	case b.Source == "" && b.Live != nil:
		return is(configRunning, "cameras", len(b.Cameras))
	case b.Source == "":
		return is(configDefaults, "cameras", len(b.Cameras))
	}
	return is(configOK, "file", b.Source, "cameras", len(b.Cameras))
}

func (b *Board) profile(context.Context) Result {
	switch {
	case b.Named:
		return is(profileNamed, "name", b.Profile.Name)
	case len(b.Profile.DeviceTree) > 0:
		return is(profileMatched, "name", b.Profile.Name, "board", b.Model)
	case b.Profile.CPUClass != "":
		return is(profileCPU, "name", b.Profile.Name, "class", b.Profile.CPUClass)
	}
	return is(profileGeneric, "name", b.Profile.Name, "arch", b.Profile.Arch)
}

func (b *Board) agent(context.Context) Result {
	switch {
	case b.Live != nil:
		return is(agentRunning, "version", b.Live().Version)
	case b.LockFault != nil:
		return is(agentUnknown, "why", b.LockFault.Error())
	case b.Locked:
		return is(agentSilent, "address", b.Listen)
	}
	return is(agentStopped)
}

// Unreadable is what is found where the config can't be used: nothing else can
// be checked then.
func Unreadable(err error) []Check {
	checks := []Check{one("config", func(context.Context) Result { return is(configBad, "why", err.Error()) })}
	for _, id := range []string{"data", "model", "camera", "page"} {
		checks = append(checks, one(id, func(context.Context) Result { return is(unchecked) }))
	}
	return checks
}

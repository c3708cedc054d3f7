package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gourdian/agent/internal/doctor"
	"gourdian/agent/internal/guard"
	"gourdian/agent/internal/live"
	profiles "gourdian/firmware-profiles"
	"gourdian/internal/capture"
	"gourdian/internal/service"
	"gourdian/internal/web"
)

// ErrUnwell is returned by Doctor where something failed; the report says what.
var ErrUnwell = errors.New("something is not as it must be; the report says what to do")

// Examination is how Doctor is asked and heard.
type Examination struct {
	File string // config file, for people; "" = none was named
	// Fault is why the config can't be used, nil where it can: that is the first
	// thing to say of a board.
	Fault error

	Out      io.Writer // the report
	Progress io.Writer // what is being looked at; nil = nobody waits
	JSON     bool      // the report as one object
}

// Doctor examines the board that a config describes and reports. Beside a
// running agent it leaves cameras and model alone and asks the agent for them.
// It returns ErrUnwell where something failed, or the error of ctx.
func Doctor(ctx context.Context, config Config, build Build, e Examination) error {
	catalogue, err := web.Load()
	if err != nil {
		return fmt.Errorf("load texts: %w", err)
	}
	english := catalogue.In(web.English)
	var board doctor.Board
	checks := doctor.Unreadable(e.Fault)
	if e.Fault == nil {
		if board, err = boardAtRest(ctx, config, build, e.File); err != nil {
			return err
		}
		checks = board.Checks()
	}
	report := doctor.Report{Version: build.Version, Began: time.Now(), Running: board.Live != nil}
	var printed error
	report.Results, err = doctor.Run(ctx, checks, doctor.Watch{
		Begin: func(done, total int, next doctor.Check) { e.progress(english, done, total, next) },
		Found: func(r doctor.Result) {
			if !e.JSON {
				e.clear()
				printed = errors.Join(printed, doctor.Print(e.Out, english, r))
			}
		},
	})
	e.clear()
	if err != nil {
		return fmt.Errorf("examine the board: %w", err)
	}
	report.Took = time.Since(report.Began)
	if e.JSON {
		printed = report.PrintJSON(e.Out, english)
	} else {
		_, err := fmt.Fprintf(e.Out, "\n%s\n", report.Summary())
		printed = errors.Join(printed, err)
	}
	if printed == nil && report.Count(doctor.Failed) > 0 {
		return ErrUnwell
	}
	return printed
}

// progress shows on one line of a terminal what is being looked at.
func (e *Examination) progress(s *web.Speaker, done, total int, next doctor.Check) {
	if e.Progress == nil {
		return
	}
	e.clear()
	name := doctor.Name(s, next.ID)
	if next.Subject != "" {
		name += " " + next.Subject
	}
	// A terminal that is gone must not fail the work.
	_, _ = fmt.Fprintf(e.Progress, "[%d of %d] %s ...", done+1, total, name)
}

// clear takes the line of progress away.
func (e *Examination) clear() {
	if e.Progress != nil {
		_, _ = fmt.Fprint(e.Progress, "\r\x1b[K")
	}
}

// boardAtRest is the board that a config describes, as it can be examined from
// outside the agent.
func boardAtRest(ctx context.Context, config Config, build Build, file string) (doctor.Board, error) {
	profile, err := chooseProfile(config.Profile)
	if err != nil {
		return doctor.Board{}, fmt.Errorf("choose a profile: %w", err)
	}
	b := examined(config, build, profile)
	b.Source = file
	if b.Locked, b.LockFault = doctor.Locked(b.Store); b.Locked || b.LockFault != nil {
		if page, state, err := doctor.Ask(ctx, config.Listen); err == nil {
			b.Locked, b.LockFault = true, nil
			b.Live = func() live.State { // asked anew for each check: a picture is old within seconds
				if _, now, err := doctor.Ask(ctx, config.Listen); err == nil {
					return now
				}
				return state
			}
			b.Page = func() string { return page }
		}
	}
	return b, nil
}

// examined is the board of a config, before anything is known of an agent.
func examined(config Config, build Build, profile profiles.Profile) doctor.Board {
	b := doctor.Board{
		Version: build.Version, Built: build.Time, Now: time.Now,
		Data: config.Data, Store: storeFolder(config), Listen: config.Listen,
		Profile: profile, Named: config.Profile != "", Model: thisMachine().DeviceTree,
		Bundle: config.Model.Bundle, Variant: config.Model.Variant, Variants: profile.Engine.Variants,
		Infer: inferOptions(config, profile, slog.New(slog.DiscardHandler)),
		Capture: capture.Options{
			Program: config.Workers.Camera, Threads: profile.Camera.Threads, MemoryMB: profile.Memory.CameraMB,
		},
		ClockSynced: guard.Linux{Data: config.Data}.ClockSynced, Sensors: guard.FileSensors{Root: os.DirFS("/")},
	}
	for _, c := range config.Cameras {
		address, err := capture.Parse(c.Source)
		if err != nil {
			continue // Validate has parsed it before
		}
		source := sized(c.Source, address, profile.Camera)
		if address, err = capture.Parse(source); err != nil {
			continue
		}
		fps := c.FPS
		if fps == 0 {
			fps = profile.Camera.FramesPerSecond
		}
		b.Cameras = append(b.Cameras, doctor.Camera{ID: c.ID, Source: source, Address: address, FPS: fps})
	}
	return b
}

// storeFolder is where the agent keeps its records.
func storeFolder(config Config) string { return filepath.Join(config.Data, "store") }

// newDesk makes what examines this board while its agent runs. page is asked
// for the address of the page once it is served.
func (b *board) newDesk(page func() string) *doctor.Desk {
	board := examined(b.config, b.build, b.profile)
	board.Live, board.Locked, board.Page = b.hub.State, true, page
	desk := doctor.NewDesk(&board)
	b.group.Add(service.Part{Name: "doctor", Run: desk.Run})
	return desk
}

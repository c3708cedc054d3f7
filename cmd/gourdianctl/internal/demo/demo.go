package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gourdian/internal/field"
)

// Options say what to show. The functions are the commands of gourdianctl.
type Options struct {
	Dir     string // kept between runs: models; the board's data are made anew
	Agent   string // path of gourdian-agent
	Once    bool   // go through once and judge, instead of until Ctrl-C
	Photos  string // folder of photos, "" = none
	Video   string // video file, "" = none
	Version string // of this program: another one trains anew
	Port    int    // first port that is tried

	Say func(format string, args ...any) // one line for a person
	// Progress begins a step of total parts: set says how many are done.
	Progress func(what string, total int) (set func(done int), finish func())
	Render   func(context.Context, field.Options) error
	Train    func(ctx context.Context, data, task, out string) error
}

// ErrResult says that the demo ran and the board fell short.
var ErrResult = errors.New("the board fell short")

// Run shows the demo until ctx is done, or once.
func Run(ctx context.Context, o Options) error {
	start := time.Now()
	if o.Photos != "" && o.Video != "" {
		return errors.New("choose photos or a video, not both")
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := o.scenario(ctx)
	if err != nil {
		return err
	}
	if o.Once && s.kind == rendered {
		return o.watchField(ctx, s, start)
	}
	b, err := o.open(ctx, s, start)
	if err != nil {
		return err
	}
	defer b.stop()
	if o.Once {
		return o.watchFiles(ctx, b, s)
	}
	o.Say("Look at the page; Ctrl-C ends the demo.\n")
	return o.follow(ctx, b, s)
}

// open starts the board and returns once it has scored a frame. start is when
// the demo began.
func (o *Options) open(ctx context.Context, s *scenario, start time.Time) (*board, error) {
	b, err := o.startBoard(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := o.waitReady(ctx, b); err != nil {
		b.stop()
		return nil, err
	}
	o.Say("\nThe board is at work after %s. Its page: %s", time.Since(start).Round(time.Second), b.url)
	o.Say("%s", s.words)
	return b, nil
}

// follow prints verdicts as they are recorded, until ctx is done or the board
// ends.
func (o *Options) follow(ctx context.Context, b *board, s *scenario) error {
	var last uint64
	told, finished := false, false
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			o.Say("\nThe board stops. What it kept is in %s until the next demo.", filepath.Join(o.Dir, "board"))
			return nil
		case <-b.ended:
			return b.died()
		case <-ticker.C:
		}
		state, err := b.status(ctx)
		records, err2 := b.recordsAfter(ctx, last)
		if err := errors.Join(err, err2); err != nil {
			if !told && ctx.Err() == nil {
				o.Say("The board does not answer: %v", err)
			}
			told = true
			continue
		}
		told = false
		for i := range records {
			o.Say("  %s  %s", records[i].CapturedAt.Local().Format(time.TimeOnly), records[i].words())
			last = records[i].Seq
		}
		if s.kind == photos && !finished && state.done() {
			finished = true
			o.Say("Every photo has been looked at. The page stays until Ctrl-C.")
		}
	}
}

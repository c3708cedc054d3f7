package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"gourdian/internal/field"
)

// Options say what to show. The functions are the commands of gourdianctl.
type Options struct {
	Dir     string // kept between runs: models; the board's data are made anew
	Agent   string // path of gourdian-agent
	Hub     string // path of gourdian-hub, "" = one board alone
	Once    bool   // go through once and judge, instead of until Ctrl-C
	Photos  string // folder of photos, "" = none
	Video   string // video file, "" = none
	Version string // of this program: another one trains anew
	Port    int    // first port that is tried for the pages of boards
	// Keys are lines that a person types while the demo runs; nil = nobody does.
	Keys <-chan string

	Say func(format string, args ...any) // one line for a person
	// Progress begins a step of total parts: set says how many are done.
	Progress func(what string, total int) (set func(done int), finish func())
	Render   func(context.Context, field.Options) error
	Train    func(ctx context.Context, data, task, out string) error

	hub *hub // that runs, nil = none
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
	rest, err := o.neighbours(ctx, s)
	if err != nil {
		return err
	}
	if err := o.seat(ctx, append([]*scenario{s}, rest...)); err != nil {
		return err
	}
	var others []*board
	if o.Hub != "" {
		if o.hub, err = o.openHub(ctx); err != nil {
			return err
		}
		defer o.hub.stop()
		if err := o.hub.champion(ctx, s.bundle); err != nil {
			return err
		}
		for _, one := range rest {
			b, err := o.startBoard(ctx, one)
			if err != nil {
				return err
			}
			defer b.stop()
			others = append(others, b)
		}
	}
	if o.Once && s.kind == rendered {
		return o.watchField(ctx, s, others, start)
	}
	b, err := o.open(ctx, s, start)
	if err != nil {
		return err
	}
	defer b.stop()
	if o.Once {
		return o.watchFiles(ctx, b, s, others)
	}
	return o.follow(ctx, s, append([]*board{b}, others...))
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

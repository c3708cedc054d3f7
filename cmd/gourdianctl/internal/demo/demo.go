package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
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

	Say    func(format string, args ...any)
	Render func(ctx context.Context, dir string, count int, seed uint64) error
	Train  func(ctx context.Context, data, task, out string) error
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
	scenario, err := o.scenario(ctx)
	if err != nil {
		return err
	}
	board, err := o.startBoard(ctx, scenario)
	if err != nil {
		return err
	}
	defer board.stop()
	if err := board.waitReady(ctx); err != nil {
		return err
	}
	o.Say("\nThe board is at work after %s. Its page: %s", time.Since(start).Round(time.Second), board.url)
	o.Say("%s", scenario.words)
	if !o.Once {
		o.Say("Look at the page; Ctrl-C ends the demo.\n")
		return o.follow(ctx, board)
	}
	return o.judge(ctx, board, scenario)
}

// follow prints sightings as they are recorded, until ctx is done or the board
// ends.
func (o *Options) follow(ctx context.Context, b *board) error {
	var last uint64
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			o.Say("\nThe board stops. What it kept is in %s until the next demo.", filepath.Join(o.Dir, "board"))
			return nil
		case <-b.ended:
			return fmt.Errorf("the board ended by itself: %w; its log is %s", b.err, b.log)
		case <-ticker.C:
		}
		records, err := b.recordsAfter(ctx, last)
		if err != nil {
			continue // it says so on its page; the next look may go through
		}
		for _, r := range records {
			o.Say("  %s  %-12s %s", r.CapturedAt.Format("15:04:05"), r.Verdict, r.words())
			last = r.Seq
		}
	}
}

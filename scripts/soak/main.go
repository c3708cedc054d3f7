// Command soak watches boards for long: it starts one gourdian-agent that looks
// at photos again and again and one that looks at a looped video, samples the
// memory, open files and goroutines of agents and workers, and fails when any
// of them grows, when nothing was scored, or when nothing was stored.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	agent, bundle, photos, video, dir string
	minutes                           float64
	every                             time.Duration
	port                              int
}

func main() {
	var o options
	flag.StringVar(&o.agent, "agent", "bin/gourdian-agent", "the agent's program; its workers are beside it")
	flag.StringVar(&o.bundle, "bundle", "", "model bundle")
	flag.StringVar(&o.photos, "photos", "", "folder of photos")
	flag.StringVar(&o.video, "video", "", "video file")
	flag.StringVar(&o.dir, "dir", "", "folder for the boards' data, made anew")
	flag.Float64Var(&o.minutes, "minutes", 30, "how long")
	flag.DurationVar(&o.every, "every", 30*time.Second, "between two samples")
	flag.IntVar(&o.port, "port", 8290, "of the first board's page; the second one takes the next")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, o options) (err error) {
	if o.bundle == "" || o.photos == "" || o.video == "" || o.dir == "" {
		return errors.New("--bundle, --photos, --video and --dir are needed")
	}
	boards, err := startBoards(o)
	if err != nil {
		return err
	}
	defer func() {
		for _, b := range boards {
			err = errors.Join(err, b.stop())
		}
	}()
	for _, b := range boards {
		if err := b.waitScoring(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "Two boards for %g minutes, a sample every %v\n\n%s\n", o.minutes, o.every, header)
	if err := watch(ctx, out, boards, o); err != nil {
		return err
	}
	return judgeAll(out, boards)
}

func startBoards(o options) ([]*board, error) {
	if err := os.RemoveAll(o.dir); err != nil {
		return nil, fmt.Errorf("empty the data folder: %w", err)
	}
	photos := filepath.Join(o.dir, "photos")
	if err := hold(o.photos, photos); err != nil {
		return nil, err
	}
	video, err := filepath.Abs(o.video)
	if err != nil {
		return nil, fmt.Errorf("find the video: %w", err)
	}
	var boards []*board
	for i, b := range []*board{
		{name: "photos", source: fmt.Sprintf("folder:%s?loop=1&fps=%d", photos, photosPerSecond)},
		{name: "video", source: "file:" + video + "?loop=1"},
	} {
		if err := b.start(o, o.port+i); err != nil {
			for _, started := range boards {
				err = errors.Join(err, started.stop())
			}
			return nil, err
		}
		boards = append(boards, b)
	}
	return boards, nil
}

// watch samples until the time is over.
func watch(ctx context.Context, out io.Writer, boards []*board, o options) error {
	start := time.Now()
	ticker := time.NewTicker(o.every)
	defer ticker.Stop()
	end := time.NewTimer(time.Duration(o.minutes * float64(time.Minute)))
	defer end.Stop()
	for {
		for _, b := range boards {
			s, err := b.sample(ctx, time.Since(start))
			if err != nil {
				return fmt.Errorf("sample board %s after %v: %w", b.name, time.Since(start).Round(time.Second), err)
			}
			b.samples = append(b.samples, s)
			fmt.Fprintln(out, s.row(b.name))
		}
		select {
		case <-ticker.C:
		case <-end.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

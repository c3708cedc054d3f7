package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gourdian/cmd/gourdianctl/internal/demo"
	"gourdian/internal/field"
	"gourdian/internal/worker"
	"gourdian/models/train"
)

// demoFlags is what demo was told.
type demoFlags struct {
	once, alone     bool
	photos, video   string
	dir, agent, hub string
	port            int
}

func newDemoCommand(s *streams) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo [--once] [--alone] [--photos DIR | --video FILE]",
		Short: "Show a hub and three boards at work on this machine",
		Long: `demo renders labelled pumpkins, trains a model on them, starts a hub and three
boards that join it. Two watch rendered fields with pumpkins of a variety that the
model never saw, the third one a place where most of what comes is no pumpkin. It
says where the pages of hub and boards are and how to log in; a board's number and
Enter cut its network and give it back. Ctrl-C ends it all. The model is kept for
the next time. With --alone there is one board and no hub.

With --photos the board looks at a folder of yours. Sorted into a folder for
each class, they train a model of their own first; others are graded by the
model of rendered pumpkins, for trying out. With --video it watches a video.

With --once it watches an hour of the field, in two minutes or, on a slow or busy
machine, in as many as it takes. It lists what stood there beside what the board
said, labels pictures on the hub, asks it for a verdict, cuts a board's network, and
exits by the result: 0 where things were counted within 5 %, each class was named
rightly often enough, and every record is on the hub exactly once.`,
		Example: `  gourdianctl demo
  gourdianctl demo --once
  gourdianctl demo --photos ~/pumpkins
  gourdianctl demo --video clip.mp4 --port 9000`,
		Args: checkArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context(), s) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.once, "once", false, "go through once and exit by the result")
	flags.BoolVar(&f.alone, "alone", false, "one board without a hub")
	flags.StringVar(&f.photos, "photos", "", "folder of photos")
	flags.StringVar(&f.video, "video", "", "video file")
	flags.StringVar(&f.dir, "dir", filepath.Join(".cache", "demo"), "folder for the demo's models and data")
	flags.StringVar(&f.agent, "agent", "", "gourdian-agent (default: beside this program)")
	flags.StringVar(&f.hub, "hub", "", "gourdian-hub (default: beside this program)")
	flags.IntVar(&f.port, "port", 8080, "port of the first board's page; a taken one leads to the next")
	return c
}

func (f *demoFlags) run(ctx context.Context, s *streams) error {
	if f.photos != "" && f.video != "" {
		return wrongUse("choose --photos or --video, not both")
	}
	agent, err := worker.Locate("gourdian-agent", f.agent)
	if err != nil {
		return err
	}
	hub := ""
	if !f.alone {
		if hub, err = worker.Locate("gourdian-hub", f.hub); err != nil {
			return err
		}
	}
	dir, err := filepath.Abs(f.dir)
	if err != nil {
		return fmt.Errorf("find the demo's folder: %w", err)
	}
	var keys <-chan string
	if !f.once {
		keys = typed(os.Stdin)
	}
	return demo.Run(ctx, demo.Options{
		Dir: dir, Agent: agent, Hub: hub, Keys: keys, Once: f.once, Photos: f.photos, Video: f.video,
		Version: version, Port: f.port,
		Say: func(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) },
		Progress: func(what string, total int) (func(int), func()) {
			bar := s.startProgress(what, total)
			return bar.set, bar.finish
		},
		Render: func(ctx context.Context, o field.Options) error {
			bar := s.startProgress("rendering", o.Count)
			defer bar.finish()
			return field.WriteDataset(ctx, o, func(done, _ int) { bar.set(done) })
		},
		Train: func(ctx context.Context, data, task, out string) error { return trainTo(ctx, s, data, task, out) },
	})
}

// typed gives the lines of a reader until it ends, or the program does: a read
// from a terminal can't be called off.
func typed(r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(r); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return lines
}

// trainTo is model train with everything at its default.
func trainTo(ctx context.Context, s *streams, data, task, out string) error {
	report, err := trainModel(ctx, s, train.Config{
		Data: data, Task: task, Seed: 1,
		Checkpoint: orSetUp("", "backbone", checkpointFile()), Cache: orSetUp("", "models"),
	}, out, pageFlags{})
	if err != nil {
		return err
	}
	return printTrainReport(s.out, report)
}

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"gourdian/cmd/gourdianctl/internal/demo"
	"gourdian/internal/field"
	"gourdian/internal/worker"
	"gourdian/models/train"
)

// demoFlags is what demo was told.
type demoFlags struct {
	once          bool
	photos, video string
	dir, agent    string
	port          int
}

func newDemoCommand(s *streams) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo [--once] [--photos DIR | --video FILE]",
		Short: "Show one board at work on this machine",
		Long: `demo renders labelled pumpkins, trains a model on them, starts a board that
watches another rendered field with pumpkins of a variety the model never saw,
and says where its page is. Ctrl-C ends it. The model is kept for the next time.

With --photos the board looks at a folder of yours. Sorted into a folder for
each class, they train a model of their own first; others are graded by the
model of rendered pumpkins, for trying out. With --video it watches a video.

With --once it watches an hour of the field, in two minutes or, on a slow or busy
machine, in as many as it takes. It lists what stood there beside what the board
said and exits by the result: 0 where things were counted within 5 % and each
class was named rightly often enough.`,
		Example: `  gourdianctl demo
  gourdianctl demo --once
  gourdianctl demo --photos ~/pumpkins
  gourdianctl demo --video clip.mp4 --port 9000`,
		Args: checkArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context(), s) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.once, "once", false, "go through once and exit by the result")
	flags.StringVar(&f.photos, "photos", "", "folder of photos")
	flags.StringVar(&f.video, "video", "", "video file")
	flags.StringVar(&f.dir, "dir", filepath.Join(".cache", "demo"), "folder for the demo's models and data")
	flags.StringVar(&f.agent, "agent", "", "gourdian-agent (default: beside this program)")
	flags.IntVar(&f.port, "port", 8080, "port of the page; a taken one leads to the next")
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
	dir, err := filepath.Abs(f.dir)
	if err != nil {
		return fmt.Errorf("find the demo's folder: %w", err)
	}
	return demo.Run(ctx, demo.Options{
		Dir: dir, Agent: agent, Once: f.once, Photos: f.photos, Video: f.video,
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

// trainTo is model train with everything at its default.
func trainTo(ctx context.Context, s *streams, data, task, out string) error {
	report, err := trainModel(ctx, s, train.Config{
		Data: data, Task: task, Seed: 1,
		Checkpoint: orSetUp("", "backbone", checkpointFile()), Cache: orSetUp("", "models"),
	}, out)
	if err != nil {
		return err
	}
	return printTrainReport(s.out, report)
}

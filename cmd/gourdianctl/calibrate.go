package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"gourdian/models/calibrate"
)

// calibrateFlags is what model calibrate was told.
type calibrateFlags struct {
	data, out, rule string
	rendered        int
	seed            uint64
	checkpoint      string
	workers         workerFlags
	asJSON          bool
}

func newCalibrateCommand(s *streams) *cobra.Command {
	var f calibrateFlags
	c := &cobra.Command{
		Use:   "calibrate --out FILE",
		Short: "Measure what the values of the backbone span, for its 8-bit form",
		Long: `calibrate runs the float backbone on pictures and writes how far each of its
values went: a small text file from which, and from the checkpoint alone, the
8-bit variants of every model are made. A file of the default backbone is part
of this program; measuring is for another backbone, or to check it.

It looks at rendered pictures and, with --data, at all pictures of a folder too;
labels do not matter, only that they are as different as what cameras will see.
A fifth of the pictures is held out: on them each rule that makes ranges of what
was counted is tried, and the one whose 8-bit embeddings stay closest to the
float ones is taken. "minmax" spans all that was seen, "percentile" leaves out
the outer 0.01 %, "squares" has the least mean square.`,
		Example: `  gourdianctl model calibrate --out models/backbone/efficientnet-lite0.ranges
  gourdianctl model calibrate --out mine.ranges --data photos --rendered 0 --rule minmax`,
		Args: checkArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runCalibrate(c, s, f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.out, "out", "", "file of ranges to write")
	flags.StringVar(&f.data, "data", "", "folder of pictures to look at as well")
	flags.IntVar(&f.rendered, "rendered", 300, "number of rendered pictures to look at, 0..2000")
	flags.Uint64Var(&f.seed, "seed", 4242, "seed of the rendered pictures")
	flags.StringVar(&f.rule, "rule", string(calibrate.Auto), "auto, minmax, percentile or squares")
	flags.StringVar(&f.checkpoint, "checkpoint", "", "checkpoint of the backbone (default: the set-up folder)")
	f.workers.register(c)
	jsonFlag(c, &f.asJSON)
	return c
}

func (f *calibrateFlags) check() (calibrate.Rule, error) {
	switch {
	case f.out == "":
		return "", wrongUse("--out is missing")
	case f.rendered < 0 || f.rendered > 2000:
		return "", wrongUse("--rendered %d is not within 0 and 2000", f.rendered)
	case f.rendered == 0 && f.data == "":
		return "", wrongUse("--rendered 0 without --data leaves no picture")
	}
	if info, err := os.Stat(filepath.Dir(f.out)); err != nil || !info.IsDir() {
		return "", wrongUse("--out %s: there is no folder %s", f.out, filepath.Dir(f.out))
	}
	rule, err := calibrate.ParseRule(f.rule)
	if err != nil {
		return "", wrongUse("--rule: %w", err)
	}
	return rule, nil
}

func runCalibrate(c *cobra.Command, s *streams, f calibrateFlags) error {
	rule, err := f.check()
	if err != nil {
		return err
	}
	steps := &steps{s: s}
	ranges, report, err := calibrate.Run(c.Context(), calibrate.Config{
		Data: f.data, Rendered: f.rendered, Seed: f.seed, Rule: rule, Workers: min(runtime.NumCPU(), 4),
		Checkpoint: orSetUp(f.checkpoint, "backbone", checkpointFile()),
		Infer:      f.workers.infer(), Camera: f.workers.camera(), Progress: steps.begin,
	})
	steps.end()
	if err != nil {
		return err
	}
	report.Out = f.out
	if err := writeFile(f.out, func(w io.Writer) error { return ranges.Write(w) }); err != nil {
		return err
	}
	if f.asJSON {
		return s.printJSON(report)
	}
	return printCalibrateReport(s.out, report)
}

func printCalibrateReport(out io.Writer, c *calibrate.Report) error {
	r := newReportWriter(out)
	fmt.Fprintf(r.w, "%s: ranges of %d values of %s\n", c.Out, c.Values, c.Backbone)
	fmt.Fprintf(r.w, "measured on %d pictures (%d rendered, %d photos), %d of them held out to try rules; %s, %s\n",
		c.Rendered+c.Photos, c.Rendered, c.Photos, c.HeldOut, c.Library, c.CPU)
	r.part("Mean cosine distance of 8-bit embeddings from float ones on the held-out pictures")
	for _, t := range c.Tried {
		note := ""
		if t.Rule == c.Rule {
			note = "taken"
		}
		r.row(string(t.Rule), fmt.Sprintf("%.5f", t.Distance), note)
	}
	printSkips(r, c.Skipped)
	return r.flush()
}

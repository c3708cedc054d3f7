package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"gourdian/internal/bundle"
	"gourdian/models"
	"gourdian/models/backbone"
	"gourdian/models/dataset"
	"gourdian/models/train"
)

// trainFlags is what model train was told.
type trainFlags struct {
	data, task, out string
	seed            uint64
	renames         []string
	folds           int
	keepBars        bool
	cache           string
	checkpoint      string
	variants        []string
	page            pageFlags
	workers         workerFlags
	asJSON          bool
}

func newTrainCommand(s *streams) *cobra.Command {
	var f trainFlags
	c := &cobra.Command{
		Use:   "train --data PATH --task grade|custom --out FILE",
		Short: "Train a model on labelled pictures and say honestly how good it is",
		Long: `train makes a model of labelled pictures: a folder with one folder per class, or
a manifest (a CSV file, or manifest.csv in the folder) with the columns file and
class and, where they are known, group, split and crop.

The task "grade" sorts pumpkins into good, regular, bad and not_pumpkin; "custom"
takes its classes from the data. --map merges, renames and drops classes.

Pictures of one group (one fruit, one session) are never on both sides of a
test. Where no group is given, near-duplicates are put into one. Every accuracy
in the report was measured on groups that the measured model had not seen, and
stands beside what a mere rule of colour and size reaches.

The backbone is used in three forms, and each gets a head of its own: "fp32" as
it was trained, "int8" of 8-bit integers, and "int8-rr" of integers for
processors with AVX2 and without VNNI. A board takes the fastest one that works
on it. --variants leaves some out.

The same pictures, seed and kind of processor give the same file, byte by byte.

--report writes all of it as a page with plots and pictures, and says what twice
as many labels would bring.`,
		Example: `  gourdianctl model train --data patch --task grade --out grade.gourdian
  gourdianctl model train --data photos --task custom --out melons.gourdian \
      --map pumpkin_whole=pumpkin --map pumpkin_group=pumpkin --map blurred=`,
		Args: checkArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runTrain(c, s, f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.data, "data", "", "folder of labelled pictures, or manifest")
	flags.StringVar(&f.task, "task", "", "grade or custom")
	flags.StringVar(&f.out, "out", "", "model file to write")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of everything random")
	flags.StringArrayVar(&f.renames, "map", nil, "old=new merges or renames a class, old= drops it (may be repeated)")
	flags.IntVar(&f.folds, "folds", 0, "parts of the cross-validation (0 = 5, or as many as there are groups)")
	flags.BoolVar(&f.keepBars, "keep-bars", false, "leave uniform white or black bars around pictures in place")
	flags.StringVar(&f.cache, "cache", "", "folder that keeps what was computed of pictures (default: the set-up folder)")
	flags.StringVar(&f.checkpoint, "checkpoint", "", "checkpoint of the backbone (default: the set-up folder)")
	flags.StringSliceVar(&f.variants, "variants", backbone.Variants(), "forms of the backbone to train a head for, separated by commas")
	f.page.register(c)
	f.workers.register(c)
	jsonFlag(c, &f.asJSON)
	return c
}

func (f *trainFlags) check() error {
	for _, flag := range []struct{ name, value string }{{"data", f.data}, {"task", f.task}, {"out", f.out}} {
		if flag.value == "" {
			return wrongUse("--%s is missing", flag.name)
		}
	}
	if f.task != models.TaskGrade && f.task != models.TaskCustom {
		return wrongUse("--task %s: choose %s or %s", f.task, models.TaskGrade, models.TaskCustom)
	}
	if f.folds != 0 && f.folds < 2 {
		return wrongUse("--folds %d: at least 2", f.folds)
	}
	if _, err := backbone.CheckVariants(f.variants); err != nil {
		return wrongUse("--variants: %w", err)
	}
	if info, err := os.Stat(f.out); err == nil && info.IsDir() {
		return wrongUse("--out %s is a folder: name a file", f.out)
	}
	if info, err := os.Stat(filepath.Dir(f.out)); err != nil || !info.IsDir() {
		return wrongUse("--out %s: there is no folder %s", f.out, filepath.Dir(f.out))
	}
	return f.page.check()
}

func runTrain(c *cobra.Command, s *streams, f trainFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	renames, err := dataset.ParseRenames(f.renames)
	if err != nil {
		return &usageError{err}
	}
	report, err := trainModel(c.Context(), s, train.Config{
		Data: f.data, Renames: renames, Task: f.task, Seed: f.seed, Folds: f.folds, KeepBars: f.keepBars,
		Checkpoint: orSetUp(f.checkpoint, "backbone", checkpointFile()),
		Cache:      orSetUp(f.cache, "models"), Variants: f.variants,
		Infer: f.workers.infer(), Camera: f.workers.camera(), Curve: f.page.file != "",
	}, f.out, f.page)
	if err != nil {
		return err
	}
	if f.asJSON {
		return s.printJSON(report)
	}
	return printTrainReport(s.out, report)
}

// trainModel trains, shows its progress and writes the bundle, whole or not at
// all, and the page for people where one is asked for.
func trainModel(ctx context.Context, s *streams, config train.Config, out string, page pageFlags) (*train.Report, error) {
	steps := &steps{s: s}
	config.Workers, config.Progress = min(runtime.NumCPU(), 4), steps.begin
	packed, report, err := train.Run(ctx, config)
	steps.end()
	if err != nil {
		return nil, err
	}
	err = writeFile(out, func(w io.Writer) (err error) {
		report.Bundle, err = bundle.Build(w, packed.Manifest, packed.Files)
		return err
	})
	report.Out = out
	if err != nil {
		return report, err
	}
	return report, page.training(ctx, s, config, report, packed.Manifest.Classes)
}

// checkpointFile is the name of the default backbone's checkpoint.
func checkpointFile() string {
	return backbone.Catalogue()[0].File
}

// orSetUp is the given path, or else a place in the set-up folder: .cache in
// the checkout whose bin/ holds this program, or in the user's own cache where
// the program was installed.
func orSetUp(given string, elements ...string) string {
	if given != "" {
		return given
	}
	if program, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(program); err == nil {
			program = real
		}
		folder := filepath.Join(filepath.Dir(filepath.Dir(program)), ".cache")
		if _, err := os.Stat(folder); err == nil {
			return filepath.Join(append([]string{folder}, elements...)...)
		}
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		folder = os.TempDir()
	}
	return filepath.Join(append([]string{folder, "gourdian"}, elements...)...)
}

// steps shows one progress after the other.
type steps struct {
	s   *streams
	now *progress
}

// begin ends the step before and returns what counts the parts of this one.
func (t *steps) begin(what string, parts int) func() {
	t.end()
	p := t.s.startProgress(what, parts)
	t.now = p
	done := 0
	return func() {
		done++
		p.set(done)
	}
}

func (t *steps) end() {
	if t.now != nil {
		t.now.finish()
		t.now = nil
	}
}

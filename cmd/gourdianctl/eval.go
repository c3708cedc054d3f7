package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/models/dataset"
	"gourdian/models/embed"
	"gourdian/models/evaluate"
	"gourdian/models/report"
)

// evalFlags is what model eval was told.
type evalFlags struct {
	bundle, data, variant, predictions string
	renames                            []string
	seed                               uint64
	keepBars                           bool
	page                               pageFlags
	workers                            workerFlags
	asJSON                             bool
}

func newEvalCommand(s *streams) *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "eval --bundle FILE --data PATH",
		Short: "Measure a model on labelled pictures that it was not trained on",
		Long: `eval looks at labelled pictures (a folder per class, or a manifest: see model
train) with a model, as a board would, and says how often it is right.

Pictures that trained the model are known by their content and left out of every
figure, and so are pictures of their group. Pictures of classes that the model
does not have are listed apart: it ought to be unsure about them.

Intervals are by bootstrap over groups where the data gives groups, else by
Wilson, which takes every picture for independent.`,
		Example: `  gourdianctl model eval --bundle grade.gourdian --data patch-2
  gourdianctl model eval --bundle grade.gourdian --data photos --map rotten=bad \
      --predictions predictions.csv --json | jq .accuracy`,
		Args: checkArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runEval(c, s, f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.bundle, "bundle", "", "model file")
	flags.StringVar(&f.data, "data", "", "folder of labelled pictures, or manifest")
	flags.StringVar(&f.variant, "variant", "", "variant of the model (default: the worker's choice)")
	flags.StringArrayVar(&f.renames, "map", nil, "old=new merges or renames a class, old= drops it (may be repeated)")
	flags.StringVar(&f.predictions, "predictions", "", "CSV file to write: file,class,predicted,unsure,p_<class>...")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the bootstrap")
	flags.BoolVar(&f.keepBars, "keep-bars", false, "leave uniform white or black bars around pictures in place")
	f.page.register(c)
	f.workers.register(c)
	jsonFlag(c, &f.asJSON)
	return c
}

func (f *evalFlags) check() error {
	for _, flag := range []struct{ name, value string }{{"bundle", f.bundle}, {"data", f.data}} {
		if flag.value == "" {
			return wrongUse("--%s is missing", flag.name)
		}
	}
	if f.predictions != "" {
		if info, err := os.Stat(filepath.Dir(f.predictions)); err != nil || !info.IsDir() {
			return wrongUse("--predictions %s: there is no folder %s", f.predictions, filepath.Dir(f.predictions))
		}
	}
	return f.page.check()
}

func runEval(c *cobra.Command, s *streams, f evalFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	renames, err := dataset.ParseRenames(f.renames)
	if err != nil {
		return &usageError{err}
	}
	report, err := evaluateBundle(c, s, f, renames)
	if err != nil {
		return err
	}
	if f.predictions != "" {
		if err := writeFile(f.predictions, func(w io.Writer) error { return writePredictions(w, report) }); err != nil {
			return err
		}
	}
	if f.asJSON {
		return s.printJSON(report)
	}
	return printEvalReport(s.out, report)
}

func evaluateBundle(c *cobra.Command, s *streams, f evalFlags, renames dataset.Renames) (*evaluate.Report, error) {
	ctx := c.Context()
	b, err := bundle.Open(f.bundle)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if f.variant != "" {
		if _, err := b.Variant(f.variant); err != nil {
			return nil, &usageError{err}
		}
	}
	set, err := dataset.Open(f.data, renames)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	decoder, err := embed.NewWorkerDecoder(ctx, f.workers.camera())
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	options := f.workers.infer()
	options.Variant = f.variant
	runner, err := infer.StartBundle(ctx, f.bundle, options)
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	steps := &steps{s: s}
	defer steps.end()
	e := evaluate.Evaluation{
		Bundle: b, Runner: runner, Set: set, Seed: f.seed,
		Importer: embed.Importer{Decoder: decoder, KeepBars: f.keepBars},
		Step:     steps.begin("look at pictures", len(set.Entries)),
	}
	r, err := e.Run(ctx)
	steps.end()
	if err != nil {
		return nil, err
	}
	return r, f.page.evaluation(ctx, s, r, b.Manifest.Classes, &report.Pictures{Set: set, Importer: e.Importer})
}

// writePredictions writes one row for each picture that the report measured,
// and for those of classes that the model lacks.
func writePredictions(w io.Writer, r *evaluate.Report) error {
	out := csv.NewWriter(w)
	header := []string{"file", "class", "predicted", "unsure"}
	for _, class := range r.ClassOrder {
		header = append(header, "p_"+class)
	}
	if err := out.Write(header); err != nil {
		return fmt.Errorf("write predictions: %w", err)
	}
	for _, p := range r.All {
		row := []string{p.File, p.Class, p.Predicted, strconv.FormatBool(p.Unsure)}
		for _, v := range p.Probabilities {
			row = append(row, strconv.FormatFloat(v, 'f', 6, 64))
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write predictions: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write predictions: %w", err)
	}
	return nil
}

func printEvalReport(out io.Writer, e *evaluate.Report) error {
	r := newReportWriter(out)
	fmt.Fprintf(r.w, "id %s\n", e.Bundle)
	if warning := trainingWarning(e.Trained.Kind); warning != "" {
		fmt.Fprintf(r.w, "%s.\n", warning)
	}
	fmt.Fprintf(r.w, "variant %s on %s, %s, %s, threads %d\n", e.Variant, e.Provider, e.Library, e.CPU, e.Threads)
	fmt.Fprintf(r.w, "%d pictures measured, %d seen in training and left out, %d could not be used\n", e.Images, e.Seen, e.Skipped)
	r.part("Figures (intervals of 95 %% by %s)", e.Intervals)
	r.row("accuracy", span(e.Accuracy, e.AccuracyLow, e.AccuracyHigh))
	r.row("balanced accuracy", span(e.BalancedAccuracy, e.BalancedLow, e.BalancedHigh))
	printSure(r, e.Figures)
	r.row("engine", fmt.Sprintf("%s ms, 99 %% within %s ms", milliseconds(e.Latency.P50), milliseconds(e.Latency.P99)))
	r.row("file to verdict", fmt.Sprintf("%s ms, 99 %% within %s ms", milliseconds(e.Frame.P50), milliseconds(e.Frame.P99)))
	if e.Images > 0 {
		printFigures(r, e.Figures, nil)
		r.part("Reliability: of the pictures called with that probability, how many are right")
		r.row("probability", "pictures", "mean", "right")
		for _, b := range e.Reliability.Bins {
			r.row(fmt.Sprintf("%.1f to %.1f", b.From, b.To), fmt.Sprint(b.Count), fmt.Sprintf("%.3f", b.Confidence), fmt.Sprintf("%.3f", b.Accuracy))
		}
	}
	if len(e.Unknown) > 0 {
		r.part("Classes that the model does not have: it ought to be unsure")
		r.row("class", "pictures", "called unlike", "unsure in all")
		for _, class := range slices.Sorted(maps.Keys(e.Unknown)) {
			u := e.Unknown[class]
			r.row(class, fmt.Sprint(u.Count), fmt.Sprintf("%.3f", u.Novel), fmt.Sprintf("%.3f", u.Unsure))
		}
	}
	printSkips(r, e.SkippedFiles)
	if len(e.Warnings) > 0 {
		r.part("Mind that")
		for _, w := range e.Warnings {
			r.row("- " + w)
		}
	}
	return r.flush()
}

func milliseconds(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *v)
}

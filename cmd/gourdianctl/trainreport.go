package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"gourdian/models/dataset"
	"gourdian/models/evaluate"
	"gourdian/models/train"
)

// skipsShown is how many left-out pictures a report for people lists; --json
// lists them all.
const skipsShown = 20

// reportWriter prints aligned parts of a report.
type reportWriter struct{ w *tabwriter.Writer }

func newReportWriter(out io.Writer) reportWriter {
	return reportWriter{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
}

// part ends the alignment of what came before and begins a new part.
func (r reportWriter) part(format string, args ...any) {
	r.w.Flush()
	fmt.Fprintf(r.w, "\n"+format+"\n", args...)
	r.w.Flush()
}

// row prints cells of one line, indented.
func (r reportWriter) row(cells ...string) {
	fmt.Fprintf(r.w, "  %s\n", strings.Join(cells, "\t"))
}

func (r reportWriter) flush() error {
	if err := r.w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func printTrainReport(out io.Writer, t *train.Report) error {
	r := newReportWriter(out)
	d := t.Data
	fmt.Fprintf(r.w, "%s, trained on %s, %d pictures in %d groups (%d groups given by the data)\n", t.Out, kindWords(d.Kind), d.Images, d.Groups, d.Given)
	if warning := trainingWarning(d.Kind); warning != "" {
		fmt.Fprintf(r.w, "%s.\n", warning)
	}
	fmt.Fprintf(r.w, "id %s, seed %d\n", t.Bundle, t.Seed)
	for _, count := range []struct {
		n    int
		what string
	}{
		{d.Trimmed, "lost uniform bars at their sides, see --keep-bars"},
		{d.Dropped, "were dropped by --map"},
		{d.SetApart, "are set apart by the column split"},
	} {
		if count.n > 0 {
			fmt.Fprintf(r.w, "%d pictures %s\n", count.n, count.what)
		}
	}
	r.part("On groups that the measured model had not seen (%d folds, C = %g; intervals of 95 %% by %s)", t.Folds, t.C, t.Figures.Intervals)
	f := t.Figures
	r.row("accuracy", span(f.Accuracy, f.AccuracyLow, f.AccuracyHigh))
	r.row("balanced accuracy", span(f.BalancedAccuracy, f.BalancedLow, f.BalancedHigh))
	r.row("  by colour and size alone", fmt.Sprintf("%.3f", t.Baseline.BalancedAccuracy)+", learning gains "+interval(t.Baseline.Gain)+earned(t.Baseline.Earned))
	r.row("  on pictures shrunk to 48-112 pixels", number(t.Coarse.BalancedAccuracy))
	printSure(r, f)
	printFigures(r, f, t.Deciding.Thresholds)
	printVariants(r, t.Variants)
	printSkips(r, d.Skipped)
	if len(t.Warnings) > 0 {
		r.part("Mind that")
		for _, w := range t.Warnings {
			r.row("- " + w)
		}
	}
	return r.flush()
}

func earned(yes bool) string {
	if yes {
		return ": it earns its place"
	}
	return ": it has not earned its place"
}

func printSure(r reportWriter, f evaluate.Figures) {
	var reasons []string
	for _, reason := range []struct{ key, words string }{{"quality", "bad pictures"}, {"novel", "unlike the training"}, {"low_confidence", "below the threshold"}} {
		if n := f.Unsure[reason.key]; n > 0 {
			reasons = append(reasons, fmt.Sprintf("%d %s", n, reason.words))
		}
	}
	cover := number(f.Coverage) + " of the pictures"
	if reasons != nil {
		cover += " (unsure: " + strings.Join(reasons, ", ") + ")"
	}
	r.row("sure about", cover)
	r.row("  accuracy when sure", number(f.AccuracyWhenSure))
	r.row("calibration error", fmt.Sprintf("%.3f", f.Reliability.ECE))
}

// printFigures prints what holds per class. thresholds may be nil.
func printFigures(r reportWriter, f evaluate.Figures, thresholds map[string]train.Threshold) {
	r.part("By class")
	header := []string{"class", "pictures", "recall", "precision"}
	if thresholds != nil {
		header = append(header, "called from", "precision then")
	}
	r.row(header...)
	for _, name := range f.ClassOrder {
		c := f.Classes[name]
		cells := []string{name, fmt.Sprint(c.Count), span(c.Recall, c.RecallLow, c.RecallHigh), span(c.Precision, c.PrecisionLow, c.PrecisionHigh)}
		if t, ok := thresholds[name]; ok {
			then := fmt.Sprintf("%.2f of %d", t.Precision, t.Calls)
			if !t.Reached {
				then += fmt.Sprintf(", not %.2f", t.Target)
			}
			cells = append(cells, fmt.Sprintf("%.2f", t.Value), then)
		}
		r.row(cells...)
	}
	r.part("Confusion (a row for each true class, a column for each most probable one)")
	r.row(append([]string{""}, f.ClassOrder...)...)
	for k, name := range f.ClassOrder {
		cells := []string{name}
		for _, n := range f.Confusion[k] {
			cells = append(cells, fmt.Sprint(n))
		}
		r.row(cells...)
	}
	if len(f.OperatingPoints) == 0 {
		return
	}
	r.part("Recall when 5 %% of another class are taken for it")
	r.row("class", "against", "recall", "from probability", "AUC")
	for _, p := range f.OperatingPoints {
		r.row(p.Class, p.Against, interval(p.Recall), fmt.Sprintf("%.3f", p.Threshold), interval(p.AUC))
	}
}

// printVariants compares the forms of the backbone. With one form there is
// nothing to compare.
func printVariants(r reportWriter, variants []train.VariantReport) {
	if len(variants) == 0 {
		return
	}
	first := variants[0].Name
	r.part("Variants, each with its own head (all figures above are those of %s)", first)
	r.row("variant", "balanced accuracy", "sure about", "right when sure", "verdicts as "+first)
	for _, v := range variants {
		r.row(v.Name, span(v.BalancedAccuracy, v.BalancedLow, v.BalancedHigh), number(v.Coverage), number(v.AccuracyWhenSure), fmt.Sprintf("%.3f", v.Equal))
	}
	for _, v := range variants[1:] {
		var flips []string
		for _, from := range slices.Sorted(maps.Keys(v.Flips)) {
			for _, to := range slices.Sorted(maps.Keys(v.Flips[from])) {
				flips = append(flips, fmt.Sprintf("%s to %s %d", from, to, v.Flips[from][to]))
			}
		}
		if flips != nil {
			r.row("from " + first + " to " + v.Name + ": " + strings.Join(flips, ", "))
		}
	}
}

func printSkips(r reportWriter, skips []dataset.Skip) {
	if len(skips) == 0 {
		return
	}
	r.part("Left out: %d", len(skips))
	for i, s := range skips {
		if i == skipsShown {
			r.row(fmt.Sprintf("... and %d more, all listed with --json", len(skips)-i))
			break
		}
		r.row(fmt.Sprintf("%q", s.File), s.Reason)
	}
}

// span prints a figure with its interval.
func span(value, low, high *float64) string {
	if value == nil || low == nil || high == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f [%.3f, %.3f]", *value, *low, *high)
}

func interval(i evaluate.Interval) string {
	if math.IsNaN(i.Value) {
		return "-"
	}
	return span(&i.Value, &i.Low, &i.High)
}

func number(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *v)
}

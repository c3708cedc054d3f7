package report

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"gourdian/internal/bundle"
	"gourdian/internal/web"
	"gourdian/models/evaluate"
	"gourdian/models/train"
)

// Speaker says texts of the catalogue in lang; English where it is unknown.
func Speaker(lang web.Lang) (*web.Speaker, error) {
	c, err := web.Load()
	if err != nil {
		return nil, fmt.Errorf("open the texts of a report: %w", err)
	}
	return c.In(lang), nil
}

// Evaluation writes what an evaluation found. labels are the model's classes
// with their words; pictures opens the evaluated ones.
func Evaluation(ctx context.Context, out io.Writer, s *web.Speaker, r *evaluate.Report, labels []bundle.Class, pictures *Pictures) error {
	w := words{s, classes(labels)}
	v := view{Figures: w.figures(r.Figures, samples(r.Judged)), Lead: w.kind(r.Trained.Kind, r.DataKind)}
	v.Title = w.title("report.eval_title", r.Figures)
	v.Facts = [][2]string{
		{w.Say("report.model"), r.Bundle[:min(12, len(r.Bundle))]},
		{w.Say("report.runs_as"), w.Say("report.runs_as_value", "variant", r.Variant, "provider", r.Provider, "cpu", r.CPU, "threads", r.Threads)},
		{w.Say("report.measured"), w.Say("report.measured_value", "images", w.Whole(r.Images), "seen", w.Whole(r.Seen), "skipped", w.Whole(r.Skipped))},
		{w.Say("report.accuracy"), w.span(r.Accuracy, r.AccuracyLow, r.AccuracyHigh)},
		{w.Say("report.balanced"), w.span(r.BalancedAccuracy, r.BalancedLow, r.BalancedHigh)},
		{w.Say("report.coverage"), w.span(r.Coverage, nil, nil)},
		{w.Say("report.when_sure"), w.span(r.AccuracyWhenSure, nil, nil)},
		{w.Say("report.engine"), w.times(r.Latency)},
		{w.Say("report.frame"), w.times(r.Frame)},
	}
	v.Warnings = w.warnings(r.Figures, r.Seen, 0)
	if len(r.Unknown) > 0 {
		v.Unknown = &table{Caption: w.Say("report.unknown"), Head: []string{w.Say("report.class"), w.Say("report.pictures"), w.Say("report.novel"), w.Say("report.unsure")}}
		for _, name := range slices.Sorted(maps.Keys(r.Unknown)) {
			u := r.Unknown[name]
			v.Unknown.Rows = append(v.Unknown.Rows, []string{name, w.Whole(u.Count), w.Percent(u.Novel), w.Percent(u.Unsure)})
		}
	}
	return w.finish(ctx, out, v, r.ClassOrder, r.Judged, pictures)
}

// Training writes what a training measured on groups that it had not seen.
func Training(ctx context.Context, out io.Writer, s *web.Speaker, r *train.Report, labels []bundle.Class, pictures *Pictures) error {
	w := words{s, classes(labels)}
	v := view{Figures: w.figures(r.Figures, samples(r.Judged)), Learning: w.learning(r.Learning), Lead: w.kind(r.Data.Kind, r.Data.Kind)}
	v.Title = w.title("report.train_title", r.Figures)
	earned := "report.earned_no"
	if r.Baseline.Earned {
		earned = "report.earned"
	}
	v.Facts = [][2]string{
		{w.Say("report.model"), r.Bundle[:min(12, len(r.Bundle))]},
		{w.Say("report.learnt_from"), w.Say("report.learnt_from_value", "images", w.Whole(r.Data.Images), "groups", w.Whole(r.Data.Groups))},
		{w.Say("report.accuracy"), w.span(r.Figures.Accuracy, r.Figures.AccuracyLow, r.Figures.AccuracyHigh)},
		{w.Say("report.balanced"), w.span(r.Figures.BalancedAccuracy, r.Figures.BalancedLow, r.Figures.BalancedHigh)},
		{w.Say("report.coverage"), w.span(r.Figures.Coverage, nil, nil)},
		{w.Say("report.when_sure"), w.span(r.Figures.AccuracyWhenSure, nil, nil)},
		{w.Say("report.by_colour"), w.Say(earned, "value", w.Percent(r.Baseline.BalancedAccuracy), "gain", w.Decimal(100*r.Baseline.Gain.Value, 1))},
	}
	v.Warnings = w.warnings(r.Figures, 0, len(r.Data.Suspects))
	v.Variants = &table{Caption: w.Say("report.variants"), Head: []string{w.Say("report.variant"), w.Say("report.balanced"), w.Say("report.coverage"), w.Say("report.when_sure")}}
	for _, form := range r.Variants {
		v.Variants.Rows = append(v.Variants.Rows, []string{
			form.Name, w.span(form.BalancedAccuracy, form.BalancedLow, form.BalancedHigh), w.span(form.Coverage, nil, nil), w.span(form.AccuracyWhenSure, nil, nil),
		})
	}
	return w.finish(ctx, out, v, r.Figures.ClassOrder, r.Judged, pictures)
}

func (w words) finish(ctx context.Context, out io.Writer, v view, order []string, all []evaluate.Judged, pictures *Pictures) (err error) {
	if v.Figures != nil {
		if v.Figures.Examples, err = w.examples(ctx, pictures, order, all); err != nil {
			return err
		}
	}
	return v.write(out, w.Speaker)
}

func (w words) title(key string, f evaluate.Figures) string {
	if f.Accuracy == nil {
		return w.Say("report.nothing")
	}
	return w.Count(key, f.Images, "right", w.Percent(*f.Accuracy))
}

// kind says what the figures are worth.
func (w words) kind(trained, data string) string {
	if trained == bundle.KindRendered || data == bundle.KindRendered {
		return w.Say("report.rendered")
	}
	return w.Say("report.photos")
}

func (w words) times(t evaluate.Times) string {
	if t.P50 == nil || t.P99 == nil {
		return w.Say("report.none")
	}
	return w.Say("report.times", "p50", w.Decimal(*t.P50, 1), "p99", w.Decimal(*t.P99, 1))
}

// Numbers of a class below which its figures say little.
const (
	classFew   = 50
	calibrated = 0.05
)

// warnings say in words what a reader has to mind.
func (w words) warnings(f evaluate.Figures, seen, suspects int) (out []string) {
	for _, name := range f.ClassOrder {
		if n := f.Classes[name].Count; n < classFew {
			out = append(out, w.Count("report.few", n, "class", w.class(name)))
		}
	}
	if suspects > 0 {
		out = append(out, w.Count("report.suspects", suspects))
	}
	if e := f.Reliability.ECE; e > calibrated {
		out = append(out, w.Say("report.uncalibrated", "off", w.Decimal(100*e, 1)))
	}
	if seen > 0 {
		out = append(out, w.Count("report.seen", seen))
	}
	return out
}

func samples(all []evaluate.Judged) []evaluate.Sample {
	out := make([]evaluate.Sample, len(all))
	for i, j := range all {
		out[i] = j.Sample
	}
	return out
}

func classes(labels []bundle.Class) []web.Class {
	out := make([]web.Class, len(labels))
	for i, l := range labels {
		out[i] = web.Class{Name: l.Name, Labels: l.Labels}
	}
	return out
}

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"gourdian/internal/bundle"
	"gourdian/internal/vision"
)

func newInspectCommand(s *streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what a model is, what it was trained on and what it holds",
		Long: `inspect checks a model file as a board would, all but running it, and shows its
classes, what it was trained on, the numbers its answers are judged by, and its
files. It fails for a file that is damaged, changed or no model.`,
		Example: `  gourdianctl model inspect grade.gourdian
  gourdianctl model inspect grade.gourdian --json | jq .trained_on`,
		Args: oneArg("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := bundle.Open(args[0])
			if err != nil {
				return err
			}
			defer b.Close()
			report, err := inspect(b)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(report)
			}
			return report.print(s)
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

// inspectReport is what inspect prints with --json.
type inspectReport struct {
	ID           string          `json:"id"`
	Format       int             `json:"format"`
	Name         string          `json:"name"`
	Task         string          `json:"task"`
	Classes      []bundle.Class  `json:"classes"`
	TrainedOn    trainedOn       `json:"trained_on"`
	Preprocess   preprocess      `json:"preprocess"`
	Backbone     string          `json:"backbone"`
	Variants     []variantReport `json:"variants"`
	GoldenFrames int             `json:"golden_frames"`
	Files        []bundle.File   `json:"files"`
	Bytes        int64           `json:"bytes"` // of all files
}

type trainedOn struct {
	bundle.Provenance
	Hashes  int    `json:"hashes"`            // pictures that evaluation will know and leave out
	Warning string `json:"warning,omitempty"` // where accuracy on real fruit is not known
}

type preprocess struct {
	ID        string `json:"id"`
	Supported bool   `json:"supported"` // by this program
	Here      string `json:"here"`      // this program's
}

type variantReport struct {
	Name            string             `json:"name"`
	GraphBytes      int64              `json:"graph_bytes"`
	Temperature     float64            `json:"temperature"`
	Thresholds      map[string]float64 `json:"thresholds"` // by class
	References      int                `json:"references"`
	Neighbours      int                `json:"neighbours"`
	Novelty         float64            `json:"novelty"`
	GoldenTolerance map[string]float64 `json:"golden_tolerance"` // by CPU class
}

func inspect(b *bundle.Bundle) (inspectReport, error) {
	m := b.Manifest
	hashes, err := b.TrainedHashes()
	if err != nil {
		return inspectReport{}, err
	}
	r := inspectReport{
		ID: b.ID, Format: m.Format, Name: m.Name, Task: m.Task, Classes: m.Classes,
		TrainedOn:  trainedOn{m.Provenance, hashes.Len(), trainingWarning(m.Provenance.Kind)},
		Preprocess: preprocess{m.Preprocess, b.CheckPreprocess(vision.PreprocessID()) == nil, vision.PreprocessID()},
		Backbone:   m.Backbone, GoldenFrames: len(m.Golden), Files: m.Files,
	}
	sizes := map[string]int64{}
	for _, f := range m.Files {
		sizes[f.Name] = f.Size
		r.Bytes += f.Size
	}
	for _, v := range m.Variants {
		params, err := b.VerdictParams(v.Name)
		if err != nil {
			return inspectReport{}, err
		}
		thresholds := map[string]float64{}
		for i, c := range m.Classes {
			thresholds[c.Name] = v.Thresholds[i]
		}
		r.Variants = append(r.Variants, variantReport{
			Name: v.Name, GraphBytes: sizes[v.Graph], Temperature: v.Temperature, Thresholds: thresholds,
			References: params.References.Len(), Neighbours: v.Neighbours, Novelty: v.Novelty, GoldenTolerance: v.Tolerance,
		})
	}
	return r, nil
}

// trainingWarning is what must stand wherever such a model is shown.
func trainingWarning(kind string) string {
	switch kind {
	case bundle.KindRendered:
		return "trained on rendered pumpkins only: no accuracy on real fruit is known"
	case bundle.KindMixed:
		return "trained on rendered pumpkins and on photos: only what was measured on photos says something about real fruit"
	}
	return ""
}

func (r *inspectReport) print(s *streams) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	if r.TrainedOn.Warning != "" {
		fmt.Fprintf(w, "%s\n\n", strings.ToUpper(r.TrainedOn.Warning[:1])+r.TrainedOn.Warning[1:]+".")
	}
	fmt.Fprintf(w, "name\t%s\n", r.Name)
	fmt.Fprintf(w, "id\t%s\n", r.ID)
	fmt.Fprintf(w, "task\t%s\n", r.Task)
	fmt.Fprintf(w, "backbone\t%s\n", r.Backbone)
	fmt.Fprintf(w, "preprocessing\t%s, %s\n", r.Preprocess.ID, r.Preprocess.words())
	fmt.Fprintf(w, "golden frames\t%d\n", r.GoldenFrames)
	r.TrainedOn.print(w)
	r.printClasses(w)
	for _, v := range r.Variants {
		v.print(w, r.Classes)
	}
	fmt.Fprintf(w, "\nfiles (%s)\n", byteSize(r.Bytes))
	for _, f := range r.Files {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", f.Name, byteSize(f.Size), f.SHA256)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func (p preprocess) words() string {
	if p.Supported {
		return "which this program has"
	}
	return "which this program lacks (it has " + p.Here + "): update it to use the model"
}

func (t *trainedOn) print(w *tabwriter.Writer) {
	fmt.Fprintf(w, "\ntrained on\t%s, %d pictures in %d groups, seed %d\n", kindWords(t.Kind), t.Images, t.Groups, t.Seed)
	for _, source := range t.Sources {
		fmt.Fprintf(w, "  from\t%s\n", source)
	}
	fmt.Fprintf(w, "  known again\t%d pictures, which every measurement leaves out\n", t.Hashes)
}

func kindWords(kind string) string {
	switch kind {
	case bundle.KindRendered:
		return "rendered pumpkins"
	case bundle.KindMixed:
		return "rendered pumpkins and photos"
	}
	return "photos"
}

func (r *inspectReport) printClasses(w *tabwriter.Writer) {
	fmt.Fprintf(w, "\nclass\tEnglish\tSpanish\tpictures\n")
	for _, c := range r.Classes {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%d\n", c.Name, c.Labels["en"], c.Labels["es"], r.TrainedOn.Classes[c.Name])
	}
}

func (v *variantReport) print(w *tabwriter.Writer, classes []bundle.Class) {
	fmt.Fprintf(w, "\nvariant %s\n", v.Name)
	fmt.Fprintf(w, "  graph\t%s\n", byteSize(v.GraphBytes))
	fmt.Fprintf(w, "  temperature\t%.3g\n", v.Temperature)
	fmt.Fprintf(w, "  novel above\t%.3g, mean cosine distance to the %d nearest of %d references\n", v.Novelty, v.Neighbours, v.References)
	for _, c := range classes {
		fmt.Fprintf(w, "  called %s from\t%.1f %%\n", c.Name, 100*v.Thresholds[c.Name])
	}
	for _, cpu := range slices.Sorted(maps.Keys(v.GoldenTolerance)) {
		fmt.Fprintf(w, "  golden tolerance (%s)\t%.3g\n", cpu, v.GoldenTolerance[cpu])
	}
}

// byteSize prints a number of bytes for a person, in thousands.
func byteSize(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

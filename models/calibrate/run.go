package calibrate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/onnxgraph"
	"gourdian/models/backbone"
	"gourdian/models/dataset"
	"gourdian/models/quantize"
	"gourdian/models/sample"
)

// Config says what to measure on what.
type Config struct {
	Data       string // folder of any pictures, with its sub-folders; empty = none
	Rendered   int    // rendered pictures beside them
	Seed       uint64 // of the rendered pictures
	Rule       Rule
	Backbone   string // name in the catalogue; empty = the default
	Checkpoint string // path of its checkpoint
	Workers    int    // inference workers at once, at least 1
	Infer      infer.Options
	Camera     capture.Options
	// Progress is told of each step as it begins, with its number of parts,
	// and returns what is called after each part.
	Progress func(step string, parts int) (part func())
}

// Report says what was measured and why the rule was taken.
type Report struct {
	Out      string         `json:"out,omitempty"`
	Backbone string         `json:"backbone"`
	Rendered int            `json:"rendered"` // pictures of all kinds, held-out ones included
	Photos   int            `json:"photos"`
	HeldOut  int            `json:"held_out"`
	Rule     Rule           `json:"rule"`
	Tried    []Trial        `json:"tried"`
	Values   int            `json:"values"` // with a range
	Library  string         `json:"library"`
	CPU      string         `json:"cpu"`
	Skipped  []dataset.Skip `json:"skipped"` // pictures that could not be used
}

// Trial is how far the integers of one rule are from the float graph.
type Trial struct {
	Rule Rule `json:"rule"`
	// Distance is the mean cosine distance between the two embeddings of a
	// held-out picture.
	Distance float64 `json:"distance"`
}

// everyHeldOut is the share of the pictures, one of so many, that rules are
// tried on instead of being made from.
const everyHeldOut = 5

// leastPictures are needed so that there is something held out.
const leastPictures = 2 * everyHeldOut

// Run measures the ranges of a backbone.
func Run(ctx context.Context, c Config) (quantize.Ranges, *Report, error) {
	ranges, report, err := c.run(ctx)
	if err != nil {
		return quantize.Ranges{}, nil, fmt.Errorf("calibrate: %w", err)
	}
	return ranges, report, nil
}

func (c Config) run(ctx context.Context) (ranges quantize.Ranges, r *Report, err error) {
	b, err := backbone.Find(c.Backbone)
	if err != nil {
		return ranges, nil, err
	}
	model, err := b.Load(c.Checkpoint, false)
	if err != nil {
		return ranges, nil, err
	}
	means, err := b.Means(c.Checkpoint)
	if err != nil {
		return ranges, nil, err
	}
	r = &Report{Backbone: b.ID(), CPU: infer.CPUClass()}
	pictures, err := sample.Gather(ctx, sample.Source{Data: c.Data, Rendered: c.Rendered, Seed: c.Seed, Camera: c.Camera, Progress: c.Progress})
	if err != nil {
		return ranges, nil, err
	}
	r.Rendered, r.Photos, r.Skipped = pictures.Rendered, pictures.Photos, pictures.Skipped
	tensors := pictures.Tensors
	if len(tensors) < leastPictures {
		return ranges, nil, fmt.Errorf("%d pictures can be used, at least %d are needed", len(tensors), leastPictures)
	}
	measured, held := split(tensors)
	r.HeldOut = len(held)
	names := quantize.Observed(model)
	counted, err := c.observe(ctx, model, names, measured, r)
	if err != nil {
		return ranges, nil, err
	}
	r.Values = len(names)
	if err := c.choose(ctx, model, means, names, counted, held, r); err != nil {
		return ranges, nil, err
	}
	ranges = spreadAll(r.Rule, names, counted)
	ranges.Notes = c.notes(r)
	return ranges, r, nil
}

// split holds every fifth picture out.
func split[T any](all []T) (measured, held []T) {
	for i, one := range all {
		if i%everyHeldOut == everyHeldOut-1 {
			held = append(held, one)
		} else {
			measured = append(measured, one)
		}
	}
	return measured, held
}

// notes stand in the head of the file and say how it was made.
func (c Config) notes(r *Report) []string {
	return []string{
		"What the values of the network spanned, which integers share out; see docs/formats/quantize.md.",
		"backbone " + r.Backbone,
		fmt.Sprintf("measured on %d pictures (%d rendered with seed %d, %d photos), of which %d were held out to try the rules",
			r.Rendered+r.Photos, r.Rendered, c.Seed, r.Photos, r.HeldOut),
		"rule " + string(r.Rule) + ", by gourdianctl model calibrate with " + r.Library + " on " + r.CPU,
	}
}

// serve starts workers for a graph with extra outputs.
func (c Config) serve(ctx context.Context, m *onnxgraph.Model, outputs ...string) ([]infer.Runner, error) {
	dir, err := os.MkdirTemp("", "gourdian-calibrate-")
	if err != nil {
		return nil, fmt.Errorf("write graph: %w", err)
	}
	defer os.RemoveAll(dir) // a worker that serves has read it
	path := filepath.Join(dir, "graph.onnx")
	if err := os.WriteFile(path, onnxgraph.Encode(m), 0o600); err != nil {
		return nil, fmt.Errorf("write graph: %w", err)
	}
	var runners []infer.Runner
	for range max(1, c.Workers) {
		runner, err := features.StartGraph(ctx, path, c.Infer, outputs...)
		if err != nil {
			features.Close(runners)
			return nil, err
		}
		runners = append(runners, runner)
	}
	return runners, nil
}

package pipeline

import (
	"bytes"
	"context"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/models/dataset"
	"gourdian/models/embed"
	"gourdian/models/evaluate"
	"gourdian/models/train"
)

// Progress is told of each step as it begins, with its number of parts, and
// returns what is called after each part.
type Progress func(step string, parts int) (part func())

// Order is what a Maker works on.
type Order struct {
	Data     string // folder of pictures with their manifest.csv
	Task     string
	Seed     uint64
	C        []float64 // see Candidate
	Variants []string
	Progress Progress
}

// Maker does the heavy parts; *Workers is one.
type Maker interface {
	Embed(ctx context.Context, o Order) (train.Embedded, error)
	Train(ctx context.Context, o Order) (file []byte, report *train.Report, err error)
	// Evaluate shows all pictures of the data to one variant of a bundle.
	Evaluate(ctx context.Context, bundleFile, variant string, o Order) (*evaluate.Report, error)
}

// Workers makes models in the worker programs.
type Workers struct {
	Checkpoint string // path of the backbone's
	Cache      string // folder of embeddings
	Side       int    // inference workers at once
	Infer      infer.Options
	Camera     capture.Options
}

func (w *Workers) config(o Order) train.Config {
	return train.Config{
		Data: o.Data, Task: o.Task, Seed: o.Seed, Checkpoint: w.Checkpoint, Variants: o.Variants, Cache: w.Cache, Curve: true, Penalties: o.C,
		Workers: max(1, w.Side), Infer: w.Infer, Camera: w.Camera, Progress: o.Progress,
	}
}

// Embed implements Maker.
func (w *Workers) Embed(ctx context.Context, o Order) (train.Embedded, error) {
	return train.Embed(ctx, w.config(o))
}

// Train implements Maker.
func (w *Workers) Train(ctx context.Context, o Order) ([]byte, *train.Report, error) {
	packed, report, err := train.Run(ctx, w.config(o))
	if err != nil {
		return nil, nil, err
	}
	var file bytes.Buffer
	if report.Bundle, err = bundle.Build(&file, packed.Manifest, packed.Files); err != nil {
		return nil, nil, err
	}
	return file.Bytes(), report, nil
}

// Evaluate implements Maker.
func (w *Workers) Evaluate(ctx context.Context, bundleFile, variant string, o Order) (*evaluate.Report, error) {
	b, err := bundle.Open(bundleFile)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	set, err := dataset.Open(o.Data, nil)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	decoder, err := embed.NewWorkerDecoder(ctx, w.Camera)
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	options := w.Infer
	options.Variant = variant
	runner, err := infer.StartBundle(ctx, bundleFile, options)
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	e := evaluate.Evaluation{
		Bundle: b, Runner: runner, Set: set, Seed: o.Seed, Importer: embed.Importer{Decoder: decoder}, Step: o.Progress("evaluating", len(set.Entries)),
	}
	return e.Run(ctx)
}

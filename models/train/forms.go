package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/onnxgraph"
	"gourdian/models/backbone"
	"gourdian/models/embed"
)

// forms are the forms of one backbone that a training makes heads for.
type forms struct {
	names  []string
	ids    []string // backbone.VariantID of each
	graphs []*onnxgraph.Model
}

func (c Config) forms(b backbone.Backbone) (forms, error) {
	names := c.Variants
	if len(names) == 0 {
		names = backbone.Variants()
	}
	names, err := backbone.CheckVariants(names)
	if err != nil {
		return forms{}, err
	}
	model, err := b.Load(c.Checkpoint, false)
	if err != nil {
		return forms{}, err
	}
	means, err := b.Means(c.Checkpoint)
	if err != nil {
		return forms{}, err
	}
	f := forms{names: names}
	for _, name := range names {
		m, err := b.Variant(model, means, name)
		if err != nil {
			return forms{}, err
		}
		f.ids, f.graphs = append(f.ids, b.VariantID(name, m)), append(f.graphs, m)
	}
	return f, nil
}

// extractor starts the workers and opens the cache; stop ends and closes them.
func (c Config) extractor(ctx context.Context, f forms) (x *embed.Extractor, stop func(), err error) {
	var stops []func()
	stop = func() {
		for i := len(stops) - 1; i >= 0; i-- {
			stops[i]()
		}
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	cache, err := embed.OpenCache(c.Cache)
	if err != nil {
		return nil, nil, err
	}
	stops = append(stops, func() { cache.Close() })
	decoder, err := embed.NewWorkerDecoder(ctx, c.Camera)
	if err != nil {
		return nil, nil, err
	}
	stops = append(stops, decoder.Close)
	x = &embed.Extractor{Importer: embed.Importer{Decoder: decoder, KeepBars: c.KeepBars}, Cache: cache}
	for i, graph := range f.graphs {
		runners, err := c.serve(ctx, graph)
		if err != nil {
			return nil, nil, fmt.Errorf("variant %s: %w", f.names[i], err)
		}
		stops = append(stops, func() { features.Close(runners) })
		x.Networks = append(x.Networks, embed.Network{ID: f.ids[i], Runners: runners})
	}
	return x, stop, nil
}

// serve writes a graph where the workers can read it and starts them. They
// have read it once they serve.
func (c Config) serve(ctx context.Context, model *onnxgraph.Model) ([]infer.Runner, error) {
	dir, err := os.MkdirTemp("", "gourdian-backbone-")
	if err != nil {
		return nil, fmt.Errorf("write backbone: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "backbone.onnx")
	if err := os.WriteFile(path, onnxgraph.Encode(model), 0o600); err != nil {
		return nil, fmt.Errorf("write backbone: %w", err)
	}
	return features.StartGraphs(ctx, max(1, c.Workers), path, c.Infer)
}

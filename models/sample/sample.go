// Package sample gathers pictures to try a network on where labels do not
// matter: rendered ones, and those of any folder.
package sample

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"gourdian/internal/capture"
	"gourdian/internal/field"
	"gourdian/internal/vision"
	"gourdian/models/dataset"
	"gourdian/models/embed"
)

// Source says which pictures to gather.
type Source struct {
	Data     string // folder of any pictures, with its sub-folders; empty = none
	Rendered int    // rendered pictures before them
	Seed     uint64 // of the rendered pictures
	Camera   capture.Options
	// Progress is told of each step as it begins, with its number of parts,
	// and returns what is called after each part.
	Progress func(step string, parts int) (part func())
}

// Sample is what a board would see of the pictures, the rendered ones first.
type Sample struct {
	Tensors          []vision.Tensor
	Rendered, Photos int            // of Tensors
	Skipped          []dataset.Skip // pictures that could not be used
}

// Gather renders, reads and decodes. A picture that can't be decoded is noted
// and passed over.
func Gather(ctx context.Context, s Source) (*Sample, error) {
	decoder, err := embed.NewWorkerDecoder(ctx, s.Camera)
	if err != nil {
		return nil, fmt.Errorf("gather pictures: %w", err)
	}
	defer decoder.Close()
	g := &gatherer{source: s, importer: embed.Importer{Decoder: decoder}}
	if s.Rendered > 0 {
		if err := g.render(ctx); err != nil {
			return nil, fmt.Errorf("gather pictures: %w", err)
		}
	}
	g.out.Rendered = len(g.out.Tensors)
	if s.Data != "" {
		if err := g.read(ctx, s.Data, "look at photos"); err != nil {
			return nil, fmt.Errorf("gather pictures: %w", err)
		}
	}
	g.out.Photos = len(g.out.Tensors) - g.out.Rendered
	return &g.out, nil
}

// gatherer is one Gather under way.
type gatherer struct {
	source   Source
	importer embed.Importer
	out      Sample
}

func (g *gatherer) render(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "gourdian-sample-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	part := g.source.Progress("render pictures", g.source.Rendered)
	o := field.Options{Dir: filepath.Join(dir, "patch"), Count: g.source.Rendered, Seed: g.source.Seed, Views: 1}
	if err := field.WriteDataset(ctx, o, func(int, int) { part() }); err != nil {
		return err
	}
	return g.read(ctx, o.Dir, "look at rendered pictures")
}

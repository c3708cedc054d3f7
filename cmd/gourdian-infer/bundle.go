package main

import (
	"context"
	"fmt"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/ort"
	"gourdian/internal/vision"
)

// loadBundle opens the bundle's variant and runs its golden frames here.
func (o *options) loadBundle(ctx context.Context, library string) (infer.Runner, infer.Info, error) {
	b, err := bundle.OpenPart(o.bundle)
	if err != nil {
		return nil, infer.Info{}, err
	}
	defer b.Close()
	variant := b.Manifest.Variants[0] // OpenPart refuses a bundle without any
	if o.variant != "" {
		if variant, err = b.Variant(o.variant); err != nil {
			return nil, infer.Info{}, fmt.Errorf("open bundle %s: %w", o.bundle, err)
		}
	}
	session, info, err := o.openVariant(ctx, library, b, variant)
	if err != nil {
		return nil, infer.Info{}, fmt.Errorf("open bundle %s: variant %s: %w", o.bundle, variant.Name, err)
	}
	return session, info, nil
}

func (o *options) openVariant(ctx context.Context, library string, b *bundle.Bundle, v bundle.Variant) (*ort.Session, infer.Info, error) {
	graph, err := b.File(v.Graph)
	if err != nil {
		return nil, infer.Info{}, err
	}
	frames, err := goldenFrames(b, v)
	if err != nil {
		return nil, infer.Info{}, err
	}
	var distance float64
	open := o.open()
	open.Model, open.Variant = b.ID, v.Name
	open.Check = func(r infer.Runner) (err error) {
		info := r.Info()
		if distance, err = infer.CheckGolden(ctx, r, frames, v.ToleranceFor(info.CPU)); err != nil {
			return fmt.Errorf("on %s, provider %s: %w", info.CPU, info.ProviderObtained, err)
		}
		return nil
	}
	session, err := ort.Open(library, graph, open)
	if err != nil {
		return nil, infer.Info{}, err
	}
	info := session.Info()
	info.GoldenFrames, info.GoldenMaxDistance = len(frames), distance
	return session, info, nil
}

func goldenFrames(b *bundle.Bundle, v bundle.Variant) ([]infer.GoldenFrame, error) {
	frames := make([]infer.GoldenFrame, 0, len(b.Manifest.Golden))
	for _, g := range b.Manifest.Golden {
		tensor, err := b.File(g.Tensor)
		if err != nil {
			return nil, err
		}
		frames = append(frames, infer.GoldenFrame{
			Name: g.Tensor, Tensor: vision.Tensor(tensor), Expected: g.Expected[v.Name],
		})
	}
	return frames, nil
}

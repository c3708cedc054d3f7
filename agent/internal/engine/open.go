package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"gourdian/agent/internal/live"
	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// By whose word a model runs, as the page says it.
const (
	TrustLocal = "local" // the board's own config names its bundle
	TrustHub   = "hub"   // the hub chose it and its signatures are right
)

// opened is a bundle that passed every check, with its worker not yet started.
type opened struct {
	bundle  *bundle.Bundle
	model   *Model
	process process
	asked   string
	choice  choice
	file    *watched
	trust   string
}

// errMissing is wrapped when there is no file at the bundle's path.
var errMissing = errors.New("there is no bundle")

// open checks a bundle. A loud one says on the page that it is being looked at.
func (e *Engine) open(ctx context.Context, path string, loud bool) (*opened, error) {
	file := watch(path) // before it is read: what comes later is another one
	b, err := bundle.OpenPart(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	defer func() { _ = b.Close() }() // all that is needed later is in memory or read by the worker
	if err := b.CheckPreprocess(vision.PreprocessID()); err != nil {
		return nil, err
	}
	choice, err := e.choose(ctx, b, path, loud)
	if err != nil {
		return nil, err
	}
	variant := choice.Variant
	params, err := b.VerdictParams(variant)
	if err != nil {
		return nil, fmt.Errorf("read what %s decides by: %w", variant, err)
	}
	options := e.config.Worker
	options.Variant = variant
	runner, process, err := e.supervise(path, options)
	if err != nil {
		return nil, err
	}
	model := &Model{ID: b.ID, Variant: variant, Preprocess: b.Manifest.Preprocess, Params: params, runner: runner}
	asked := cmp.Or(options.Require, options.Provider, infer.ProviderCPU)
	return &opened{bundle: b, model: model, process: process, asked: asked, choice: choice, file: file, trust: e.trustOf(path)}, nil
}

// trustOf says by whose word a bundle runs: every one but the config's own came
// from the hub.
func (e *Engine) trustOf(path string) string {
	if path == e.config.Bundle {
		return TrustLocal
	}
	return TrustHub
}

// describe is what the page says of the model before its worker is up.
func (o *opened) describe() *live.Model {
	m := &o.bundle.Manifest
	classes := make([]live.ModelClass, len(m.Classes))
	for i, c := range m.Classes {
		classes[i] = live.ModelClass{Name: c.Name, Labels: c.Labels}
	}
	return &live.Model{
		ID: o.bundle.ID, Name: m.Name, Task: m.Task, Classes: classes,
		Variant: o.model.Variant, Asked: o.asked, VariantWhy: string(o.choice.Reason), Tried: o.choice.tried(),
		TrainedOn: m.Provenance.Kind, Images: m.Provenance.Images,
		Trust: o.trust, Preprocess: m.Preprocess,
		WorkerNote: worker.CodeStarting,
	}
}

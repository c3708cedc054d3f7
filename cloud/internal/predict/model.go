package predict

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/choose"
	"gourdian/internal/quality"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
)

// Model describes what answers now. It does not change.
type Model struct {
	ID         string // bundle id
	Version    int64  // in the registry
	Name       string
	Task       string
	Classes    []bundle.Class
	Variant    string
	Provenance bundle.Provenance
	// Space names what embeddings of this model can be compared with: backbone,
	// variant and preprocessing.
	Space string
}

// slot is one inference worker with what it needs for itself.
type slot struct {
	process process
	runner  infer.Runner
	decider *verdict.Decider
	scores  infer.Scores
}

// serving is a model with its workers.
type serving struct {
	Model
	idle chan *slot
	all  []*slot
	stop context.CancelFunc
	done sync.WaitGroup // the workers
	used sync.WaitGroup // requests; Add under Service.mu
}

// startLimit bounds the start of a champion's workers.
const startLimit = 2 * time.Minute

// trialLimit bounds the start of one worker for a trial.
const trialLimit = time.Minute

// open reads a bundle, chooses its variant for this machine and starts its
// workers. They have passed their golden frames when it returns.
func (s *Service) open(ctx context.Context, path string, version int64) (*serving, error) {
	b, err := bundle.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	defer func() { _ = b.Close() }() // what is needed later is in memory
	if err := b.CheckPreprocess(vision.PreprocessID()); err != nil {
		return nil, err
	}
	variant, err := s.choose(ctx, path, b)
	if err != nil {
		return nil, err
	}
	params, err := b.VerdictParams(variant)
	if err != nil {
		return nil, fmt.Errorf("read what %s decides by: %w", variant, err)
	}
	m := &b.Manifest
	v := &serving{
		Model: Model{
			ID: b.ID, Version: version, Name: m.Name, Task: m.Task, Classes: m.Classes, Variant: variant,
			Provenance: m.Provenance, Space: m.Backbone + "/" + variant + "/" + m.Preprocess,
		},
		idle: make(chan *slot, s.config.Workers),
	}
	options := s.config.Infer
	options.Variant = variant
	for range s.config.Workers {
		one, err := s.newSlot(path, options, params)
		if err != nil {
			return nil, err
		}
		v.all = append(v.all, one)
	}
	return v, v.start(ctx)
}

func (s *Service) newSlot(path string, o infer.Options, params verdict.Params) (*slot, error) {
	decider, err := verdict.NewDecider(params)
	if err != nil {
		return nil, err
	}
	runner, process, err := s.supervise(path, o)
	if err != nil {
		return nil, err
	}
	return &slot{process: process, runner: runner, decider: decider}, nil
}

// start runs the workers and waits until all are up; where one is not in time,
// all are stopped again.
func (v *serving) start(ctx context.Context) error {
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	v.stop = stop
	for _, one := range v.all {
		v.done.Go(func() { _ = one.process.Run(run) }) // it returns nil, when run is done
	}
	wait, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for _, one := range v.all {
		if err := whileUp(wait, one.process); err != nil {
			v.end()
			return fmt.Errorf("start the model's worker: %w", err)
		}
		v.idle <- one
	}
	return nil
}

// end waits for the requests that began with v and stops its workers.
func (v *serving) end() {
	v.used.Wait()
	v.stop()
	v.done.Wait()
}

// choose takes the fastest variant whose golden frames pass here, as a board
// does, by memory or by trial.
func (s *Service) choose(ctx context.Context, path string, b *bundle.Bundle) (string, error) {
	var names []string
	for _, v := range b.Manifest.Variants {
		names = append(names, v.Name)
	}
	if len(names) == 1 {
		return names[0], nil
	}
	memory := choose.Memory{Path: s.config.Memory}
	machine := choose.Machine(choose.ThisCPU(), s.config.Infer.Provider, s.config.Infer.Threads)
	if known, ok := memory.Recall(b.ID, machine, names); ok {
		return known.Variant, nil
	}
	trials, info, err := choose.Try(ctx, names, func(ctx context.Context, variant string) (infer.Runner, error) {
		ctx, cancel := context.WithTimeout(ctx, trialLimit)
		defer cancel()
		o := s.config.Infer
		o.Variant = variant
		return infer.StartBundle(ctx, path, o)
	})
	if err != nil {
		return "", err
	}
	variant, reason, err := choose.Pick(trials)
	if err != nil {
		return "", err
	}
	err = memory.Keep(choose.Choice{
		Bundle: b.ID, Machine: machine, Library: info.Library, Allowed: names, Variant: variant, Reason: reason, Trials: trials,
	})
	if err != nil {
		s.config.Log.Warn("the chosen variant is not remembered", "error", err) // the next start tries again
	}
	return variant, nil
}

// judge scores one tensor and decides. A worker that died is waited for once.
func (v *serving) judge(ctx context.Context, in vision.Tensor) (Result, error) {
	var one *slot
	select {
	case one = <-v.idle:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	defer func() { v.idle <- one }()
	err := outlive(ctx, one.process, infer.ErrUnavailable, func() error { return one.runner.Run(ctx, in, &one.scores) })
	if err != nil {
		return Result{}, err
	}
	if err := one.scores.Check(); err != nil {
		return Result{}, err
	}
	report := quality.AssessTensor(in)
	look := verdict.Look{Blurred: report.Blurred, Dark: report.Dark || report.Night, Bright: report.Bright}
	d, err := one.decider.Decide(one.scores.Embedding, one.scores.Logits, look)
	if err != nil {
		return Result{}, err
	}
	r := Result{Verdict: d.Verdict, Reason: d.Reason, Novelty: d.Novelty, Model: v.ID, Look: report, Embedding: slices.Clone(one.scores.Embedding)}
	r.Probabilities = make(map[string]float64, len(d.Probabilities))
	for i, p := range d.Probabilities {
		r.Probabilities[v.Classes[i].Name] = p
	}
	return r, nil
}

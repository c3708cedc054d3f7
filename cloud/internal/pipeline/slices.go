package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gourdian/models/backbone"
)

// Tally counts the pictures of a slice and those that were called right.
type Tally struct{ Images, Right int }

// Slice is a part of the golden pictures, by what both models said of it.
type Slice struct {
	Name                string // "site:North field", "board:…", "source:import"
	Candidate, Champion Tally
}

// Slices are the parts of the golden pictures, as the chosen candidate of a run
// and its champion saw them in a variant; "" = the first one.
func (p *Pipeline) Slices(ctx context.Context, r *Run, variant string) ([]Slice, error) {
	m, err := p.data.Open(ctx, r.Manifest)
	if err != nil {
		return nil, err
	}
	chosen, err := p.chosen(ctx, r)
	if err != nil {
		return nil, err
	}
	steps, err := p.Steps(ctx, r.Number)
	if err != nil {
		return nil, err
	}
	if variant == "" {
		variant = backbone.Variants()[0]
	}
	parts := map[string][]string{} // of each file
	for i := range m.Pictures {
		one := &m.Pictures[i]
		parts[fileOf(one.Image)] = slicesOf(one.Site, one.Board, string(one.Source))
	}
	found := map[string]*Slice{}
	for i := range steps {
		s := &steps[i]
		who, of, _ := strings.Cut(s.Subject, " ")
		if s.Name != StepEvaluate || of != variant || who != chosen && who != championName || s.Artefact == "" {
			continue
		}
		var e Evaluated
		if err := p.Read(ctx, s.Artefact, &e); err != nil {
			return nil, err
		}
		for _, said := range e.All {
			for _, name := range parts[said.File] {
				if found[name] == nil {
					found[name] = &Slice{Name: name}
				}
				t := &found[name].Candidate
				if who == championName {
					t = &found[name].Champion
				}
				t.Images++
				if said.Predicted == said.Class {
					t.Right++
				}
			}
		}
	}
	out := make([]Slice, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[name])
	}
	return out, nil
}

// chosen is the name of the candidate that met the champion.
func (p *Pipeline) chosen(ctx context.Context, r *Run) (string, error) {
	steps, err := p.Steps(ctx, r.Number)
	if err != nil {
		return "", err
	}
	for i := range steps {
		if steps[i].Name == StepGate {
			return steps[i].Subject, nil
		}
	}
	return "", fmt.Errorf("run %d has met no champion", r.Number)
}

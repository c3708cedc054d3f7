package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"gourdian/cloud/internal/blob"
	"gourdian/internal/bundle"
	"gourdian/models/evaluate"
	"gourdian/models/gate"
)

// First is the outcome where there was no champion: an admin decides.
const First gate.Outcome = "first"

// Gate is the record of a decision. Its blob's name is its id.
type Gate struct {
	Format    int          `json:"format"` // 1
	Run       int64        `json:"run"`
	Manifest  string       `json:"manifest"`
	Champion  string       `json:"champion"`  // bundle, "" = there was none
	Candidate string       `json:"candidate"` // bundle
	Outcome   gate.Outcome `json:"outcome"`
	// Variants are the decisions for each form of the network that both have.
	Variants map[string]gate.Record `json:"variants"`
	Main     string                 `json:"main"` // the variant that must be better; the others must not be worse
}

// gate lets the best candidate meet the champion.
func (x *execution) gate(ctx context.Context, candidates []contender, champion *contender) (Result, error) {
	best := &candidates[0]
	for i := range candidates[1:] {
		if better(candidates[i+1].trained.Report.Figures.BalancedAccuracy, best.trained.Report.Figures.BalancedAccuracy) {
			best = &candidates[i+1]
		}
	}
	g := Gate{Format: 1, Run: x.run.Number, Manifest: x.run.Manifest, Candidate: best.bundle}
	inputs := map[string]any{"run": x.run.Number, "candidate": best.blob}
	if champion != nil {
		g.Champion, inputs["champion"] = champion.bundle, champion.blob
	}
	text, artefact, err := x.step(ctx, StepGate, best.name, inputs, func(context.Context) (any, error) {
		x.decide(&g, best, champion)
		return g, nil
	})
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err == nil {
		err = x.end(ctx, best, artefact)
	}
	return Result{Run: x.run.Number, Version: best.version, Outcome: string(g.Outcome)}, err
}

// better compares figures of which none may be there.
func better(a, b *float64) bool { return a != nil && (b == nil || *a > *b) }

// decide fills in the decision.
func (x *execution) decide(g *Gate, best, champion *contender) {
	if champion == nil {
		g.Outcome = First
		return
	}
	if champion.bundle == best.bundle {
		g.Outcome = gate.Undecided // it is the champion already
		return
	}
	slices := map[string][]string{} // of each file
	for i := range x.manifest.Pictures {
		p := &x.manifest.Pictures[i]
		slices[fileOf(p.Image)] = slicesOf(p.Site, p.Board, string(p.Source))
	}
	g.Variants = map[string]gate.Record{}
	for _, variant := range x.spec.Variants {
		a, b := champion.golden[variant], best.golden[variant]
		if a == nil || b == nil {
			continue
		}
		g.Variants[variant] = gate.Decide(pair(a.All, b.All, slices), gate.DefaultRules())
		if g.Main == "" {
			g.Main = variant
		}
	}
	g.Outcome = outcomeOf(g)
}

// slicesOf are the places that are looked at apart.
func slicesOf(site, board, source string) (out []string) {
	out = append(out, "source:"+source)
	if site != "" {
		out = append(out, "site:"+site)
	}
	if board != "" {
		out = append(out, "board:"+board)
	}
	return out
}

// outcomeOf puts the variants together: none may be worse, the main one must be
// better.
func outcomeOf(g *Gate) gate.Outcome {
	out := gate.Undecided
	if main, ok := g.Variants[g.Main]; ok {
		out = main.Outcome
	}
	for _, r := range g.Variants {
		if r.Outcome == gate.Reject {
			return gate.Reject
		}
	}
	return out
}

// pair puts together what two models said of the same pictures; those that
// trained one of them were left out of its evaluation.
func pair(champion, candidate []evaluate.Prediction, slices map[string][]string) []gate.Answer {
	before := make(map[string]evaluate.Prediction, len(champion))
	for _, p := range champion {
		before[p.File] = p
	}
	var out []gate.Answer
	for _, p := range candidate {
		old, both := before[p.File]
		if !both {
			continue
		}
		out = append(out, gate.Answer{
			Class: p.Class, Group: p.Group, Slices: slices[p.File], Champion: old.Predicted == p.Class, Candidate: p.Predicted == p.Class,
		})
	}
	return out
}

// bundleFile lays a contender's bundle where a worker can read it, and says
// whether it has the variant.
func (x *execution) bundleFile(ctx context.Context, one *contender, variant string) (path string, has bool, err error) {
	file, err := x.blobs.Get(ctx, blob.Bundles, one.blob, maxArtefact)
	if err != nil {
		return "", false, err
	}
	b, err := bundle.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return "", false, err
	}
	if _, err := b.Variant(variant); err != nil {
		return "", false, nil
	}
	path = filepath.Join(x.dir, one.blob+".gourdian")
	if _, err := os.Stat(path); err == nil {
		return path, true, nil
	}
	if err := os.WriteFile(path+".part", file, 0o600); err != nil {
		return "", false, fmt.Errorf("lay out bundle: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return "", false, fmt.Errorf("lay out bundle: %w", err)
	}
	return path, true, nil
}

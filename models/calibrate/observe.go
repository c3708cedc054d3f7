package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/vision"
	"gourdian/models/quantize"
)

// observe counts the values of the float graph over all tensors.
func (c Config) observe(ctx context.Context, m *onnxgraph.Model, names []string, tensors []vision.Tensor, r *Report) ([]*counts, error) {
	runners, err := c.serve(ctx, m, names...)
	if err != nil {
		return nil, err
	}
	defer features.Close(runners)
	r.Library = runners[0].Info().Library
	all := make([]*counts, len(names))
	for i := range all {
		all[i] = newCounts()
	}
	part := oneByOne(c.Progress("measure values", len(tensors)))
	err = features.Compute(ctx, runners, features.Job{
		N:    len(tensors),
		Load: loadFrom(tensors),
		Save: func(_ int, s *infer.Scores) error {
			if len(s.Extra) != len(all) {
				return fmt.Errorf("%d extra outputs of %d", len(s.Extra), len(all))
			}
			for i, values := range s.Extra {
				all[i].add(values)
			}
			part()
			return nil
		},
	})
	return all, err
}

// oneByOne lets several workers call part.
func oneByOne(part func()) func() {
	var mu sync.Mutex
	return func() {
		mu.Lock()
		defer mu.Unlock()
		part()
	}
}

// loadFrom copies tensors in their order.
func loadFrom(tensors []vision.Tensor) func(context.Context, int, vision.Tensor) (bool, error) {
	return func(_ context.Context, i int, in vision.Tensor) (bool, error) {
		copy(in, tensors[i])
		return true, nil
	}
}

// embed runs a graph and returns the embedding of each tensor.
func (c Config) embed(ctx context.Context, m *onnxgraph.Model, tensors []vision.Tensor, part func()) ([][]float32, error) {
	runners, err := c.serve(ctx, m)
	if err != nil {
		return nil, err
	}
	defer features.Close(runners)
	out := make([][]float32, len(tensors))
	err = features.Compute(ctx, runners, features.Job{
		N:    len(tensors),
		Load: loadFrom(tensors),
		Save: func(i int, s *infer.Scores) error {
			out[i] = append([]float32(nil), s.Embedding...)
			part()
			return nil
		},
	})
	return out, err
}

// clearlyCloser is the share of MinMax's distance that another rule must stay
// below: MinMax also bears what the pictures did not show.
const clearlyCloser = 0.9

// choose tries the rules on held-out pictures and notes the one to take.
func (c Config) choose(ctx context.Context, m *onnxgraph.Model, means quantize.Means, names []string, counted []*counts, held []vision.Tensor, r *Report) error {
	rules := Rules()
	if c.Rule != Auto {
		rules = []Rule{c.Rule}
	}
	part := oneByOne(c.Progress("try rules", len(held)*(1+len(rules))))
	want, err := c.embed(ctx, m, held, part)
	if err != nil {
		return err
	}
	for _, rule := range rules {
		q, err := quantize.Backbone(m, spreadAll(rule, names, counted), means, quantize.FullRange)
		if err != nil {
			return err
		}
		got, err := c.embed(ctx, q, held, part)
		if err != nil {
			return fmt.Errorf("rule %s: %w", rule, err)
		}
		distance, err := meanDistance(want, got)
		if err != nil {
			return err
		}
		r.Tried = append(r.Tried, Trial{rule, distance})
	}
	r.Rule = best(r.Tried)
	return nil
}

// best is the first rule, or the closest one where that is clearly closer.
func best(tried []Trial) Rule {
	best, limit := tried[0].Rule, clearlyCloser*tried[0].Distance
	for _, t := range tried[1:] {
		if t.Distance < limit {
			best, limit = t.Rule, t.Distance
		}
	}
	return best
}

func spreadAll(rule Rule, names []string, counted []*counts) quantize.Ranges {
	var out quantize.Ranges
	for i, name := range names {
		out.Values = append(out.Values, rule.spread(name, counted[i]))
	}
	return out
}

// meanDistance is the mean cosine distance of the pairs.
func meanDistance(a, b [][]float32) (float64, error) {
	sum := 0.0
	for i := range a {
		var dot, aa, bb float64
		for j := range a[i] {
			x, y := float64(a[i][j]), float64(b[i][j])
			dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
		}
		if aa == 0 || bb == 0 {
			return 0, errors.New("an embedding of zeros")
		}
		sum += 1 - dot/math.Sqrt(aa*bb)
	}
	return sum / float64(len(a)), nil
}

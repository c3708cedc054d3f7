// Package bench measures the variants of a bundle beside each other on this
// machine, as a board does that takes one of them: how fast each is, whether its
// golden frames pass, and how often its verdict is that of fp32.
package bench

import (
	"context"
	"fmt"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/choose"
	"gourdian/internal/quality"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
	"gourdian/models/backbone"
	"gourdian/models/dataset"
	"gourdian/models/sample"
)

// Config says what to measure.
type Config struct {
	Bundle   string        // path
	Pictures sample.Source // to compare verdicts on
	Infer    infer.Options
	// Progress is told of each step as it begins, with its number of parts,
	// and returns what is called after each part.
	Progress func(step string, parts int) (part func())
}

// Report is what was measured.
type Report struct {
	Bundle   string             `json:"bundle"`
	CPU      choose.CPU         `json:"cpu"`
	Library  string             `json:"library"`
	Asked    string             `json:"provider_asked"`
	Provider string             `json:"provider"` // obtained for the chosen variant
	Threads  int                `json:"threads"`
	Chosen   string             `json:"chosen"` // what a board like this would run
	Why      choose.Reason      `json:"why"`
	Variants map[string]Variant `json:"variants"`
	Rendered int                `json:"rendered"` // pictures that verdicts were compared on
	Photos   int                `json:"photos"`
	Skipped  []dataset.Skip     `json:"skipped"` // pictures that could not be used
}

// Variant is how one variant did. What could not be measured is null.
type Variant struct {
	P50 *float64 `json:"ms_p50"` // milliseconds through the worker
	P99 *float64 `json:"ms_p99"`
	// Speedup is the time of fp32 by this one's: above 1 it is faster.
	Speedup *float64 `json:"speedup_vs_fp32"`
	// EqualVerdicts is the share of pictures with fp32's verdict, unsure ones
	// included; EqualClasses of those with its most probable class.
	EqualVerdicts *float64 `json:"equal_verdicts"`
	EqualClasses  *float64 `json:"equal_classes"`
	PassesGolden  bool     `json:"passes_golden"`
	Fault         string   `json:"fault,omitempty"` // why it does not pass
	// Provider is the one obtained for this variant, ProvidersMissed those that
	// were wished for more, ProviderOperators how many operators each runs.
	Provider          string         `json:"provider,omitempty"`
	ProvidersMissed   []infer.Miss   `json:"providers_missed,omitempty"`
	ProviderOperators map[string]int `json:"provider_operators,omitempty"`
	// Operators is what the runtime made of the graph.
	Operators map[string]int `json:"operators,omitempty"`
}

// Run measures all variants of a bundle.
func Run(ctx context.Context, c Config) (*Report, error) {
	r, err := c.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("bench %s: %w", c.Bundle, err)
	}
	return r, nil
}

func (c Config) run(ctx context.Context) (*Report, error) {
	b, err := bundle.Open(c.Bundle)
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }() // only read
	if err := b.CheckPreprocess(vision.PreprocessID()); err != nil {
		return nil, err
	}
	r := &Report{Bundle: b.ID, CPU: choose.ThisCPU(), Variants: map[string]Variant{}}
	if err := c.race(ctx, b, r); err != nil {
		return nil, err
	}
	pictures, err := sample.Gather(ctx, c.Pictures)
	if err != nil {
		return nil, err
	}
	r.Rendered, r.Photos, r.Skipped = pictures.Rendered, pictures.Photos, pictures.Skipped
	return r, c.compare(ctx, b, pictures.Tensors, r)
}

// race times the variants in turns and picks one.
func (c Config) race(ctx context.Context, b *bundle.Bundle, r *Report) error {
	var names []string
	for _, v := range b.Manifest.Variants {
		names = append(names, v.Name)
	}
	infos := map[string]infer.Info{}
	part := c.Progress("time the variants", 1)
	trials, info, err := choose.Try(ctx, names, func(ctx context.Context, variant string) (infer.Runner, error) {
		runner, err := c.start(ctx, variant, true)
		if err != nil {
			return nil, err
		}
		infos[variant] = runner.Info()
		return runner, nil
	})
	if err != nil {
		return err
	}
	part()
	if r.Chosen, r.Why, err = choose.Pick(trials); err != nil {
		return err
	}
	r.Library, r.Asked, r.Threads = info.Library, info.ProviderAsked, info.Threads
	r.Provider = infos[r.Chosen].ProviderObtained
	r.CPU.Class = info.CPU // as the worker sees it, whose kernels were timed
	var float *float64
	for _, t := range trials {
		if t.Variant == backbone.FP32 && t.Passes {
			float = &t.P50
		}
	}
	for _, t := range trials {
		is := infos[t.Variant]
		v := Variant{
			PassesGolden: t.Passes, Fault: t.Fault, Operators: is.Operators,
			Provider: is.ProviderObtained, ProvidersMissed: is.ProvidersMissed, ProviderOperators: is.ProviderOperators,
		}
		if t.Passes {
			v.P50, v.P99 = &t.P50, &t.P99
			if float != nil {
				ratio := *float / t.P50
				v.Speedup = &ratio
			}
		}
		r.Variants[t.Variant] = v
	}
	return nil
}

func (c Config) start(ctx context.Context, variant string, operators bool) (*infer.Client, error) {
	o := c.Infer
	o.Variant, o.Operators = variant, operators
	return infer.StartBundle(ctx, c.Bundle, o)
}

// said is what a variant says of one picture.
type said struct {
	verdict wire.Verdict
	top     int
}

// compare notes how often each variant says what fp32 says.
func (c Config) compare(ctx context.Context, b *bundle.Bundle, pictures []vision.Tensor, r *Report) error {
	if !r.Variants[backbone.FP32].PassesGolden || len(pictures) == 0 {
		return nil
	}
	part := c.Progress("compare verdicts", len(r.Variants))
	want, err := c.judge(ctx, b, backbone.FP32, pictures)
	if err != nil {
		return err
	}
	for _, v := range b.Manifest.Variants {
		result := r.Variants[v.Name]
		if result.PassesGolden {
			got, err := c.judge(ctx, b, v.Name, pictures)
			if err != nil {
				return err
			}
			verdicts, classes := agreement(want, got)
			result.EqualVerdicts, result.EqualClasses = &verdicts, &classes
			r.Variants[v.Name] = result
		}
		part()
	}
	return nil
}

// agreement is the share of equal verdicts, and of equal top classes.
func agreement(a, b []said) (verdicts, classes float64) {
	for i := range a {
		if a[i].verdict == b[i].verdict {
			verdicts++
		}
		if a[i].top == b[i].top {
			classes++
		}
	}
	return verdicts / float64(len(a)), classes / float64(len(a))
}

// judge lets a variant decide about every picture, as a board would.
func (c Config) judge(ctx context.Context, b *bundle.Bundle, variant string, pictures []vision.Tensor) ([]said, error) {
	params, err := b.VerdictParams(variant)
	if err != nil {
		return nil, err
	}
	decider, err := verdict.NewDecider(params)
	if err != nil {
		return nil, err
	}
	runner, err := c.start(ctx, variant, false)
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	var scores infer.Scores
	out := make([]said, len(pictures))
	for i, tensor := range pictures {
		if err := runner.Run(ctx, tensor, &scores); err != nil {
			return nil, err
		}
		q := quality.AssessTensor(tensor)
		d, err := decider.Decide(scores.Embedding, scores.Logits, verdict.Look{Blurred: q.Blurred, Dark: q.Dark, Bright: q.Bright})
		if err != nil {
			return nil, err
		}
		out[i] = said{d.Verdict, d.Top}
	}
	return out, nil
}

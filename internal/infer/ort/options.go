package ort

import "gourdian/internal/infer"

// Options say how a graph is run.
type Options struct {
	Model     string   // Info.Model
	Variant   string   // Info.Variant
	Threads   int      // intra-op threads, at least 1
	Providers []string // of infer.Providers, in order of preference; at least one
	Require   string   // the provider that must be obtained, "" for any of Providers
	Outputs   []string // values to return beside embedding and logits
	// Operators asks for Info.Operators: what the runtime made of the graph.
	// Opening then takes about half as long again.
	Operators bool
	// Check looks at the network on a provider that was obtained. Where its error
	// wraps infer.ErrGolden, the next provider is tried: one that computes other
	// scores is of no use. nil = nothing to check.
	Check func(r infer.Runner) error
}

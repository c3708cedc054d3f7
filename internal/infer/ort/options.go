package ort

// Providers that can be asked for by name.
const (
	ProviderCPU     = "cpu"
	ProviderXNNPACK = "xnnpack"
)

// Options say how a graph is run.
type Options struct {
	Model    string   // Info.Model
	Variant  string   // Info.Variant
	Threads  int      // intra-op threads, at least 1
	Provider string   // one of the constants above
	Outputs  []string // values to return beside embedding and logits
	// Operators asks for Info.Operators: what the runtime made of the graph.
	// Opening then takes about half as long again.
	Operators bool
}

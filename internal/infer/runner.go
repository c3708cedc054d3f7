package infer

import (
	"context"
	"errors"

	"gourdian/internal/vision"
)

// ErrUnavailable is wrapped by errors of Run while the engine is down and coming
// back.
var ErrUnavailable = errors.New("the engine is not available")

// ErrBadTensor is wrapped by errors of Run for a tensor of the wrong length.
var ErrBadTensor = errors.New("not a tensor of the model's size")

// Scores is what the network says of one tensor. A Runner fills the slices it
// is given when their capacity suffices, so a caller that reuses a Scores
// allocates nothing.
type Scores struct {
	Embedding []float32 // 1280 values
	Logits    []float32 // one per class, before temperature and softmax
	// Extra are the outputs asked for by name beside these two, as in
	// Info.Extra. Boards ask for none.
	Extra [][]float32
}

// Output is an output of the network by name.
type Output struct {
	Name string `json:"name"`
	Len  int    `json:"len"` // values
}

// Info describes what a Runner really runs, for page, records and reports.
type Info struct {
	Model             string  `json:"model"`               // bundle id, or SHA-256 of a bare graph
	Variant           string  `json:"variant"`             // "fp32", ...; empty for a bare graph
	Classes           int     `json:"classes"`             // length of Logits
	EmbeddingLen      int     `json:"embedding_len"`       // length of Embedding
	ProviderAsked     string  `json:"provider_asked"`      // as in Options.Provider
	ProviderObtained  string  `json:"provider_obtained"`   // the one that runs the network, or a part of it
	Library           string  `json:"library"`             // "onnxruntime 1.32.0"
	Threads           int     `json:"threads"`             // intra-op threads
	GoldenFrames      int     `json:"golden_frames"`       // frames that passed before serving
	GoldenMaxDistance float64 `json:"golden_max_distance"` // largest difference seen against the expected logits
	LoadMillis        float64 `json:"load_ms"`
	CPU               string  `json:"cpu"` // CPU class, see CPUClass

	// ProvidersMissed are those that were wished for more than the one obtained,
	// each with why it was not.
	ProvidersMissed []Miss `json:"providers_missed,omitempty"`
	// ProviderOperators is how many of the network's operators each provider ran
	// when it was tried; empty where only the CPU can have run them.
	ProviderOperators map[string]int `json:"provider_operators,omitempty"`

	Extra []Output `json:"extra,omitempty"` // further outputs of the network, in the order of Scores.Extra

	// Operators is how many of each the runtime really runs, after its own
	// optimisations ("QLinearConv": 49); only where it was asked for.
	Operators map[string]int `json:"operators,omitempty"`
}

// Miss is a provider that was asked for and not obtained.
type Miss struct {
	Provider string `json:"provider"`
	Why      string `json:"why"`
}

// Runner runs one model. The caller owns the tensor and out; Run has read and
// written them when it returns. Run is called by one goroutine at a time. It
// returns an error wrapping ErrUnavailable while the engine is down and coming
// back, and ctx.Err() when the deadline passed first.
type Runner interface {
	Run(ctx context.Context, in vision.Tensor, out *Scores) error
	Info() Info
	Close() error
}

package onnxgraph

import (
	"fmt"
	"math"
)

// Names that every model of this project uses; see docs/ARCHITECTURE.md.
const (
	InputImage      = "image"     // uint8 [1,224,224,3] RGB
	OutputEmbedding = "embedding" // float32 [1,E]
	OutputLogits    = "logits"    // float32 [1,K]
)

// Dense is a fully connected layer: y = Weights x + Bias.
type Dense struct {
	In, Out int
	Weights []float64 // Out rows of In values
	Bias    []float64 // Out values
}

// Head turns an embedding into logits: standardise with Mean and Std, then one
// or more dense layers with a ReLU between each two.
type Head struct {
	Mean, Std []float64 // one value per value of the embedding; Std is positive
	Layers    []Dense
}

// AppendHead puts a head behind the output "embedding" and names its result
// "logits". The standardisation is folded into the first layer in float64:
// W' = W / std, b' = b - W (mean / std). The head's weights become the last
// bytes of the encoded file, in the order of the layers.
func AppendHead(m *Model, head Head) error {
	width, err := embeddingWidth(m)
	if err != nil {
		return fmt.Errorf("append head: %w", err)
	}
	if err := head.check(width); err != nil {
		return fmt.Errorf("append head: %w", err)
	}
	// A decoded file's own order would put the weights where it had them.
	m.keep.order, m.Graph.keep.order = m.keep.unknownOnly(), m.Graph.keep.unknownOnly()
	g, x := m.Graph, OutputEmbedding
	for i, layer := range head.Layers {
		weights, bias := layer.Weights, layer.Bias
		if i == 0 {
			weights, bias = fold(layer, head.Mean, head.Std)
		}
		name := fmt.Sprintf("head_%d", i)
		inputs := []string{
			x,
			g.Floats(name+"_weights", round(weights), int64(layer.Out), int64(layer.In)),
			g.Floats(name+"_bias", round(bias), int64(layer.Out)),
		}
		if i == len(head.Layers)-1 {
			g.Node("Gemm", OutputLogits, inputs, IntAttribute("transB", 1))
			g.Output(OutputLogits, Float32, 1, int64(layer.Out))
			return nil
		}
		x = g.Node("Relu", name+"_relu", []string{g.Node("Gemm", name, inputs, IntAttribute("transB", 1))})
	}
	return nil
}

func embeddingWidth(m *Model) (int, error) {
	types, err := InferShapes(m)
	if err != nil {
		return 0, err
	}
	if _, taken := types[OutputLogits]; taken {
		return 0, fmt.Errorf("the graph has a value %q already", OutputLogits)
	}
	embedding, ok := types[OutputEmbedding]
	if !ok || embedding.Elem != Float32 || len(embedding.Dims) != 2 || embedding.Dims[0] != 1 {
		return 0, fmt.Errorf("the graph has no float32 value %q of shape [1,E]", OutputEmbedding)
	}
	return int(embedding.Dims[1]), nil
}

func (h Head) check(width int) error {
	if len(h.Layers) == 0 {
		return fmt.Errorf("no layers")
	}
	if len(h.Mean) != width || len(h.Std) != width {
		return fmt.Errorf("%d means and %d deviations for an embedding of %d", len(h.Mean), len(h.Std), width)
	}
	for i, std := range h.Std {
		if !(std > 0) || math.IsInf(std, 0) {
			return fmt.Errorf("deviation %d is %v, not positive", i, std)
		}
	}
	if !finite(h.Mean) {
		return fmt.Errorf("a mean is no number")
	}
	for i, layer := range h.Layers {
		if !finite(layer.Weights) || !finite(layer.Bias) {
			return fmt.Errorf("layer %d holds a value that is no number", i)
		}
		if layer.In != width || layer.Out < 1 || len(layer.Weights) != layer.In*layer.Out || len(layer.Bias) != layer.Out {
			return fmt.Errorf("layer %d of %d x %d with %d weights and %d biases after %d values",
				i, layer.Out, layer.In, len(layer.Weights), len(layer.Bias), width)
		}
		width = layer.Out
	}
	return nil
}

func finite(values []float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// fold puts x -> (x - mean) / std into the layer behind it. Each product is
// rounded by itself (no fused multiply-add), so all machines agree on the bytes.
func fold(layer Dense, mean, std []float64) (weights, bias []float64) {
	weights = make([]float64, len(layer.Weights))
	bias = make([]float64, layer.Out)
	for o := range layer.Out {
		sum := layer.Bias[o]
		for i := range layer.In {
			w := layer.Weights[o*layer.In+i] / std[i]
			weights[o*layer.In+i] = w
			sum -= float64(w * mean[i])
		}
		bias[o] = sum
	}
	return weights, bias
}

func round(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

package onnxgraph

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// small is a network with an operator of each kind that models here use.
func small() *Model {
	m := New("small")
	g := m.Graph
	g.Input(InputImage, Uint8, 1, 4, 4, 3)
	x := g.Node("Transpose", "planes", []string{InputImage}, IntsAttribute("perm", 0, 3, 1, 2))
	x = g.Node("Cast", "float", []string{x}, IntAttribute("to", int64(Float32)))
	x = g.Node("Sub", "centred", []string{x, g.Floats("mean", []float32{127})})
	weights := make([]float32, 2*3*3*3)
	for i := range weights {
		weights[i] = float32(i%7-3) / 8
	}
	x = g.Node("Conv", "conv", []string{x, g.Floats("conv_weights", weights, 2, 3, 3, 3), g.Floats("conv_bias", []float32{0.5, -0.5}, 2)},
		IntAttribute("group", 1), IntsAttribute("kernel_shape", 3, 3), IntsAttribute("pads", 0, 0, 1, 1), IntsAttribute("strides", 2, 2))
	x = g.Node("Clip", "clip", []string{x, g.Floats("zero", []float32{0}), g.Floats("six", []float32{6})})
	x = g.Node("GlobalAveragePool", "pooled", []string{x})
	g.Node("Flatten", OutputEmbedding, []string{x}, IntAttribute("axis", 1))
	g.Output(OutputEmbedding, Float32, 1, 2)
	return m
}

// smallHead has three classes on small's embedding of two values.
func smallHead() Head {
	return Head{
		Mean: []float64{1, 2}, Std: []float64{2, 4},
		Layers: []Dense{{In: 2, Out: 3, Weights: []float64{1, 2, 3, 4, 5, 6}, Bias: []float64{0.25, 0.5, 0.75}}},
	}
}

func TestEncodeGivesTheGoldenFile(t *testing.T) {
	t.Parallel()
	m := small()
	if err := AppendHead(m, smallHead()); err != nil {
		t.Fatal(err)
	}
	got := Encode(m)
	const golden = "testdata/small.onnx"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes differ from the %d of %s", len(got), len(want), golden)
	}
	decoded, err := Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(decoded); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(Encode(decoded), want) {
		t.Error("decoding and encoding changed the golden file")
	}
}

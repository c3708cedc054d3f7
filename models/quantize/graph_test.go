package quantize

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/onnxgraph"
)

// tiny is a network with each thing that the backbones have: a normalised
// picture, a clipped and an unclipped convolution, one by depth, and a sum.
func tiny() *onnxgraph.Model {
	m := onnxgraph.New("tiny")
	g := m.Graph
	g.Input(onnxgraph.InputImage, onnxgraph.Uint8, 1, 4, 4, 3)
	x := g.Node("Transpose", "planes", []string{onnxgraph.InputImage}, onnxgraph.IntsAttribute("perm", 0, 3, 1, 2))
	x = g.Node("Cast", "float", []string{x}, onnxgraph.IntAttribute("to", int64(onnxgraph.Float32)))
	x = g.Node("Sub", "centred", []string{x, g.Floats("mean", []float32{127})})
	x = g.Node("Mul", "normal", []string{x, g.Floats("factor", []float32{1.0 / 128})})
	zero, six := g.Floats("zero", []float32{0}), g.Floats("six", []float32{6})
	conv := func(in, out string, channels, depth, kernel int64, pad int64) string {
		weights := make([]float32, channels*depth*kernel*kernel)
		for i := range weights {
			weights[i] = float32(i%7-3) / 8 * float32(1+i%3)
		}
		return g.Node("Conv", out, []string{in,
			g.Floats(out+"_weights", weights, channels, depth, kernel, kernel),
			g.Floats(out+"_bias", []float32{0.5, -0.5}, channels),
		}, onnxgraph.IntAttribute("group", map[bool]int64{true: 2, false: 1}[depth == 1]),
			onnxgraph.IntsAttribute("kernel_shape", kernel, kernel), onnxgraph.IntsAttribute("pads", pad, pad, pad, pad))
	}
	x = g.Node("Clip", "stem", []string{conv(x, "stem_linear", 2, 3, 3, 1), zero, six})
	a := conv(x, "block_0", 2, 2, 1, 0)
	b := conv(a, "block_1", 2, 1, 3, 1)
	x = g.Node("Add", "sum", []string{b, a})
	x = g.Node("GlobalAveragePool", "pooled", []string{x})
	g.Node("Flatten", onnxgraph.OutputEmbedding, []string{x}, onnxgraph.IntAttribute("axis", 1))
	g.Output(onnxgraph.OutputEmbedding, onnxgraph.Float32, 1, 2)
	g.Node("Gemm", onnxgraph.OutputLogits, []string{onnxgraph.OutputEmbedding, g.Floats("w", []float32{1, 2, 3, 4, 5, 6}, 3, 2), g.Floats("b", []float32{1, 2, 3}, 3)},
		onnxgraph.IntAttribute("transB", 1))
	g.Output(onnxgraph.OutputLogits, onnxgraph.Float32, 1, 3)
	return m
}

// listing names each node's operator and output.
func listing(m *onnxgraph.Model) []string {
	var out []string
	for _, n := range m.Graph.Nodes {
		out = append(out, n.Op+" "+n.Outputs[0])
	}
	return out
}

func TestEveryConvolutionStandsBetweenIntegers(t *testing.T) {
	t.Parallel()
	m := tiny()
	before := onnxgraph.Encode(m)
	q, err := Backbone(m, sampleRanges(), nil, FullRange)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Transpose planes", "DequantizeLinear normal",
		"DequantizeLinear stem_linear_weights", "DequantizeLinear stem_linear_bias", "Conv stem_conv", "QuantizeLinear stem_uint8", "DequantizeLinear stem",
		"DequantizeLinear block_0_weights", "DequantizeLinear block_0_bias", "Conv block_0_conv", "QuantizeLinear block_0_uint8", "DequantizeLinear block_0",
		"DequantizeLinear block_1_weights", "DequantizeLinear block_1_bias", "Conv block_1_conv", "QuantizeLinear block_1_uint8", "DequantizeLinear block_1",
		"Add sum_sum", "QuantizeLinear sum_uint8", "DequantizeLinear sum",
		"GlobalAveragePool pooled", "Flatten embedding", "Gemm logits",
	}
	if got := listing(q); !slices.Equal(got, want) {
		t.Errorf("nodes:\n%s\nexpected:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !bytes.Equal(onnxgraph.Encode(m), before) {
		t.Error("the float graph was changed")
	}
	types, err := onnxgraph.InferShapes(q)
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]onnxgraph.DataType{
		"stem_linear_weights_int8": onnxgraph.Int8, "stem_linear_bias_int32": onnxgraph.Int32, "sum_uint8": onnxgraph.Uint8,
		"sum": onnxgraph.Float32, onnxgraph.OutputEmbedding: onnxgraph.Float32, onnxgraph.OutputLogits: onnxgraph.Float32,
	} {
		if types[name].Elem != kind {
			t.Errorf("%s has the data type %d, expected %d", name, types[name].Elem, kind)
		}
	}
	again, err := Backbone(tiny(), sampleRanges(), nil, FullRange)
	if err != nil || !bytes.Equal(onnxgraph.Encode(again), onnxgraph.Encode(q)) {
		t.Errorf("a second run gave other bytes, %v", err)
	}
}

// The picture's normalisation is a scale and a zero point: nothing is computed
// before the first convolution.
func TestPictureGoesIntoTheFirstConvolutionAsItIs(t *testing.T) {
	t.Parallel()
	q, err := Backbone(tiny(), sampleRanges(), nil, FullRange)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range q.Graph.Initializers {
		switch c.Name {
		case "normal_scale":
			if v, err := c.Float32s(); err != nil || !slices.Equal(v, []float32{1.0 / 128}) {
				t.Errorf("the picture's scale is %v, %v", v, err)
			}
		case "normal_zero":
			if !slices.Equal(c.Raw, []byte{127}) || c.Type != onnxgraph.Uint8 {
				t.Errorf("the picture's zero point is %v of type %d", c.Raw, c.Type)
			}
		case "mean", "factor", "zero", "six":
			t.Errorf("the constant %q of a folded node is still there", c.Name)
		}
	}
}

func TestOnlyTheWeightsOfTheReducedRangeDiffer(t *testing.T) {
	t.Parallel()
	full, err := Backbone(tiny(), sampleRanges(), nil, FullRange)
	if err != nil {
		t.Fatal(err)
	}
	reduced, err := Backbone(tiny(), sampleRanges(), nil, ReducedRange)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(listing(full), listing(reduced)) {
		t.Error("the graphs have other nodes")
	}
	for i, a := range full.Graph.Initializers {
		b := reduced.Graph.Initializers[i]
		weight := strings.HasSuffix(a.Name, "_int8") || strings.Contains(a.Name, "_weights_scale") || strings.Contains(a.Name, "_bias")
		if differ := !bytes.Equal(a.Raw, b.Raw); differ && !weight || !differ && strings.HasSuffix(a.Name, "_int8") {
			t.Errorf("%s: differs is %v", a.Name, differ)
		}
		for _, v := range b.Raw {
			if strings.HasSuffix(b.Name, "_int8") && (int8(v) > 64 || int8(v) < -64) {
				t.Errorf("%s holds %d", b.Name, int8(v))
			}
		}
	}
}

func TestObservedNamesWhatNeedsARange(t *testing.T) {
	t.Parallel()
	if got := Observed(tiny()); !slices.Equal(got, []string{"stem", "block_0", "block_1", "sum"}) {
		t.Errorf("observed %v", got)
	}
}

func TestGraphsThatCannotBeIntegersAreRefused(t *testing.T) {
	t.Parallel()
	node := func(m *onnxgraph.Model, name string) *onnxgraph.Node {
		for _, n := range m.Graph.Nodes {
			if n.Name == name {
				return n
			}
		}
		panic(fmt.Sprintf("no node %s", name))
	}
	constant := func(m *onnxgraph.Model, name string, v float32) {
		m.Graph.Initializers = slices.DeleteFunc(m.Graph.Initializers, func(t *onnxgraph.Tensor) bool { return t.Name == name })
		m.Graph.Floats(name, []float32{v})
	}
	for name, c := range map[string]struct {
		graph  func(*onnxgraph.Model)
		ranges func(*Ranges)
		want   error
	}{
		"a value without range":           {nil, func(r *Ranges) { r.Values = r.Values[:3] }, ErrRanges},
		"a range that clips less":         {nil, func(r *Ranges) { r.Values[0].Max = 7 }, ErrRanges},
		"a range that clips other values": {nil, func(r *Ranges) { r.Values[0].Min = -1 }, ErrRanges},
		"a mean between two bytes":        {func(m *onnxgraph.Model) { constant(m, "mean", 127.5) }, nil, ErrGraph},
		"a mean beyond a byte":            {func(m *onnxgraph.Model) { constant(m, "mean", 300) }, nil, ErrGraph},
		"a negative scale":                {func(m *onnxgraph.Model) { constant(m, "factor", -1) }, nil, ErrGraph},
		"a normalisation that divides":    {func(m *onnxgraph.Model) { node(m, "normal").Op = "Div" }, nil, ErrGraph},
		"a convolution without bias":      {func(m *onnxgraph.Model) { n := node(m, "block_0"); n.Inputs = n.Inputs[:2] }, nil, ErrGraph},
		"an operator without integers":    {func(m *onnxgraph.Model) { node(m, "sum").Op = "Mul" }, nil, ErrGraph},
		"a clip from below zero":          {func(m *onnxgraph.Model) { constant(m, "zero", -1) }, nil, ErrRanges},
		"the sum with a constant":         {func(m *onnxgraph.Model) { node(m, "sum").Inputs[1] = "six" }, nil, ErrGraph},
		"shapes that do not fit":          {func(m *onnxgraph.Model) { node(m, "sum").Inputs[1] = "mean"; m.Graph.Inputs[0].Type = nil }, nil, onnxgraph.ErrShape},
		"no convolution":                  {func(m *onnxgraph.Model) { m.Graph.Nodes, m.Graph.Outputs = m.Graph.Nodes[:1], nil }, nil, ErrGraph},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, r := tiny(), sampleRanges()
			if c.graph != nil {
				c.graph(m)
			}
			if c.ranges != nil {
				c.ranges(&r)
			}
			if _, err := Backbone(m, r, nil, FullRange); !errors.Is(err, c.want) {
				t.Errorf("error %v, expected %v", err, c.want)
			}
		})
	}
}

// Means belong to channels of the input: those of a filter by depth are one.
func TestFiltersMeetTheMeansOfTheirOwnChannels(t *testing.T) {
	t.Parallel()
	biases := func(means Means) map[string]string {
		q, err := Backbone(tiny(), sampleRanges(), means, ReducedRange)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, c := range q.Graph.Initializers {
			if strings.HasSuffix(c.Name, "_bias_int32") {
				out[c.Name] = string(c.Raw)
			}
		}
		return out
	}
	none := biases(nil)
	first := biases(Means{"block_0": {50, 0}}) // of the convolution by depth behind it
	for name, raw := range none {
		changed := raw[:4] != first[name][:4]
		if want := name == "block_1_bias_int32"; changed != want || raw[4:] != first[name][4:] {
			t.Errorf("%s: the first filter changed %v, want %v; the second %v", name, changed, want, raw[4:] != first[name][4:])
		}
	}
	if got := biases(Means{"block_0": {50}}); got["block_1_bias_int32"] != none["block_1_bias_int32"] {
		t.Error("means of another number of channels were used")
	}
}

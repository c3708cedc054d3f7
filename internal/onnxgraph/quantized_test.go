package onnxgraph

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// halves is a model that rounds x to bytes and back, each row by itself.
func halves() *Model {
	m := New("halves")
	g := m.Graph
	g.Input("x", Float32, 2, 3)
	scale := g.Floats("scale", []float32{0.5, 0.25}, 2)
	zero := g.Bytes("zero", Uint8, []byte{128, 7}, 2)
	axis := IntAttribute("axis", 0)
	q := g.Node("QuantizeLinear", "q", []string{"x", scale, zero}, axis)
	g.Node("DequantizeLinear", "y", []string{q, scale, zero}, axis)
	g.Output("y", Float32, 2, 3)
	return m
}

func TestInferQuantizedValues(t *testing.T) {
	t.Parallel()
	types, err := InferShapes(halves())
	if err != nil {
		t.Fatal(err)
	}
	if q := types["q"]; q.Elem != Uint8 || !slices.Equal(q.Dims, []int64{2, 3}) {
		t.Errorf("quantized to %+v", q)
	}
	if y := types["y"]; y.Elem != Float32 || !slices.Equal(y.Dims, []int64{2, 3}) {
		t.Errorf("back to %+v", y)
	}
	bias := New("bias")
	bias.Graph.Node("DequantizeLinear", "b", []string{bias.Graph.Ints("i", []int32{-5, 1 << 20}, 2), bias.Graph.Floats("s", []float32{1})})
	if types, err = InferShapes(bias); err != nil || types["b"].Elem != Float32 {
		t.Errorf("an int32 bias: %+v, %v", types["b"], err)
	}
}

func TestInferRefusesQuantizationThatDoesNotFit(t *testing.T) {
	t.Parallel()
	node := func(m *Model, i int) *Node { return m.Graph.Nodes[i] }
	for name, change := range map[string]func(m *Model){
		"scales along another axis":       func(m *Model) { node(m, 0).Attributes[0].Int = 1 },
		"an axis beyond":                  func(m *Model) { node(m, 0).Attributes[0].Int = -3 },
		"no axis for two scales":          func(m *Model) { node(m, 1).Attributes = nil },
		"scales of integers":              func(m *Model) { node(m, 0).Inputs[1] = "zero" },
		"a zero point of another type":    func(m *Model) { node(m, 1).Inputs[2] = m.Graph.Bytes("z", Int8, []byte{0, 0}, 2) },
		"one zero point for two scales":   func(m *Model) { node(m, 0).Inputs[2] = m.Graph.Bytes("z", Uint8, []byte{0}) },
		"zero points of another length":   func(m *Model) { node(m, 0).Inputs[2] = m.Graph.Bytes("z", Uint8, []byte{0, 0, 0}, 3) },
		"quantizing to int32":             func(m *Model) { node(m, 0).Inputs[2] = m.Graph.Ints("z", []int32{0, 0}, 2) },
		"quantizing integers":             func(m *Model) { node(m, 0).Inputs[0] = "zero" },
		"dequantizing what is float":      func(m *Model) { node(m, 1).Inputs[0] = "x" },
		"no scale":                        func(m *Model) { node(m, 0).Inputs = node(m, 0).Inputs[:1] },
		"scales in rows and columns":      func(m *Model) { m.Graph.Initializers[0].Dims = []int64{1, 2} },
		"a scale that the graph makes up": func(m *Model) { node(m, 0).Inputs[1] = "ghost" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := halves()
			change(m)
			if _, err := InferShapes(m); !errors.Is(err, ErrShape) {
				t.Errorf("error %v, expected ErrShape", err)
			}
		})
	}
}

func TestCheckRefusesScalesThatDivideByNothing(t *testing.T) {
	t.Parallel()
	if err := Check(halves()); err != nil {
		t.Fatalf("a sound graph is refused: %v", err)
	}
	for _, bad := range []float32{0, -1, float32(math.NaN()), float32(math.Inf(1))} {
		m := halves()
		m.Graph.Initializers[0] = nil
		m.Graph.Initializers = m.Graph.Initializers[1:]
		m.Graph.Floats("scale", []float32{0.5, bad}, 2)
		if err := Check(m); !errors.Is(err, ErrHostile) {
			t.Errorf("a scale of %v: error %v, expected ErrHostile", bad, err)
		}
	}
	m := halves()
	m.Graph.Nodes[0].Inputs[1] = "zero"
	if err := Check(m); !errors.Is(err, ErrHostile) {
		t.Errorf("scales of bytes: error %v, expected ErrHostile", err)
	}
}

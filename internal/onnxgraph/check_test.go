package onnxgraph

import (
	"errors"
	"testing"
)

func TestCheckRefusesHostileGraphs(t *testing.T) {
	t.Parallel()
	weights := func(m *Model) *Tensor { return m.Graph.Initializers[1] }
	for name, change := range map[string]func(m *Model){
		"values in another file":       func(m *Model) { weights(m).Location = 1 },
		"the name of another file":     func(m *Model) { weights(m).External = []*Entry{{Key: "location", Value: "/etc/passwd"}} },
		"too few bytes":                func(m *Model) { weights(m).Raw = weights(m).Raw[4:] },
		"too many bytes":               func(m *Model) { weights(m).Dims[0]-- },
		"negative dimensions":          func(m *Model) { weights(m).Dims[0], weights(m).Dims[1] = -2, -3 },
		"dimensions that overflow":     func(m *Model) { weights(m).Dims = []int64{1 << 62, 4} },
		"a data type of none":          func(m *Model) { weights(m).Type = 99 },
		"bytes and values":             func(m *Model) { weights(m).Floats = []float32{1} },
		"two tensors of one name":      func(m *Model) { weights(m).Name = "mean" },
		"an operator of a stranger":    func(m *Model) { m.Graph.Nodes[0].Domain = "com.stranger" },
		"a value before it is made":    func(m *Model) { m.Graph.Nodes[0].Inputs[0] = "clip" },
		"a value made twice":           func(m *Model) { m.Graph.Nodes[1].Outputs[0] = "planes" },
		"an output that nothing makes": func(m *Model) { m.Graph.Outputs[0].Name = "ghost" },
		"no graph":                     func(m *Model) { m.Graph = nil },
		"a bad tensor in an attribute": func(m *Model) {
			m.Graph.Nodes[0].Attributes = append(m.Graph.Nodes[0].Attributes,
				&Attribute{Name: "value", Type: AttributeTensor, Tensor: &Tensor{Type: Float32, Dims: []int64{9}}})
		},
		"a graph in an attribute": func(m *Model) {
			m.Graph.Nodes[0].Attributes[0].keep.unknown = [][]byte{wire{}.message(6, wire{})}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := small()
			change(m)
			if err := Check(m); !errors.Is(err, ErrHostile) {
				t.Errorf("error %v, expected ErrHostile", err)
			}
		})
	}
	if err := Check(small()); err != nil {
		t.Errorf("a sound graph is refused: %v", err)
	}
}

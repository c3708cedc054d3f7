package onnxgraph

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestHeadStandardisesInsideItsWeights(t *testing.T) {
	t.Parallel()
	m := small()
	head := smallHead()
	if err := AppendHead(m, head); err != nil {
		t.Fatal(err)
	}
	tensors := m.Graph.Initializers[len(m.Graph.Initializers)-2:]
	weights, err := tensors[0].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	bias, err := tensors[1].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	x, layer := []float64{3.5, -1.25}, head.Layers[0]
	for o := range layer.Out {
		want, got := layer.Bias[o], float64(bias[o])
		for i := range layer.In {
			want += layer.Weights[o*2+i] * (x[i] - head.Mean[i]) / head.Std[i]
			got += float64(weights[o*2+i]) * x[i]
		}
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("logit %d is %v, expected %v", o, got, want)
		}
	}
}

func TestNewHeadChangesOnlyTheEndOfTheFile(t *testing.T) {
	t.Parallel()
	hidden := Head{Mean: []float64{0, 0}, Std: []float64{1, 1}, Layers: []Dense{
		{In: 2, Out: 2, Weights: []float64{1, 0, 0, 1}, Bias: []float64{0, 0}},
		{In: 2, Out: 2, Weights: []float64{1, 2, 3, 4}, Bias: []float64{5, 6}},
	}}
	for name, heads := range map[string][2]Head{
		"linear":           {smallHead(), smallHead()},
		"one hidden layer": {hidden, hidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var files [2][]byte
			for i, head := range heads {
				// The second backbone was read from a file whose tensors stood elsewhere.
				m := small()
				if i == 1 {
					head.Mean = []float64{-7, 7}
					decoded, err := Decode(Encode(m))
					if err != nil {
						t.Fatal(err)
					}
					m = decoded
				}
				if err := AppendHead(m, head); err != nil {
					t.Fatal(err)
				}
				files[i] = Encode(m)
			}
			same := 0
			for same < len(files[0]) && files[0][same] == files[1][same] {
				same++
			}
			backbone := bytes.Index(files[0], []byte("head_0_weights\x4a"))
			if len(files[0]) != len(files[1]) || backbone < 0 || same < backbone {
				t.Errorf("files of %d and %d bytes differ from byte %d on, the head begins at %d",
					len(files[0]), len(files[1]), same, backbone)
			}
			layers := heads[0].Layers
			bias := layers[len(layers)-1].Bias
			last := binary.LittleEndian.Uint32(files[0][len(files[0])-4:])
			if name != "linear" && math.Float32frombits(last) != float32(bias[len(bias)-1]) {
				t.Error("the file does not end with the head's last bias")
			}
		})
	}
}

func TestAppendHeadRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(m *Model, h *Head)
		says   string
	}{
		"a second head":        {func(m *Model, h *Head) { _ = AppendHead(m, smallHead()) }, "already"},
		"no layers":            {func(m *Model, h *Head) { h.Layers = nil }, "no layers"},
		"another embedding":    {func(m *Model, h *Head) { h.Mean = h.Mean[:1] }, "embedding of 2"},
		"a deviation of 0":     {func(m *Model, h *Head) { h.Std[1] = 0 }, "not positive"},
		"a mean that is none":  {func(m *Model, h *Head) { h.Mean[0] = math.NaN() }, "no number"},
		"an infinite weight":   {func(m *Model, h *Head) { h.Layers[0].Weights[0] = math.Inf(1) }, "no number"},
		"a weight missing":     {func(m *Model, h *Head) { h.Layers[0].Weights = h.Layers[0].Weights[1:] }, "5 weights"},
		"a graph with no name": {func(m *Model, h *Head) { m.Graph.Nodes[6].Outputs[0] = "other" }, "embedding"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, head := small(), smallHead()
			c.change(m, &head)
			if err := AppendHead(m, head); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, expected one with %q", err, c.says)
			}
		})
	}
}

package ort

import (
	"fmt"
	"slices"

	"gourdian/internal/infer"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/vision"
)

// signature is what a graph takes and gives.
type signature struct {
	outputs []string // names, in the order of infer.Scores
	shapes  [][]int64
	info    infer.Info // lengths only
}

// inspect decodes a graph, refuses a hostile one and one that is no model of
// this project, and returns the bytes to load: extra outputs must be declared.
func inspect(graph []byte, extra []string) (signature, []byte, error) {
	m, err := onnxgraph.Decode(graph)
	if err != nil {
		return signature{}, nil, err
	}
	if err := onnxgraph.Check(m); err != nil {
		return signature{}, nil, err
	}
	if len(extra) > 0 {
		if err := declare(m, extra); err != nil {
			return signature{}, nil, err
		}
		graph = onnxgraph.Encode(m)
	}
	s, err := sign(m, extra)
	return s, graph, err
}

// declare makes values of the graph outputs.
func declare(m *onnxgraph.Model, names []string) error {
	types, err := onnxgraph.InferShapes(m)
	if err != nil {
		return err
	}
	for _, name := range names {
		t, ok := types[name]
		if !ok {
			return fmt.Errorf("the graph has no value %q", name)
		}
		if find(m.Graph.Outputs, name) == nil {
			m.Graph.Output(name, t.Elem, t.Dims...)
		}
	}
	return nil
}

func sign(m *onnxgraph.Model, extra []string) (signature, error) {
	var s signature
	image := find(m.Graph.Inputs, onnxgraph.InputImage)
	if image == nil {
		return s, fmt.Errorf("the graph has no input %q", onnxgraph.InputImage)
	}
	t, err := image.FixedType()
	if err != nil || t.Elem != onnxgraph.Uint8 || !slices.Equal(t.Dims, []int64{1, vision.Size, vision.Size, 3}) {
		return s, fmt.Errorf("input %q is not uint8 [1,%d,%d,3]", onnxgraph.InputImage, vision.Size, vision.Size)
	}
	if s.info.EmbeddingLen, err = s.take(m, onnxgraph.OutputEmbedding); err != nil {
		return s, err
	}
	// A backbone has no logits yet.
	if find(m.Graph.Outputs, onnxgraph.OutputLogits) != nil {
		if s.info.Classes, err = s.take(m, onnxgraph.OutputLogits); err != nil {
			return s, err
		}
	}
	for _, name := range extra {
		n, err := s.take(m, name)
		if err != nil {
			return s, err
		}
		s.info.Extra = append(s.info.Extra, infer.Output{Name: name, Len: n})
	}
	return s, nil
}

// take adds an output to the signature and returns the number of its values.
func (s *signature) take(m *onnxgraph.Model, name string) (int, error) {
	value := find(m.Graph.Outputs, name)
	if value == nil {
		return 0, fmt.Errorf("the graph has no output %q", name)
	}
	if slices.Contains(s.outputs, name) {
		return 0, fmt.Errorf("output %q is asked for twice", name)
	}
	t, err := value.FixedType()
	if err != nil || t.Elem != onnxgraph.Float32 || t.Dims[0] != 1 {
		return 0, fmt.Errorf("output %q is not float32 of a fixed shape [1,...]", name)
	}
	s.outputs = append(s.outputs, name)
	s.shapes = append(s.shapes, t.Dims)
	n := 1
	for _, d := range t.Dims {
		n *= int(d)
	}
	return n, nil
}

func find(values []*onnxgraph.ValueInfo, name string) *onnxgraph.ValueInfo {
	for _, v := range values {
		if v.Name == name {
			return v
		}
	}
	return nil
}

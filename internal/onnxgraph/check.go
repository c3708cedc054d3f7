package onnxgraph

import (
	"errors"
	"fmt"
)

// ErrHostile is wrapped by errors of Check: a file that no writer of this
// project makes and that a runtime should not be given.
var ErrHostile = errors.New("refused ONNX")

// Check refuses graphs that a runtime should not see: values in other files,
// operators of foreign domains, tensors whose bytes do not match their shape,
// values made twice or used before they are made, scales of quantized values that
// are no positive numbers. A nil error says nothing
// about shapes; see InferShapes.
func Check(m *Model) error {
	if m.Graph == nil {
		return fmt.Errorf("check ONNX: %w: no graph", ErrHostile)
	}
	made := make(map[string]bool)
	constants := make(map[string]*Tensor)
	for _, t := range m.Graph.Initializers {
		if err := t.check(); err != nil {
			return fmt.Errorf("check ONNX: tensor %q: %w", t.Name, err)
		}
		if made[t.Name] {
			return fmt.Errorf("check ONNX: %w: two tensors %q", ErrHostile, t.Name)
		}
		made[t.Name], constants[t.Name] = true, t
	}
	for _, in := range m.Graph.Inputs {
		made[in.Name] = true
	}
	for i, n := range m.Graph.Nodes {
		err := n.check(made)
		if err == nil {
			err = n.checkScales(constants)
		}
		if err != nil {
			return fmt.Errorf("check ONNX: node %d %s %q: %w", i, n.Op, n.Name, err)
		}
	}
	for _, out := range m.Graph.Outputs {
		if !made[out.Name] {
			return fmt.Errorf("check ONNX: %w: nothing makes the output %q", ErrHostile, out.Name)
		}
	}
	return nil
}

func (n *Node) check(made map[string]bool) error {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return fmt.Errorf("%w: operator domain %q", ErrHostile, n.Domain)
	}
	for _, a := range n.Attributes {
		if a.Tensor != nil {
			if err := a.Tensor.check(); err != nil {
				return fmt.Errorf("attribute %q: %w", a.Name, err)
			}
		}
		if len(a.keep.unknown) > 0 {
			// Graphs in attributes (If, Loop, Scan) would escape this check.
			return fmt.Errorf("%w: attribute %q holds a kind of value unknown here", ErrHostile, a.Name)
		}
	}
	for _, name := range n.Inputs {
		if name != "" && !made[name] {
			return fmt.Errorf("%w: %q is used before it is made", ErrHostile, name)
		}
	}
	for _, name := range n.Outputs {
		if name != "" && made[name] {
			return fmt.Errorf("%w: %q is made twice", ErrHostile, name)
		}
		made[name] = true
	}
	return nil
}

func (t *Tensor) check() error {
	if t.Location != 0 || len(t.External) > 0 {
		return fmt.Errorf("%w: its values lie in another file", ErrHostile)
	}
	n, err := product(t.Dims)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHostile, err)
	}
	size := t.Type.Size()
	if size == 0 {
		return fmt.Errorf("%w: data type %d", ErrHostile, t.Type)
	}
	typed := len(t.Floats) + len(t.Int32s) + len(t.Int64s)
	if typed > 0 && (len(t.Raw) > 0 || int64(typed) != n) {
		return fmt.Errorf("%w: %d values and %d raw bytes for %v", ErrHostile, typed, len(t.Raw), t.Dims)
	}
	if typed == 0 && int64(len(t.Raw)) != n*int64(size) {
		return fmt.Errorf("%w: %d raw bytes for %v", ErrHostile, len(t.Raw), t.Dims)
	}
	return nil
}

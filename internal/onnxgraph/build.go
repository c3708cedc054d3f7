package onnxgraph

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Versions that models built here declare: both are read by every ONNX Runtime
// since 1.14 and hold all operators used.
const (
	irVersion = 8
	opset     = 17
)

// Producer is the producer name of models built here.
const Producer = "gourdian"

// New returns an empty model of the given name, without time or host, so that
// the same network has the same bytes everywhere.
func New(name string) *Model {
	return &Model{
		IRVersion: irVersion,
		Producer:  Producer,
		Opsets:    []*Opset{{Version: opset}},
		Graph:     &Graph{Name: name},
	}
}

// Node appends an operator with one output and returns that output's name,
// which is also the node's.
func (g *Graph) Node(op, output string, inputs []string, attributes ...*Attribute) string {
	g.Nodes = append(g.Nodes, &Node{
		Name: output, Op: op, Inputs: inputs, Outputs: []string{output}, Attributes: attributes,
	})
	return output
}

// Input declares an input of the graph.
func (g *Graph) Input(name string, kind DataType, dims ...int64) {
	g.Inputs = append(g.Inputs, newValueInfo(name, kind, dims))
}

// Output declares an output of the graph.
func (g *Graph) Output(name string, kind DataType, dims ...int64) {
	g.Outputs = append(g.Outputs, newValueInfo(name, kind, dims))
}

func newValueInfo(name string, kind DataType, dims []int64) *ValueInfo {
	shape := new(ShapeInfo)
	for _, d := range dims {
		shape.Dims = append(shape.Dims, &Dim{Value: d})
	}
	return &ValueInfo{Name: name, Type: &TypeInfo{Tensor: &TensorInfo{Type: kind, Shape: shape}}}
}

// Floats appends a constant of float32 values and returns its name. The
// product of dims must be len(values).
func (g *Graph) Floats(name string, values []float32, dims ...int64) string {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	g.Initializers = append(g.Initializers, &Tensor{Name: name, Type: Float32, Dims: dims, Raw: raw})
	return name
}

// Bytes appends a constant of uint8 or int8 values, given as their bytes, and
// returns its name. The product of dims must be len(values).
func (g *Graph) Bytes(name string, kind DataType, values []byte, dims ...int64) string {
	g.Initializers = append(g.Initializers, &Tensor{Name: name, Type: kind, Dims: dims, Raw: values})
	return name
}

// Ints appends a constant of int32 values and returns its name. The product of
// dims must be len(values).
func (g *Graph) Ints(name string, values []int32, dims ...int64) string {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
	}
	g.Initializers = append(g.Initializers, &Tensor{Name: name, Type: Int32, Dims: dims, Raw: raw})
	return name
}

// Shape appends a constant of int64 values, as Reshape takes it, and returns its
// name.
func (g *Graph) Shape(name string, dims ...int64) string {
	raw := make([]byte, 0, 8*len(dims))
	for _, d := range dims {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(d))
	}
	g.Initializers = append(g.Initializers, &Tensor{Name: name, Type: Int64, Dims: []int64{int64(len(dims))}, Raw: raw})
	return name
}

// IntAttribute is an attribute with one integer.
func IntAttribute(name string, v int64) *Attribute {
	return &Attribute{Name: name, Type: AttributeInt, Int: v}
}

// IntsAttribute is an attribute with a list of integers.
func IntsAttribute(name string, v ...int64) *Attribute {
	return &Attribute{Name: name, Type: AttributeInts, Ints: v}
}

// Attribute finds an attribute by name, or returns nil.
func (n *Node) Attribute(name string) *Attribute {
	for _, a := range n.Attributes {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// intOr is the value of an integer attribute, or its default.
func (n *Node) intOr(name string, value int64) int64 {
	if a := n.Attribute(name); a != nil {
		return a.Int
	}
	return value
}

// intsOr is the value of an attribute of integers, or its default.
func (n *Node) intsOr(name string, value []int64) []int64 {
	if a := n.Attribute(name); a != nil {
		return a.Ints
	}
	return value
}

// Float32s returns the values of a float32 tensor.
func (t *Tensor) Float32s() ([]float32, error) {
	if t.Type != Float32 {
		return nil, fmt.Errorf("read tensor %q: its data type is %d, not float32", t.Name, t.Type)
	}
	if len(t.Floats) > 0 {
		return t.Floats, nil
	}
	values := make([]float32, len(t.Raw)/4)
	for i := range values {
		values[i] = floatFromBits(binary.LittleEndian.Uint32(t.Raw[4*i:]))
	}
	return values, nil
}

// int64s returns the values of an int64 tensor, such as a target shape.
func (t *Tensor) int64s() ([]int64, error) {
	if t.Type != Int64 {
		return nil, fmt.Errorf("read tensor %q: its data type is %d, not int64", t.Name, t.Type)
	}
	if len(t.Int64s) > 0 {
		return t.Int64s, nil
	}
	values := make([]int64, len(t.Raw)/8)
	for i := range values {
		values[i] = int64(binary.LittleEndian.Uint64(t.Raw[8*i:]))
	}
	return values, nil
}

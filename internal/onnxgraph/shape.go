package onnxgraph

import (
	"errors"
	"fmt"
	"math"
)

// ErrShape is wrapped by errors of InferShapes: a graph whose shapes do not fit
// or that uses an operator unknown here.
var ErrShape = errors.New("shapes do not fit")

// Type is element type and shape of a value.
type Type struct {
	Elem DataType
	Dims []int64
}

// maxValues bounds the values of one tensor, so that no product overflows.
const maxValues = 1 << 30

// InferShapes computes the type of every value from the graph's inputs, whose
// dimensions must all be numbers. It knows the operators that models of this
// project use; see infer's table.
func InferShapes(m *Model) (map[string]Type, error) {
	g := m.Graph
	scope := &scope{types: make(map[string]Type), constants: make(map[string]*Tensor)}
	for _, t := range g.Initializers {
		scope.constants[t.Name] = t
		scope.types[t.Name] = Type{t.Type, t.Dims}
	}
	for _, in := range g.Inputs {
		if scope.constants[in.Name] != nil {
			continue // the default value of an overridable input
		}
		kind, err := in.FixedType()
		if err != nil {
			return nil, fmt.Errorf("infer shapes: input %q: %w", in.Name, err)
		}
		scope.types[in.Name] = kind
	}
	for i, n := range g.Nodes {
		out, err := scope.infer(n)
		if err == nil {
			err = out.check()
		}
		if err != nil {
			return nil, fmt.Errorf("infer shapes: node %d %s %q: %w", i, n.Op, n.Name, err)
		}
		if len(n.Outputs) != 1 {
			return nil, fmt.Errorf("infer shapes: node %d %s %q: %w: %d outputs", i, n.Op, n.Name, ErrShape, len(n.Outputs))
		}
		scope.types[n.Outputs[0]] = out
	}
	return scope.types, nil
}

// FixedType is the declared type of a value without open dimensions.
func (v *ValueInfo) FixedType() (Type, error) {
	if v.Type == nil || v.Type.Tensor == nil || v.Type.Tensor.Shape == nil {
		return Type{}, fmt.Errorf("%w: not a tensor with a shape", ErrShape)
	}
	t := Type{Elem: v.Type.Tensor.Type}
	for _, d := range v.Type.Tensor.Shape.Dims {
		if d.Param != "" || d.Value < 1 {
			return Type{}, fmt.Errorf("%w: open dimension %q", ErrShape, d.Param)
		}
		t.Dims = append(t.Dims, d.Value)
	}
	return t, t.check()
}

func (t Type) check() error {
	_, err := product(t.Dims)
	return err
}

// product multiplies dimensions, refusing negative and very large ones.
func product(dims []int64) (int64, error) {
	n := int64(1)
	for _, d := range dims {
		if d < 0 || d > maxValues || n*max(d, 1) > maxValues {
			return 0, fmt.Errorf("%w: %v has more than %d values", ErrShape, dims, maxValues)
		}
		n *= d
	}
	return n, nil
}

// scope is what is known while walking the nodes.
type scope struct {
	types     map[string]Type
	constants map[string]*Tensor
}

// infer gives the type of a node's output.
func (s *scope) infer(n *Node) (Type, error) {
	in := make([]Type, len(n.Inputs))
	for i, name := range n.Inputs {
		t, known := s.types[name]
		if !known && name != "" {
			return Type{}, fmt.Errorf("%w: no value %q before it", ErrShape, name)
		}
		in[i] = t
	}
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return Type{}, fmt.Errorf("%w: operator domain %q is unknown here", ErrShape, n.Domain)
	}
	if len(in) < minInputs(n.Op) {
		return Type{}, fmt.Errorf("%w: %d inputs", ErrShape, len(in))
	}
	switch n.Op {
	case "Relu", "Clip", "Identity", "Softmax":
		return in[0], nil
	case "Add", "Sub", "Mul", "Div":
		dims, err := broadcast(in[0].Dims, in[1].Dims)
		return Type{in[0].Elem, dims}, err
	case "Cast":
		return Type{DataType(n.intOr("to", 0)), in[0].Dims}, nil
	case "Transpose":
		return transpose(n, in[0])
	case "Conv":
		return conv(n, in[0], in[1])
	case "GlobalAveragePool":
		return globalPool(in[0])
	case "Flatten":
		return flatten(n, in[0])
	case "Reshape":
		return s.reshape(n, in[0])
	case "Gemm":
		return gemm(n, in[0], in[1])
	case "MatMul":
		return matMul(in[0], in[1])
	case "QuantizeLinear":
		return quantizeLinear(n, in)
	case "DequantizeLinear":
		return dequantizeLinear(n, in)
	}
	return Type{}, fmt.Errorf("%w: the operator is unknown here", ErrShape)
}

func minInputs(op string) int {
	switch op {
	case "Add", "Sub", "Mul", "Div", "Conv", "Reshape", "Gemm", "MatMul", "QuantizeLinear", "DequantizeLinear":
		return 2
	}
	return 1
}

// broadcast is NumPy's rule: dimensions are aligned at the end, 1 stretches.
func broadcast(a, b []int64) ([]int64, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append([]int64(nil), a...)
	for i, d := range b {
		at := len(a) - len(b) + i
		switch {
		case out[at] == d || d == 1:
		case out[at] == 1:
			out[at] = d
		default:
			return nil, fmt.Errorf("%w: %v and %v", ErrShape, a, b)
		}
	}
	return out, nil
}

func transpose(n *Node, in Type) (Type, error) {
	rank := len(in.Dims)
	reversed := make([]int64, rank)
	for i := range reversed {
		reversed[i] = int64(rank - 1 - i)
	}
	perm := n.intsOr("perm", reversed)
	if len(perm) != rank {
		return Type{}, fmt.Errorf("%w: permutation %v of %v", ErrShape, perm, in.Dims)
	}
	out, used := make([]int64, rank), make([]bool, rank)
	for i, p := range perm {
		if p < 0 || p >= int64(rank) || used[p] {
			return Type{}, fmt.Errorf("%w: permutation %v of %v", ErrShape, perm, in.Dims)
		}
		used[p], out[i] = true, in.Dims[p]
	}
	return Type{in.Elem, out}, nil
}

func globalPool(in Type) (Type, error) {
	if len(in.Dims) < 3 {
		return Type{}, fmt.Errorf("%w: pooling of %v", ErrShape, in.Dims)
	}
	out := []int64{in.Dims[0], in.Dims[1]}
	for range in.Dims[2:] {
		out = append(out, 1)
	}
	return Type{in.Elem, out}, nil
}

func flatten(n *Node, in Type) (Type, error) {
	axis := n.intOr("axis", 1)
	if axis < 0 {
		axis += int64(len(in.Dims))
	}
	if axis < 0 || axis > int64(len(in.Dims)) {
		return Type{}, fmt.Errorf("%w: axis %d of %v", ErrShape, axis, in.Dims)
	}
	rows, err := product(in.Dims[:axis])
	if err != nil {
		return Type{}, err
	}
	columns, err := product(in.Dims[axis:])
	return Type{in.Elem, []int64{rows, columns}}, err
}

func (s *scope) reshape(n *Node, in Type) (Type, error) {
	target := s.constants[n.Inputs[1]]
	if target == nil {
		return Type{}, fmt.Errorf("%w: the target shape is no constant", ErrShape)
	}
	dims, err := target.int64s()
	if err != nil {
		return Type{}, err
	}
	total, err := product(in.Dims)
	if err != nil {
		return Type{}, err
	}
	out, open, known := make([]int64, len(dims)), -1, int64(1)
	for i, d := range dims {
		switch {
		case d == -1 && open < 0:
			open = i
			continue
		case d == 0 && i < len(in.Dims) && n.intOr("allowzero", 0) == 0:
			d = in.Dims[i]
		}
		if d < 1 || d > maxValues || known > maxValues/d {
			return Type{}, fmt.Errorf("%w: reshape of %v to %v", ErrShape, in.Dims, dims)
		}
		out[i], known = d, known*d
	}
	if open >= 0 {
		out[open] = total / known
		known *= out[open]
	}
	if known != total {
		return Type{}, fmt.Errorf("%w: reshape of %v to %v", ErrShape, in.Dims, dims)
	}
	return Type{in.Elem, out}, nil
}

func gemm(n *Node, a, b Type) (Type, error) {
	if len(a.Dims) != 2 || len(b.Dims) != 2 {
		return Type{}, fmt.Errorf("%w: %v times %v", ErrShape, a.Dims, b.Dims)
	}
	rows, inner := a.Dims[0], a.Dims[1]
	if n.intOr("transA", 0) != 0 {
		rows, inner = inner, rows
	}
	depth, columns := b.Dims[0], b.Dims[1]
	if n.intOr("transB", 0) != 0 {
		depth, columns = columns, depth
	}
	if inner != depth {
		return Type{}, fmt.Errorf("%w: %v times %v", ErrShape, a.Dims, b.Dims)
	}
	return Type{a.Elem, []int64{rows, columns}}, nil
}

func matMul(a, b Type) (Type, error) {
	if len(a.Dims) < 2 || len(b.Dims) < 2 {
		return Type{}, fmt.Errorf("%w: %v times %v", ErrShape, a.Dims, b.Dims)
	}
	i, j := len(a.Dims)-2, len(b.Dims)-2
	if a.Dims[i+1] != b.Dims[j] {
		return Type{}, fmt.Errorf("%w: %v times %v", ErrShape, a.Dims, b.Dims)
	}
	batch, err := broadcast(a.Dims[:i], b.Dims[:j])
	return Type{a.Elem, append(batch, a.Dims[i], b.Dims[j+1])}, err
}

func conv(n *Node, x, w Type) (Type, error) {
	spatial := len(x.Dims) - 2
	group := n.intOr("group", 1)
	if spatial < 1 || len(w.Dims) != len(x.Dims) || group < 1 ||
		w.Dims[0]%group != 0 || group > maxValues || w.Dims[1]*group != x.Dims[1] {
		return Type{}, fmt.Errorf("%w: convolution of %v with %v in %d groups", ErrShape, x.Dims, w.Dims, group)
	}
	ones := make([]int64, 2*spatial)
	for i := range ones {
		ones[i] = 1
	}
	strides, dilations := n.intsOr("strides", ones[:spatial]), n.intsOr("dilations", ones[:spatial])
	pads := n.intsOr("pads", make([]int64, 2*spatial))
	if len(strides) != spatial || len(dilations) != spatial || len(pads) != 2*spatial || n.Attribute("auto_pad") != nil {
		return Type{}, fmt.Errorf("%w: strides %v, dilations %v, pads %v", ErrShape, strides, dilations, pads)
	}
	out := []int64{x.Dims[0], w.Dims[0]}
	for i := range spatial {
		before, after := pads[i], pads[spatial+i]
		if min(strides[i], dilations[i]) < 1 || min(before, after) < 0 ||
			max(strides[i], dilations[i], before, after, w.Dims[2+i]) > math.MaxInt16 {
			return Type{}, fmt.Errorf("%w: strides %v, dilations %v, pads %v", ErrShape, strides, dilations, pads)
		}
		span := x.Dims[2+i] + before + after - dilations[i]*(w.Dims[2+i]-1) - 1
		if span < 0 {
			return Type{}, fmt.Errorf("%w: a kernel of %v is larger than %v", ErrShape, w.Dims, x.Dims)
		}
		out = append(out, span/strides[i]+1)
	}
	return Type{x.Elem, out}, nil
}

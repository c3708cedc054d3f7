package quantize

import (
	"errors"
	"fmt"
	"slices"

	"gourdian/internal/onnxgraph"
)

// Means are the averages of values of the network by their names, one for each
// channel.
type Means map[string][]float64

// ErrGraph is wrapped where a graph holds something that cannot be made of
// integers here.
var ErrGraph = errors.New("not a graph that can be quantized here")

// Backbone returns the graph of m with integers inside: weights of int8 with a
// scale for each filter, values of uint8 with one scale each, biases of int32.
// A Clip behind a convolution is gone: the range of its result cuts off the
// same. The picture, which is of bytes already, goes into the first convolution
// as it is. Pooling, and what stands behind it, stays float32.
//
// means say what the values are on average, for each channel. What rounding
// takes from the weights of a convolution then shifts its result by a known
// amount, which its bias gives back. Values that are not among them are not
// corrected for.
//
// m is not changed. Values keep their names, so that stages of both graphs can
// be compared.
func Backbone(m *onnxgraph.Model, ranges Ranges, means Means, weights Weights) (*onnxgraph.Model, error) {
	out, err := quantize(m, ranges, means, weights)
	if err != nil {
		return nil, fmt.Errorf("quantize %s: %w", m.Graph.Name, err)
	}
	return out, nil
}

func quantize(m *onnxgraph.Model, ranges Ranges, means Means, weights Weights) (*onnxgraph.Model, error) {
	types, err := onnxgraph.InferShapes(m)
	if err != nil {
		return nil, err
	}
	out := onnxgraph.New(m.Graph.Name)
	r := &rewriter{
		from: newReader(m.Graph), types: types, ranges: ranges, means: means, weights: weights, to: out.Graph,
		integer: map[string]scale{},
	}
	out.Graph.Inputs, out.Graph.Outputs = slices.Clone(m.Graph.Inputs), slices.Clone(m.Graph.Outputs)
	for _, n := range m.Graph.Nodes {
		if r.from.folded[n] {
			continue
		}
		if err := r.node(n); err != nil {
			return nil, fmt.Errorf("node %s %q: %w", n.Op, n.Name, err)
		}
	}
	if len(r.integer) == 0 {
		return nil, fmt.Errorf("%w: no convolution", ErrGraph)
	}
	return out, onnxgraph.Check(out)
}

// Observed returns the names of the values whose ranges Backbone needs, in the
// graph's order.
func Observed(m *onnxgraph.Model) []string {
	from := newReader(m.Graph)
	var names []string
	for _, n := range m.Graph.Nodes {
		switch n.Op {
		case "Conv":
			name, _ := from.result(n)
			names = append(names, name)
		case "Add":
			names = append(names, n.Outputs[0])
		}
	}
	return names
}

// reader knows the float graph.
type reader struct {
	constants map[string]*onnxgraph.Tensor
	users     map[string][]*onnxgraph.Node
	folded    map[*onnxgraph.Node]bool // nodes that became part of one before them
}

func newReader(g *onnxgraph.Graph) *reader {
	r := &reader{map[string]*onnxgraph.Tensor{}, map[string][]*onnxgraph.Node{}, map[*onnxgraph.Node]bool{}}
	for _, t := range g.Initializers {
		r.constants[t.Name] = t
	}
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			r.users[in] = append(r.users[in], n)
		}
	}
	return r
}

// floats are the values of a constant.
func (r *reader) floats(name string) ([]float32, error) {
	t := r.constants[name]
	if t == nil {
		return nil, fmt.Errorf("%w: %q is no constant", ErrGraph, name)
	}
	return t.Float32s()
}

// number is the value of a constant that is one number.
func (r *reader) number(name string) (float32, error) {
	values, err := r.floats(name)
	if err == nil && len(values) != 1 {
		err = fmt.Errorf("%w: %q is not one number", ErrGraph, name)
	}
	if err != nil {
		return 0, err
	}
	return values[0], nil
}

// only is the one node that uses a value, nil where there is another number.
func (r *reader) only(name, op string) *onnxgraph.Node {
	if users := r.users[name]; len(users) == 1 && users[0].Op == op {
		return users[0]
	}
	return nil
}

// result is the value that a convolution's integers stand for: what the Clip
// behind it gives, if there is one, and that Clip.
func (r *reader) result(conv *onnxgraph.Node) (string, *onnxgraph.Node) {
	if clip := r.only(conv.Outputs[0], "Clip"); clip != nil && clip.Inputs[0] == conv.Outputs[0] {
		return clip.Outputs[0], clip
	}
	return conv.Outputs[0], nil
}

package quantize

import (
	"slices"

	"gourdian/internal/onnxgraph"
)

// wide is a first convolution that takes four pixels as one. A picture of three
// channels suits no integer kernel: they want a multiple of four. Four pixels
// in a row lie in memory as one of twelve channels, and two results in a row as
// one of twice the channels, so
//
//	[1,H,W,3] -> [1,H,W/4,12] -> convolution of 2C filters -> [1,H/2,W/4,2C] -> [1,H/2,W/2,C]
//
// computes the same, bit for bit, without moving a byte. Two thirds of the new
// weights are zeros; it is still twice as fast (docs/formats/quantize.md).
type wide struct {
	conv   *onnxgraph.Node
	across int64 // quads that a filter spans
}

// quad is how many pixels become one.
const quad = 4

// findWide returns the first convolution behind the picture's Transpose if it
// has the form that can be widened: every second column, none before the
// picture.
func (r *rewriter) findWide(transpose *onnxgraph.Node) *wide {
	n := transpose
	for _, op := range []string{"Cast", "Sub", "Mul", "Conv"} {
		if n = r.from.only(n.Outputs[0], op); n == nil {
			return nil
		}
	}
	perm, dims := transpose.Attribute("perm"), r.types[transpose.Inputs[0]].Dims
	strides, pads, filter := ints(n, "strides"), ints(n, "pads"), r.types[n.Inputs[1]].Dims
	out := r.types[n.Outputs[0]].Dims
	switch {
	case perm == nil || !slices.Equal(perm.Ints, []int64{0, 3, 1, 2}) || len(dims) != 4 || dims[2]%quad != 0,
		len(strides) != 2 || strides[1] != 2 || len(pads) != 4 || pads[1] != 0 || out[3] != dims[2]/2,
		filter[1] != dims[3], // in groups
		slices.ContainsFunc(ints(n, "dilations"), func(d int64) bool { return d != 1 }):
		return nil
	}
	return &wide{conv: n, across: (filter[3] + 2 + quad - 1) / quad}
}

func ints(n *onnxgraph.Node, name string) []int64 {
	if a := n.Attribute(name); a != nil {
		return a.Ints
	}
	return nil
}

// transpose keeps the picture's Transpose, behind a Reshape to quads where its
// convolution is widened.
func (r *rewriter) transpose(n *onnxgraph.Node) {
	if r.wide = r.findWide(n); r.wide == nil {
		r.to.Nodes = append(r.to.Nodes, n)
		return
	}
	d := r.types[n.Inputs[0]].Dims
	quads := r.to.Node("Reshape", n.Inputs[0]+"_quads", []string{
		n.Inputs[0], r.to.Shape(n.Inputs[0]+"_quads_shape", d[0], d[1], d[2]/quad, quad*d[3]),
	})
	c := *n
	c.Inputs = []string{quads}
	r.to.Nodes = append(r.to.Nodes, &c)
}

// is reports whether n is the convolution to widen.
func (w *wide) is(n *onnxgraph.Node) bool { return w != nil && w.conv == n }

// attributes are those of the wide convolution: one quad to the right gives two
// columns of results.
func (w *wide) attributes(n *onnxgraph.Node) []*onnxgraph.Attribute {
	var out []*onnxgraph.Attribute
	for _, a := range n.Attributes {
		switch a.Name {
		case "strides":
			a = onnxgraph.IntsAttribute(a.Name, a.Ints[0], 1)
		case "pads":
			a = onnxgraph.IntsAttribute(a.Name, a.Ints[0], 0, a.Ints[2], w.across-1)
		case "kernel_shape":
			a = onnxgraph.IntsAttribute(a.Name, a.Ints[0], w.across)
		}
		out = append(out, a)
	}
	return out
}

// filters gives each filter twice: for the left column of results, and two
// pixels further for the right one.
func (w *wide) filters(channels []channel, dims []int64) (doubled []channel, wideDims []int64) {
	depth, high, broad := int(dims[1]), int(dims[2]), int(dims[3])
	across := int(w.across)
	for column := range 2 {
		for _, c := range channels {
			weights := make([]int8, quad*depth*high*across)
			for i, v := range c.Weights {
				d, y, x := i/(high*broad), i/broad%high, i%broad+2*column
				weights[((x%quad*depth+d)*high+y)*across+x/quad] = v
			}
			doubled = append(doubled, channel{c.Step, weights, c.Bias})
		}
	}
	return doubled, []int64{2 * dims[0], quad * dims[1], dims[2], w.across}
}

// narrow puts the two columns of results that stand in one beside each other
// and returns their name. dims are those of the result.
func (w *wide) narrow(g *onnxgraph.Graph, integers string, dims []int64) string {
	rows := g.Node("Transpose", integers+"_rows", []string{integers}, onnxgraph.IntsAttribute("perm", 0, 2, 3, 1))
	shape := g.Shape(integers+"_columns_shape", dims[0], dims[2], dims[3], dims[1])
	columns := g.Node("Reshape", integers+"_columns", []string{rows, shape})
	return g.Node("Transpose", integers+"_planes", []string{columns}, onnxgraph.IntsAttribute("perm", 0, 3, 1, 2))
}

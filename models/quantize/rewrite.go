package quantize

import (
	"fmt"
	"math"
	"slices"

	"gourdian/internal/onnxgraph"
)

// rewriter makes the nodes of the new graph.
type rewriter struct {
	from    *reader
	types   map[string]onnxgraph.Type // of the float graph
	ranges  Ranges
	means   Means
	weights Weights
	to      *onnxgraph.Graph
	integer map[string]scale // values that are integers now
	wide    *wide            // the first convolution, where it is widened
}

func (r *rewriter) node(n *onnxgraph.Node) error {
	switch n.Op {
	case "Transpose":
		if r.types[n.Inputs[0]].Elem == onnxgraph.Uint8 {
			r.transpose(n)
			return nil
		}
	case "Cast":
		return r.picture(n)
	case "Conv":
		return r.convolution(n)
	case "Add":
		return r.add(n)
	case "GlobalAveragePool", "Flatten", "Gemm":
		return r.float(n)
	}
	return fmt.Errorf("%w: this operator has no integer form here", ErrGraph)
}

// picture turns Cast, Sub and Mul by constants into the scale that says the
// same: (x - mean) * step are integers x with the zero point mean.
func (r *rewriter) picture(cast *onnxgraph.Node) error {
	sub := r.from.only(cast.Outputs[0], "Sub")
	if r.types[cast.Inputs[0]].Elem != onnxgraph.Uint8 || sub == nil {
		return fmt.Errorf("%w: not the normalisation of a picture", ErrGraph)
	}
	mul := r.from.only(sub.Outputs[0], "Mul")
	if mul == nil {
		return fmt.Errorf("%w: not the normalisation of a picture", ErrGraph)
	}
	mean, err := r.from.number(sub.Inputs[1])
	if err != nil {
		return err
	}
	step, err := r.from.number(mul.Inputs[1])
	if err != nil {
		return err
	}
	if mean < 0 || mean > steps || float32(uint8(mean)) != mean || !(step > 0) {
		return fmt.Errorf("%w: a mean of %v and a scale of %v are none of a byte", ErrGraph, mean, step)
	}
	r.from.folded[sub], r.from.folded[mul] = true, true
	s := scale{step, uint8(mean)}
	stepName, zeroName := r.constants(mul.Outputs[0], s)
	r.dequantize(cast.Inputs[0], mul.Outputs[0], s, stepName, zeroName)
	return nil
}

// convolution makes a convolution of dequantized values, weights and biases,
// and quantizes its result.
func (r *rewriter) convolution(n *onnxgraph.Node) error {
	input, ok := r.integer[n.Inputs[0]]
	if !ok || len(n.Inputs) != 3 {
		return fmt.Errorf("%w: a convolution without bias, or of what is not quantized", ErrGraph)
	}
	result, clip := r.from.result(n)
	out, err := r.scaleFor(result)
	if err != nil {
		return err
	}
	if clip != nil {
		if err := r.checkClip(clip, result); err != nil {
			return err
		}
		r.from.folded[clip] = true
	}
	filters, bias, err := r.filters(n, input)
	if err != nil {
		return err
	}
	conv := *n
	conv.Name, conv.Inputs, conv.Outputs = result+"_conv", []string{n.Inputs[0], filters, bias}, []string{result + "_conv"}
	if r.wide.is(n) {
		conv.Attributes = r.wide.attributes(n)
	}
	r.to.Nodes = append(r.to.Nodes, &conv)
	step, zero := r.constants(result, out)
	integers := r.to.Node("QuantizeLinear", result+"_uint8", []string{conv.Outputs[0], step, zero})
	if r.wide.is(n) {
		integers = r.wide.narrow(r.to, integers, r.types[n.Outputs[0]].Dims)
	}
	r.dequantize(integers, result, out, step, zero)
	return nil
}

// checkClip makes sure that rounding to 0..255 cuts off what the Clip did.
func (r *rewriter) checkClip(clip *onnxgraph.Node, result string) error {
	if len(clip.Inputs) != 3 {
		return fmt.Errorf("%w: a Clip without both bounds", ErrGraph)
	}
	low, err := r.from.number(clip.Inputs[1])
	if err != nil {
		return err
	}
	high, err := r.from.number(clip.Inputs[2])
	if err != nil {
		return err
	}
	seen, _ := r.ranges.Find(result)
	if low != 0 || seen.Min != 0 || seen.Max > high {
		return fmt.Errorf("%w: range %v to %v of %q, which is clipped to %v to %v", ErrRanges, seen.Min, seen.Max, result, low, high)
	}
	return nil
}

// filters writes the weights and biases of a convolution as integers and
// returns the names of what they stand for.
func (r *rewriter) filters(n *onnxgraph.Node, input scale) (weights, bias string, err error) {
	values, err := r.from.floats(n.Inputs[1])
	if err != nil {
		return "", "", err
	}
	biases, err := r.from.floats(n.Inputs[2])
	if err != nil {
		return "", "", err
	}
	per := len(values) / len(biases)
	channels := make([]channel, len(biases))
	for i, b := range biases {
		channels[i] = r.weights.quantizeChannel(values[i*per:(i+1)*per], b, input.Step, r.inputMeans(n, i))
	}
	dims := r.types[n.Inputs[1]].Dims
	if r.wide.is(n) {
		channels, dims = r.wide.filters(channels, dims)
	}
	weights, bias = r.writeFilters(n, channels, dims, input)
	return weights, bias, nil
}

// inputMeans are the averages that filter i meets, one for each channel of its
// weights; nil where they are not known.
func (r *rewriter) inputMeans(n *onnxgraph.Node, i int) []float64 {
	means, filters := r.means[n.Inputs[0]], r.types[n.Inputs[1]].Dims
	if int64(len(means)) != r.types[n.Inputs[0]].Dims[1] {
		return nil
	}
	groups := r.types[n.Inputs[0]].Dims[1] / filters[1]
	from := int64(i) / (filters[0] / groups) * filters[1]
	return means[from : from+filters[1]]
}

// writeFilters writes channels as the constants of a convolution.
func (r *rewriter) writeFilters(n *onnxgraph.Node, channels []channel, dims []int64, input scale) (weights, bias string) {
	var raw []byte
	var sums []int32
	var steps, units []float32
	for _, c := range channels {
		for _, w := range c.Weights {
			raw = append(raw, byte(w))
		}
		sums, steps, units = append(sums, c.Bias), append(steps, c.Step), append(units, c.Step*input.Step)
	}
	g, count, axis := r.to, int64(len(channels)), onnxgraph.IntAttribute("axis", 0)
	name := n.Inputs[1]
	weights = g.Node("DequantizeLinear", name, []string{
		g.Bytes(name+"_int8", onnxgraph.Int8, raw, dims...),
		g.Floats(name+"_scale", steps, count),
		g.Bytes(name+"_zero", onnxgraph.Int8, make([]byte, count), count),
	}, axis)
	name = n.Inputs[2]
	bias = g.Node("DequantizeLinear", name, []string{
		g.Ints(name+"_int32", sums, count),
		g.Floats(name+"_scale", units, count),
		g.Ints(name+"_zero", make([]int32, count), count),
	}, axis)
	return weights, bias
}

func (r *rewriter) add(n *onnxgraph.Node) error {
	for _, in := range n.Inputs {
		if _, ok := r.integer[in]; !ok {
			return fmt.Errorf("%w: the sum of what is not quantized", ErrGraph)
		}
	}
	result := n.Outputs[0]
	out, err := r.scaleFor(result)
	if err != nil {
		return err
	}
	sum := *n
	sum.Name, sum.Outputs = result+"_sum", []string{result + "_sum"}
	r.to.Nodes = append(r.to.Nodes, &sum)
	step, zero := r.constants(result, out)
	integers := r.to.Node("QuantizeLinear", result+"_uint8", []string{sum.Outputs[0], step, zero})
	r.dequantize(integers, result, out, step, zero)
	return nil
}

// float keeps a node, and the constants that it uses, as they are.
func (r *rewriter) float(n *onnxgraph.Node) error {
	r.to.Nodes = append(r.to.Nodes, n)
	for _, in := range n.Inputs {
		if t := r.from.constants[in]; t != nil && !slices.Contains(r.to.Initializers, t) {
			r.to.Initializers = append(r.to.Initializers, t)
		}
	}
	return nil
}

func (r *rewriter) scaleFor(name string) (scale, error) {
	seen, ok := r.ranges.Find(name)
	if !ok {
		return scale{}, fmt.Errorf("%w: none of %q", ErrRanges, name)
	}
	s := scaleOf(seen)
	if !(s.Step > 0) || math.IsInf(float64(s.Step), 0) {
		return scale{}, fmt.Errorf("%w: %v to %v of %q has no scale", ErrRanges, seen.Min, seen.Max, name)
	}
	return s, nil
}

// dequantize says what the integers called from stand for.
func (r *rewriter) dequantize(from, name string, s scale, step, zero string) {
	r.to.Node("DequantizeLinear", name, []string{from, step, zero})
	r.integer[name] = s
}

func (r *rewriter) constants(name string, s scale) (step, zero string) {
	return r.to.Floats(name+"_scale", []float32{s.Step}), r.to.Bytes(name+"_zero", onnxgraph.Uint8, []byte{s.Zero})
}

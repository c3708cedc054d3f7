package convert

import (
	"fmt"
	"math"

	"gourdian/internal/onnxgraph"
	"gourdian/internal/vision"
)

// Shape of EfficientNet-Lite0's ends.
const (
	EmbeddingLen = 1280 // channels of the head, the length of the embedding
	imageNet     = 1000 // classes of its own classifier
)

// batchNormEpsilon is what EfficientNet was trained with. Some running
// variances are exactly 0, so any other value shows.
const batchNormEpsilon = 1e-3

// group is a run of inverted-residual blocks of EfficientNet-Lite0, in the
// notation of the EfficientNet paper's table 1 (Tan and Le, 2019); the stride
// is that of the first block, the others have 1.
type group struct {
	repeat, kernel, stride, expansion, in, out int64
}

func lite0Groups() []group {
	return []group{
		{1, 3, 1, 1, 32, 16},
		{2, 3, 2, 6, 16, 24},
		{2, 5, 2, 6, 24, 40},
		{3, 3, 2, 6, 40, 80},
		{3, 5, 1, 6, 80, 112},
		{4, 5, 2, 6, 112, 192},
		{1, 3, 1, 6, 192, 320},
	}
}

// EfficientNetLite0 builds the network from its checkpoint: input "image",
// output "embedding" and, if classifier is set, the "logits" of ImageNet's
// 1,000 classes. The values after the stages are called "stem", "block_0" to
// "block_15" and "features".
func EfficientNetLite0(c *Checkpoint, classifier bool) (*onnxgraph.Model, error) {
	m := onnxgraph.New("efficientnet-lite0")
	b := &builder{checkpoint: c, graph: m.Graph}
	g := m.Graph
	g.Input(onnxgraph.InputImage, onnxgraph.Uint8, 1, vision.Size, vision.Size, 3)
	b.zero, b.six = g.Floats("relu6_min", []float32{0}), g.Floats("relu6_max", []float32{6})

	x := b.convolve(conv{in: b.normalise(), name: "_conv_stem", norm: "_bn0", out: "stem",
		from: 3, to: 32, kernel: 3, stride: 2, relu6: true})
	number := 0
	for _, group := range lite0Groups() {
		for i := range group.repeat {
			block := group
			if i > 0 {
				block.stride, block.in = 1, group.out
			}
			x = b.block(x, number, block)
			number++
		}
	}
	x = b.convolve(conv{in: x, name: "_conv_head", norm: "_bn1", out: "features",
		from: 320, to: EmbeddingLen, kernel: 1, stride: 1, relu6: true})
	x = g.Node("GlobalAveragePool", "pooled", []string{x})
	g.Node("Flatten", onnxgraph.OutputEmbedding, []string{x}, onnxgraph.IntAttribute("axis", 1))
	g.Output(onnxgraph.OutputEmbedding, onnxgraph.Float32, 1, EmbeddingLen)
	if classifier {
		b.classifier()
	}
	if b.err != nil {
		return nil, fmt.Errorf("convert EfficientNet-Lite0: %w", b.err)
	}
	return m, nil
}

// builder adds layers until the first error.
type builder struct {
	checkpoint *Checkpoint
	graph      *onnxgraph.Graph
	zero, six  string
	err        error
}

// floats is a tensor of the checkpoint, or nil after an error.
func (b *builder) floats(name string, shape ...int64) []float32 {
	if b.err != nil {
		return nil
	}
	values, err := b.checkpoint.Floats(name, shape...)
	b.err = err
	return values
}

// normalise turns the uint8 picture in rows of RGB into planes of
// (x - 127) / 128. Turning bytes moves a quarter of what turning floats would.
func (b *builder) normalise() string {
	g := b.graph
	x := g.Node("Transpose", "image_planes", []string{onnxgraph.InputImage}, onnxgraph.IntsAttribute("perm", 0, 3, 1, 2))
	x = g.Node("Cast", "image_float", []string{x}, onnxgraph.IntAttribute("to", int64(onnxgraph.Float32)))
	x = g.Node("Sub", "image_centred", []string{x, g.Floats("image_mean", []float32{127})})
	return g.Node("Mul", "image_normal", []string{x, g.Floats("image_scale", []float32{1.0 / 128})})
}

// block is one inverted residual: expand, filter each channel, project.
func (b *builder) block(in string, number int, s group) string {
	prefix, out := fmt.Sprintf("_blocks.%d.", number), fmt.Sprintf("block_%d", number)
	wide, x := s.in*s.expansion, in
	if s.expansion > 1 {
		x = b.convolve(conv{in: x, name: prefix + "_expand_conv", norm: prefix + "_bn0", out: out + "_expand",
			from: s.in, to: wide, kernel: 1, stride: 1, relu6: true})
	}
	x = b.convolve(conv{in: x, name: prefix + "_depthwise_conv", norm: prefix + "_bn1", out: out + "_depthwise",
		from: wide, to: wide, kernel: s.kernel, stride: s.stride, depthwise: true, relu6: true})
	residual := s.stride == 1 && s.in == s.out
	project := conv{in: x, name: prefix + "_project_conv", norm: prefix + "_bn2", out: out,
		from: wide, to: s.out, kernel: 1, stride: 1}
	if !residual {
		return b.convolve(project)
	}
	project.out = out + "_project"
	return b.graph.Node("Add", out, []string{b.convolve(project), in})
}

// conv is a convolution with its batch norm and, maybe, ReLU6.
type conv struct {
	in, out          string // values
	name, norm       string // in the checkpoint
	from, to         int64  // channels
	kernel, stride   int64
	depthwise, relu6 bool
}

func (b *builder) convolve(c conv) string {
	groups, depth := int64(1), c.from
	if c.depthwise {
		groups, depth = c.from, 1
	}
	weights := b.floats(c.name+".weight", c.to, depth, c.kernel, c.kernel)
	scale, bias := b.batchNorm(c.norm, c.to)
	if b.err != nil {
		return c.out
	}
	per := len(weights) / len(scale)
	for i, w := range weights {
		weights[i] = float32(float64(w) * scale[i/per])
	}
	// TensorFlow's "SAME": where the padding is odd (stride 2), one more
	// behind than before.
	pad := c.kernel - c.stride
	before, after := pad/2, pad-pad/2
	out := c.out
	if c.relu6 {
		out += "_linear"
	}
	g := b.graph
	g.Node("Conv", out, []string{
		c.in,
		g.Floats(c.out+"_weights", weights, c.to, depth, c.kernel, c.kernel),
		g.Floats(c.out+"_bias", bias, c.to),
	},
		onnxgraph.IntsAttribute("dilations", 1, 1),
		onnxgraph.IntAttribute("group", groups),
		onnxgraph.IntsAttribute("kernel_shape", c.kernel, c.kernel),
		onnxgraph.IntsAttribute("pads", before, before, after, after),
		onnxgraph.IntsAttribute("strides", c.stride, c.stride))
	if c.relu6 {
		g.Node("Clip", c.out, []string{out, b.zero, b.six})
	}
	return c.out
}

// batchNorm is a batch norm as y = scale x + bias, per channel.
func (b *builder) batchNorm(name string, channels int64) (scale []float64, bias []float32) {
	gamma, beta := b.floats(name+".weight", channels), b.floats(name+".bias", channels)
	mean, variance := b.floats(name+".running_mean", channels), b.floats(name+".running_var", channels)
	if b.err != nil {
		return nil, nil
	}
	scale, bias = make([]float64, channels), make([]float32, channels)
	for i := range scale {
		scale[i] = float64(gamma[i]) / math.Sqrt(float64(variance[i])+batchNormEpsilon)
		// Rounded before the subtraction, so that no machine fuses the two.
		shift := float64(float64(mean[i]) * scale[i])
		bias[i] = float32(float64(beta[i]) - shift)
	}
	return scale, bias
}

func (b *builder) classifier() {
	weights, bias := b.floats("_fc.weight", imageNet, EmbeddingLen), b.floats("_fc.bias", imageNet)
	if b.err != nil {
		return
	}
	g := b.graph
	g.Node("Gemm", onnxgraph.OutputLogits, []string{
		onnxgraph.OutputEmbedding,
		g.Floats("classifier_weights", weights, imageNet, EmbeddingLen),
		g.Floats("classifier_bias", bias, imageNet),
	}, onnxgraph.IntAttribute("transB", 1))
	g.Output(onnxgraph.OutputLogits, onnxgraph.Float32, 1, imageNet)
}

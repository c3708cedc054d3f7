package quantize

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/onnxgraph"
)

// strided is a network whose first convolution takes every second pixel.
func strided(width, kernel int64, change func(conv *onnxgraph.Node)) *onnxgraph.Model {
	m := onnxgraph.New("strided")
	g := m.Graph
	g.Input(onnxgraph.InputImage, onnxgraph.Uint8, 1, 8, width, 3)
	x := g.Node("Transpose", "planes", []string{onnxgraph.InputImage}, onnxgraph.IntsAttribute("perm", 0, 3, 1, 2))
	x = g.Node("Cast", "float", []string{x}, onnxgraph.IntAttribute("to", int64(onnxgraph.Float32)))
	x = g.Node("Sub", "centred", []string{x, g.Floats("mean", []float32{127})})
	x = g.Node("Mul", "normal", []string{x, g.Floats("factor", []float32{1.0 / 128})})
	random := rand.New(rand.NewPCG(1, uint64(kernel)))
	weights := make([]float32, 2*3*kernel*kernel)
	for i := range weights {
		weights[i] = float32(random.NormFloat64())
	}
	x = g.Node("Conv", "stem", []string{x, g.Floats("w", weights, 2, 3, kernel, kernel), g.Floats("b", []float32{0.5, -0.5}, 2)},
		onnxgraph.IntsAttribute("dilations", 1, 1), onnxgraph.IntAttribute("group", 1), onnxgraph.IntsAttribute("kernel_shape", kernel, kernel),
		onnxgraph.IntsAttribute("pads", 0, 0, kernel-2, kernel-2), onnxgraph.IntsAttribute("strides", 2, 2))
	if change != nil {
		change(g.Nodes[len(g.Nodes)-1])
	}
	x = g.Node("GlobalAveragePool", "pooled", []string{x})
	g.Node("Flatten", onnxgraph.OutputEmbedding, []string{x})
	g.Output(onnxgraph.OutputEmbedding, onnxgraph.Float32, 1, 2)
	return m
}

func stemOnly() Ranges { return Ranges{Values: []Range{{"stem", -8, 8}}} }

// sums convolves a picture in rows of pixels with integer filters, whose order
// is filter, channel, row, column. What lies outside is zero.
func sums(picture []int, high, broad, channels int, filters [][]int8, ky, kx, sy, sx int) []int {
	var out []int
	for y := 0; y < high; y += sy {
		for x := 0; x < broad; x += sx {
			for _, f := range filters {
				sum := 0
				for i, w := range f {
					c, dy, dx := i/(ky*kx), i/kx%ky, i%kx
					if y+dy < high && x+dx < broad {
						sum += int(w) * picture[((y+dy)*broad+x+dx)*channels+c]
					}
				}
				out = append(out, sum)
			}
		}
	}
	return out
}

// The wide convolution reads the same bytes as quads, and what it writes, read
// as pairs, must be what the plain one writes.
func TestWideConvolutionAddsTheSameProducts(t *testing.T) {
	t.Parallel()
	const high, broad = 8, 16
	random := rand.New(rand.NewPCG(7, 8))
	picture := make([]int, high*broad*3)
	for i := range picture {
		picture[i] = random.IntN(256) - 127
	}
	for _, kernel := range []int{2, 3, 5} {
		channels := make([]channel, 3)
		var plain, doubled [][]int8
		for i := range channels {
			channels[i] = channel{Step: float32(i + 1), Bias: int32(i), Weights: make([]int8, 3*kernel*kernel)}
			for j := range channels[i].Weights {
				channels[i].Weights[j] = int8(random.IntN(255) - 127)
			}
			plain = append(plain, channels[i].Weights)
		}
		w := &wide{across: int64(kernel+2+quad-1) / quad}
		two, dims := w.filters(channels, []int64{3, 3, int64(kernel), int64(kernel)})
		for _, c := range two {
			doubled = append(doubled, c.Weights)
		}
		if !slices.Equal(dims, []int64{6, 12, int64(kernel), w.across}) || two[4].Step != 2 || two[4].Bias != 1 {
			t.Errorf("kernel %d: filters of %v, the fifth %+v", kernel, dims, two[4])
		}
		want := sums(picture, high, broad, 3, plain, kernel, kernel, 2, 2)
		got := sums(picture, high, broad/quad, 3*quad, doubled, kernel, int(w.across), 2, 1)
		if !slices.Equal(got, want) {
			t.Errorf("kernel %d: the sums differ", kernel)
		}
	}
}

func TestFirstConvolutionIsWidenedWhereThatIsTheSame(t *testing.T) {
	t.Parallel()
	attribute := func(name string, v ...int64) func(*onnxgraph.Node) {
		return func(n *onnxgraph.Node) { *n.Attribute(name) = *onnxgraph.IntsAttribute(name, v...) }
	}
	for name, c := range map[string]struct {
		m    *onnxgraph.Model
		wide bool
	}{
		"every second pixel":         {strided(16, 3, nil), true},
		"a larger kernel":            {strided(16, 5, nil), true},
		"a width of no quads":        {strided(18, 3, nil), false},
		"every pixel":                {strided(16, 3, attribute("strides", 1, 1)), false},
		"padding before the picture": {strided(16, 3, attribute("pads", 0, 1, 1, 1)), false},
		"too little padding for all": {strided(16, 3, attribute("pads", 0, 0, 0, 0)), false},
		"a filter with gaps":         {strided(16, 3, attribute("dilations", 1, 2)), false},
	} {
		q, err := Backbone(c.m, stemOnly(), nil, FullRange)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Contains(strings.Join(listing(q), " "), "Reshape image_quads"); got != c.wide {
			t.Errorf("%s: widened is %v", name, got)
		}
		before, err := onnxgraph.InferShapes(c.m)
		if err != nil {
			t.Fatal(err)
		}
		after, err := onnxgraph.InferShapes(q)
		if err != nil || !slices.Equal(after["stem"].Dims, before["stem"].Dims) {
			t.Errorf("%s: the result has the shape %v, not %v, %v", name, after["stem"].Dims, before["stem"].Dims, err)
		}
	}
}

package convert

import (
	"fmt"
	"math"
)

// EfficientNetLite0Means returns what the values of the network are on average,
// for each of their channels, by what the checkpoint remembers of its training:
// a batch norm gives its channel the mean beta and the deviation gamma, of which
// a ReLU6 keeps what lies within 0 and 6. It takes them for bell curves. Values
// are named as in EfficientNetLite0; the picture is not among them.
//
// Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and
// Bias Correction", 2019.
func EfficientNetLite0Means(c *Checkpoint) (map[string][]float64, error) {
	b := &builder{checkpoint: c}
	means := map[string][]float64{"stem": b.means("_bn0", 32, true)}
	in, number := "stem", 0
	for _, group := range lite0Groups() {
		for i := range group.repeat {
			block := group
			if i > 0 {
				block.stride, block.in = 1, group.out
			}
			in = b.blockMeans(means, in, number, block)
			number++
		}
	}
	means["features"] = b.means("_bn1", EmbeddingLen, true)
	if b.err != nil {
		return nil, fmt.Errorf("means of EfficientNet-Lite0: %w", b.err)
	}
	return means, nil
}

// blockMeans adds the values of one inverted residual and returns the name of
// its result.
func (b *builder) blockMeans(means map[string][]float64, in string, number int, s group) string {
	prefix, out := fmt.Sprintf("_blocks.%d.", number), fmt.Sprintf("block_%d", number)
	if s.expansion > 1 {
		means[out+"_expand"] = b.means(prefix+"_bn0", s.in*s.expansion, true)
	}
	means[out+"_depthwise"] = b.means(prefix+"_bn1", s.in*s.expansion, true)
	project := b.means(prefix+"_bn2", s.out, false)
	if s.stride != 1 || s.in != s.out {
		means[out] = project
		return out
	}
	means[out+"_project"] = project
	sum := make([]float64, len(project))
	for i := range sum {
		sum[i] = project[i] + means[in][i]
	}
	means[out] = sum
	return out
}

func (b *builder) means(norm string, channels int64, relu6 bool) []float64 {
	gamma, beta := b.floats(norm+".weight", channels), b.floats(norm+".bias", channels)
	out := make([]float64, channels)
	if b.err != nil {
		return out
	}
	for i := range out {
		out[i] = float64(beta[i])
		if relu6 {
			out[i] = clippedMean(float64(beta[i]), math.Abs(float64(gamma[i])))
		}
	}
	return out
}

// meanUnit is what means are rounded to: processors differ in the last digits
// of the error function, and graphs made of means must not.
const meanUnit = 1.0 / (1 << 20)

// clippedMean is the mean of a bell curve's values, each cut off at 0 and 6.
func clippedMean(mean, deviation float64) float64 {
	if deviation < 1e-9 {
		return math.Min(math.Max(mean, 0), 6)
	}
	low, high := -mean/deviation, (6-mean)/deviation
	inside := mean*(normalBelow(high)-normalBelow(low)) + deviation*(normalAt(low)-normalAt(high))
	return math.Round((inside+6*(1-normalBelow(high)))/meanUnit) * meanUnit
}

// normalBelow is the share of a standard bell curve below x.
func normalBelow(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// normalAt is the height of a standard bell curve at x.
func normalAt(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

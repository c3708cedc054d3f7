package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/vision"
	"gourdian/models/backbone"
)

// GoldenFrame is a tensor with the logits that a board must reproduce before
// it serves a bundle.
type GoldenFrame struct {
	Name     string // part of an entry's name: a-z, 0-9, '-'
	Tensor   vision.Tensor
	Expected []float32
}

// SyntheticFrames are tensors that no photographer has a right in and that
// drive all channels: slopes, noise, stripes, and a round orange thing on
// green. Integers only: the same bytes everywhere.
func SyntheticFrames() []GoldenFrame {
	random := rand.New(rand.NewPCG(1, 2))
	return []GoldenFrame{
		{Name: "slopes", Tensor: draw(func(x, y int) [3]uint8 { return [3]uint8{uint8(x), uint8(y), uint8((x + y) / 2)} })},
		{Name: "noise", Tensor: draw(func(_, _ int) [3]uint8 {
			v := random.Uint32()
			return [3]uint8{uint8(v), uint8(v >> 8), uint8(v >> 16)}
		})},
		{Name: "stripes", Tensor: draw(func(x, y int) [3]uint8 {
			v := uint8(40 + 170*((x/8+y/24)%2))
			return [3]uint8{v, 255 - v, v / 2}
		})},
		{Name: "disk", Tensor: draw(func(x, y int) [3]uint8 {
			dx, dy := x-vision.Size/2, y-vision.Size/2
			if dx*dx+dy*dy < 80*80 {
				return [3]uint8{uint8(235 - (dx*dx+dy*dy)/90), uint8(130 + dx/3), 30}
			}
			return [3]uint8{uint8(60 + x%23), uint8(110 + y%31), 50}
		})},
	}
}

func draw(at func(x, y int) [3]uint8) vision.Tensor {
	t := make(vision.Tensor, 0, vision.TensorLen)
	for y := range vision.Size {
		for x := range vision.Size {
			p := at(x, y)
			t = append(t, p[0], p[1], p[2])
		}
	}
	return t
}

// Tolerances as shares of the largest golden logit, and the least one.
const (
	// floatShare is for float32 everywhere: other kernels add in another order,
	// which moves logits by about a thousandth.
	floatShare = 0.005
	// sameShare is for 8-bit forms on the kind of processor that made the
	// bundle, where sums of integers are exact and only the float head rounds.
	sameShare = 0.005
	// otherShare is for 8-bit forms elsewhere. Kernels with VNNI, and with the
	// reduced range those of AVX2, gave the same logits to the last digit. Sums
	// that overflow (int8 on AVX2 without VNNI) moved logits by 5 to 23 % and must
	// fail.
	otherShare = 0.02
	// armShare is between ARM and the rest, where no sum overflows on ARM.
	// Convolutions are the same there, but the kernel that adds a residual rounds
	// a few of ten thousand values otherwise, which moves all behind it: by up to
	// 1.4 % over the golden frames of ten variants of five models.
	armShare       = 0.04
	toleranceLeast = 0.01

	armClass = "arm64" // as infer.CPUClass has it
)

// tolerances are those of a variant's golden frames by CPU class. made is the
// class that made the bundle, largest the largest golden logit.
func tolerances(variant, made string, largest float64) map[string]float64 {
	if variant == backbone.FP32 {
		return map[string]float64{bundle.AnyCPU: max(toleranceLeast, floatShare*largest)}
	}
	other := otherShare
	if made == armClass {
		other = armShare
	}
	shares := map[string]float64{bundle.AnyCPU: other, armClass: armShare}
	shares[made] = sameShare // after that of ARM, which may have made it
	for class, share := range shares {
		shares[class] = max(toleranceLeast, share*largest)
	}
	return shares
}

// ExpectGolden runs the frames on the final graph in its real worker, notes
// the logits, and returns the largest of them without its sign.
func ExpectGolden(ctx context.Context, runner infer.Runner, frames []GoldenFrame) (float64, error) {
	largest := 0.0
	var scores infer.Scores
	for i := range frames {
		if err := runner.Run(ctx, frames[i].Tensor, &scores); err != nil {
			return 0, fmt.Errorf("golden frame %s: %w", frames[i].Name, err)
		}
		frames[i].Expected = append([]float32(nil), scores.Logits...)
		for _, v := range scores.Logits {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return 0, fmt.Errorf("golden frame %s: the model's logit is %v", frames[i].Name, v)
			}
			largest = max(largest, math.Abs(float64(v)))
		}
	}
	return largest, nil
}

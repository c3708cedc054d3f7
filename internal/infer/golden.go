package infer

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gourdian/internal/vision"
)

// ErrGolden is wrapped where a model does not give here what it gave where it
// was made.
var ErrGolden = errors.New("golden frame failed")

// GoldenFrame is a tensor with the logits that the model must give.
type GoldenFrame struct {
	Name     string
	Tensor   vision.Tensor
	Expected []float32
}

// CheckGolden runs every frame and compares its logits with the expected ones.
// It returns the largest difference seen, and an error that wraps ErrGolden at
// the first frame beyond tolerance. No frames at all is an error too.
func CheckGolden(ctx context.Context, runner Runner, frames []GoldenFrame, tolerance float64) (float64, error) {
	if len(frames) == 0 {
		return 0, fmt.Errorf("%w: there is none", ErrGolden)
	}
	var largest float64
	var scores Scores
	for _, frame := range frames {
		if err := runner.Run(ctx, frame.Tensor, &scores); err != nil {
			return largest, fmt.Errorf("%w: %s: %w", ErrGolden, frame.Name, err)
		}
		if len(scores.Logits) != len(frame.Expected) {
			return largest, fmt.Errorf("%w: %s: %d logits, expected %d", ErrGolden, frame.Name, len(scores.Logits), len(frame.Expected))
		}
		for class, expected := range frame.Expected {
			got := scores.Logits[class]
			distance := math.Abs(float64(got) - float64(expected))
			if !(distance <= tolerance) { // also when it is not a number
				return distance, fmt.Errorf("%w: %s: logit %d is %v, expected %v within %v",
					ErrGolden, frame.Name, class, got, expected, tolerance)
			}
			largest = max(largest, distance)
		}
	}
	return largest, nil
}

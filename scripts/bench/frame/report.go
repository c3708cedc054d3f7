package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// report prints each part of a frame beside the same part of the C++ loop.
func (s *sides) report(o options) error {
	name, does := "board", "file to stored record"
	if o.hub {
		name, does = "hub", "HTTP request to verdict"
	}
	look := func(p parts) time.Duration { return p.look }
	network := func(p parts) time.Duration { return p.infer }
	whole := func(p parts) time.Duration { return p.look + p.infer }
	same := func(d time.Duration) time.Duration { return d }
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tours ms\tC++ loop ms\tratio\tmedian of the blocks' ratios\t")
	row(w, "workers, file to tensor", pick(s.workers, look), pick(s.theirs, look))
	row(w, "workers, network", pick(s.workers, network), pick(s.theirs, network))
	row(w, "workers, file to scores", pick(s.workers, whole), pick(s.theirs, whole))
	row(w, name+", "+does, pick(s.stored, same), pick(s.theirs, whole))
	frames := float64(len(slices.Concat(s.theirs...)))
	theirs := s.theirsCPU.Seconds() * 1000 / frames
	workers, program := s.workersCPU.Seconds()*1000/frames, s.storedCPU/s.storedRecords
	fmt.Fprintf(w, "workers, processor time\t%.2f\t%.2f\t%.2f\t\t\n", workers, theirs, workers/theirs)
	fmt.Fprintf(w, "%s, processor time\t%.2f\t%.2f\t%.2f\t\t\n", name, program, theirs, program/theirs)
	return w.Flush()
}

// pick takes one time out of every frame of every block, in milliseconds.
func pick[T any](blocks [][]T, of func(T) time.Duration) [][]float64 {
	out := make([][]float64, len(blocks))
	for i, block := range blocks {
		for _, frame := range block {
			out[i] = append(out[i], of(frame).Seconds()*1000)
		}
	}
	return out
}

// row prints p50 and p99 of both sides. The ratio of two blocks that ran one
// after the other suffers least from what else the machine does; the median of
// these is the figure to look at on a busy machine.
func row(w *tabwriter.Writer, name string, ours, theirs [][]float64) {
	for _, share := range []float64{0.50, 0.99} {
		a, b := quantile(slices.Concat(ours...), share), quantile(slices.Concat(theirs...), share)
		ratios := make([]float64, len(ours))
		for i := range ours {
			ratios[i] = quantile(ours[i], share) / quantile(theirs[i], share)
		}
		fmt.Fprintf(w, "%s p%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", name, 100*share, a, b, a/b, quantile(ratios, 0.5))
	}
}

// quantile is the smallest value that at least that share does not exceed.
func quantile(values []float64, share float64) float64 {
	values = slices.Sorted(slices.Values(values))
	at := int(math.Ceil(share*float64(len(values)))) - 1
	return values[max(at, 0)]
}

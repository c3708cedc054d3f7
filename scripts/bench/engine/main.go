// Command engine measures what the worker process costs: the same network on
// the same library with the same threads, through gourdian-infer and its pipes
// on one side, in a C loop on ONNX Runtime's C API on the other. Blocks of runs
// alternate, so that both sides meet the same state of the machine.
//
//	go run ./scripts/bench/engine [--rounds N] [--block N] [--threads N] [--graph FILE]
//
// It is run in the root of the checkout after `make build`.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/vision"
	"gourdian/models/backbone"
	"gourdian/scripts/bench/cputime"
)

const library = ".cache/onnxruntime/libonnxruntime.so.1.32.0"

type options struct {
	rounds, block, threads int
	graph                  string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 20, "blocks on each side")
	flag.IntVar(&o.block, "block", 25, "runs in a block")
	flag.IntVar(&o.threads, "threads", 1, "threads of the engine")
	flag.StringVar(&o.graph, "graph", "", "ONNX graph (default: the default backbone with ImageNet's classifier)")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench engine:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "gourdian-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.graph == "" {
		o.graph = filepath.Join(dir, "backbone.onnx")
		if err := writeBackbone(o.graph); err != nil {
			return err
		}
	}
	client, err := features.StartGraph(ctx, o.graph, infer.Options{
		Program: filepath.Join("bin", infer.Program), Library: library, Threads: o.threads,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	info := client.Info()
	loop, err := startLoop(ctx, dir, o, info)
	if err != nil {
		return err
	}
	defer loop.close()
	ours, theirs, err := alternate(ctx, o, client, loop)
	if err != nil {
		return err
	}
	fmt.Printf("engine: %s, %d thread(s), %s, %d runs on each side in %d alternating blocks\n",
		info.Library, o.threads, info.CPU, o.rounds*o.block, o.rounds)
	return report(ours, theirs)
}

func writeBackbone(path string) error {
	entry, err := backbone.Find("")
	if err != nil {
		return err
	}
	m, err := entry.Load(filepath.Join(".cache", "backbone", entry.File), true)
	if err != nil {
		return err
	}
	return os.WriteFile(path, onnxgraph.Encode(m), 0o600)
}

// side is what one side has done.
type side struct {
	blocks [][]time.Duration
	cpu    time.Duration // of all processes that took part
}

// add counts a block and what it cost, unless it warmed up.
func (s *side) add(round int, block []time.Duration, cpu time.Duration) {
	if round > 0 {
		s.blocks = append(s.blocks, block)
		s.cpu += cpu
	}
}

// alternate runs a block on each side in turn and checks that they agree. The
// first block of both warms up and is left out.
func alternate(ctx context.Context, o options, client *infer.Client, loop *loop) (ours, theirs side, err error) {
	in := make(vision.Tensor, vision.TensorLen)
	var scores infer.Scores
	// The C loop is in the tree too, but waits meanwhile.
	tree, err := cputime.Tree(os.Getpid())
	if err != nil {
		return ours, theirs, err
	}
	for round := range o.rounds + 1 {
		paint(in, uint32(round))
		block, cpu, err := timed(tree, func() ([]time.Duration, error) {
			return runWorker(ctx, client, in, &scores, o.block)
		})
		if err != nil {
			return ours, theirs, err
		}
		ours.add(round, block, cpu)
		var sum float64
		block, cpu, err = timed([]int{loop.cmd.Process.Pid}, func() (times []time.Duration, err error) {
			times, sum, err = loop.run(o.block, round)
			return times, err
		})
		if err != nil {
			return ours, theirs, err
		}
		theirs.add(round, block, cpu)
		if own := total(&scores); math.Abs(own-sum) > 1e-5*max(1, math.Abs(own)) {
			return ours, theirs, fmt.Errorf("picture %d: the outputs add up to %v here and to %v in the C loop", round, own, sum)
		}
	}
	return ours, theirs, nil
}

// timed runs a block and says what processor time these processes used.
func timed(pids []int, block func() ([]time.Duration, error)) ([]time.Duration, time.Duration, error) {
	before, err := cputime.Of(pids...)
	if err != nil {
		return nil, 0, err
	}
	times, err := block()
	if err != nil {
		return nil, 0, err
	}
	after, err := cputime.Of(pids...)
	return times, after - before, err
}

func runWorker(ctx context.Context, client *infer.Client, in vision.Tensor, scores *infer.Scores, n int) ([]time.Duration, error) {
	times := make([]time.Duration, 0, n)
	for range n {
		begin := time.Now()
		if err := client.Run(ctx, in, scores); err != nil {
			return nil, err
		}
		times = append(times, time.Since(begin))
	}
	return times, nil
}

// paint makes a picture without meaning, as paint in loop.c does.
func paint(in vision.Tensor, seed uint32) {
	for i := range in {
		n := uint32(i)
		in[i] = uint8(n*(2*seed+3) + n/97*seed)
	}
}

func total(s *infer.Scores) float64 {
	sum := 0.0
	s.Each(func(values []float32) {
		for _, v := range values {
			sum += float64(v)
		}
	})
	return sum
}

// report prints p50, p90 and p99 of both sides, and the processor time of a
// run. On a busy machine look at the latter, and at the median of the ratios of
// two blocks that ran one after the other.
func report(ours, theirs side) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tworker ms\tC loop ms\tratio\tmedian of the blocks' ratios\t")
	for _, q := range []struct {
		name  string
		share float64
	}{{"p50", 0.50}, {"p90", 0.90}, {"p99", 0.99}} {
		a, b := quantile(slices.Concat(ours.blocks...), q.share), quantile(slices.Concat(theirs.blocks...), q.share)
		ratios := make([]float64, len(ours.blocks))
		for i := range ratios {
			ratios[i] = float64(quantile(ours.blocks[i], q.share)) / float64(quantile(theirs.blocks[i], q.share))
		}
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.3f\t%.3f\t\n", q.name, 1000*a.Seconds(), 1000*b.Seconds(), float64(a)/float64(b), quantile(ratios, 0.5))
	}
	n := float64(len(slices.Concat(ours.blocks...)))
	fmt.Fprintf(w, "processor time\t%.3f\t%.3f\t%.3f\t\t\n", 1000*ours.cpu.Seconds()/n, 1000*theirs.cpu.Seconds()/n, float64(ours.cpu)/float64(theirs.cpu))
	return w.Flush()
}

// quantile is the smallest value that at least that share does not exceed.
func quantile[T cmp.Ordered](values []T, share float64) T {
	values = slices.Sorted(slices.Values(values))
	at := int(math.Ceil(share*float64(len(values)))) - 1
	return values[max(at, 0)]
}

// Command quantize sets the 8-bit backbones beside the one that ONNX Runtime's
// own static quantizer makes of the same graph and ranges: speed in alternating
// blocks on the same worker program, and on pictures how far embeddings are from
// the float ones and how often ImageNet's most probable class is the same.
//
//	go run ./scripts/bench/quantize --python PYTHON [--rounds N] [--rendered N] [--data FOLDER]
//
// It is run in the root of the checkout after `make build`. PYTHON has
// onnxruntime and onnx; scripts/bench.sh makes one.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/infer/choose"
	"gourdian/internal/infer/features"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/vision"
	"gourdian/models/backbone"
	"gourdian/models/sample"
)

const (
	library = ".cache/onnxruntime/libonnxruntime.so.1.32.0"
	peer    = "peer" // ONNX Runtime's own quantizer
	block   = 12     // runs of one graph in a row
)

type options struct {
	python, data     string
	rounds, rendered int
}

func main() {
	var o options
	flag.StringVar(&o.python, "python", "", "Python with onnxruntime and onnx")
	flag.StringVar(&o.data, "data", "", "folder of pictures to compare on as well")
	flag.IntVar(&o.rounds, "rounds", 20, "blocks of each graph")
	flag.IntVar(&o.rendered, "rendered", 60, "rendered pictures to compare on")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench quantize:", err)
		os.Exit(1)
	}
}

// graph is one of those that run beside each other.
type graph struct {
	name   string
	runner *infer.Client
	times  []time.Duration
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "gourdian-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := write(ctx, dir, o.python); err != nil {
		return err
	}
	var graphs []*graph
	for _, name := range append(backbone.Variants(), peer) {
		runner, err := features.StartGraph(ctx, filepath.Join(dir, name+".onnx"), infer.Options{
			Program: filepath.Join("bin", infer.Program), Library: library, Threads: 1,
		})
		if err != nil {
			return err
		}
		defer runner.Close()
		graphs = append(graphs, &graph{name: name, runner: runner})
	}
	if err := alternate(ctx, graphs, o.rounds); err != nil {
		return err
	}
	pictures, err := sample.Gather(ctx, sample.Source{
		Data: o.data, Rendered: o.rendered, Seed: 99, Camera: capture.Options{Program: filepath.Join("bin", capture.Program)},
		Progress: func(string, int) func() { return func() {} },
	})
	if err != nil {
		return err
	}
	return report(ctx, graphs, pictures, o.rounds)
}

// write makes the graphs, with ImageNet's classifier behind them.
func write(ctx context.Context, dir, python string) error {
	b, err := backbone.Find("")
	if err != nil {
		return err
	}
	m, err := b.Load(filepath.Join(".cache", "backbone", b.File), true)
	if err != nil {
		return err
	}
	means, err := b.Means(filepath.Join(".cache", "backbone", b.File))
	if err != nil {
		return err
	}
	for _, name := range backbone.Variants() {
		form, err := b.Variant(m, means, name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".onnx"), onnxgraph.Encode(form), 0o600); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, python, "scripts/bench/quantize/peer.py", filepath.Join(dir, backbone.FP32+".onnx"),
		filepath.Join("models", "backbone", b.RangesFile), filepath.Join(dir, peer+".onnx"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the peer's quantizer: %w: %s", err, out)
	}
	return nil
}

// alternate times the graphs in turns; the first round warms up.
func alternate(ctx context.Context, graphs []*graph, rounds int) error {
	in := make(vision.Tensor, vision.TensorLen)
	for i := range in {
		in[i] = uint8(i * (7 + i/vision.Size%13))
	}
	var scores infer.Scores
	for round := range rounds + 1 {
		for _, g := range graphs {
			for range block {
				begin := time.Now()
				if err := g.runner.Run(ctx, in, &scores); err != nil {
					return err
				}
				if round > 0 {
					g.times = append(g.times, time.Since(begin))
				}
			}
		}
	}
	return nil
}

func report(ctx context.Context, graphs []*graph, pictures *sample.Sample, rounds int) error {
	cpu := choose.ThisCPU()
	fmt.Printf("8-bit backbones: %s, 1 thread, %s (%s), %d runs each in %d alternating blocks; compared on %d rendered pictures and %d photos\n",
		graphs[0].runner.Info().Library, cpu.Name, cpu.Class, rounds*block, rounds, pictures.Rendered, pictures.Photos)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tms p10\tms p50\tms p99\tspeed by fp32's\tspeed by the peer's\tdistance of embeddings\tImageNet's class as fp32\t")
	var float []infer.Scores
	last := graphs[len(graphs)-1]
	for i, g := range graphs {
		scores, err := look(ctx, g.runner, pictures.Tensors)
		if err != nil {
			return err
		}
		if i == 0 {
			float = scores
		}
		distance, same := compare(float, scores)
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.5f\t%.3f\t\n", g.name, g.quantile(0.1), g.quantile(0.5), g.quantile(0.99),
			graphs[0].by(g), last.by(g), distance, same)
	}
	return w.Flush()
}

// quantile is in milliseconds.
func (g *graph) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(g.times))
	return 1000 * sorted[int(q*float64(len(sorted)-1)+0.5)].Seconds()
}

// by is how many times as fast other is: the median over rounds of the ratio
// of both medians, which other work on the machine moves least.
func (g *graph) by(other *graph) float64 {
	var ratios []float64
	for at := 0; at < len(g.times); at += block {
		mine, its := graph{times: g.times[at : at+block]}, graph{times: other.times[at : at+block]}
		ratios = append(ratios, mine.quantile(0.5)/its.quantile(0.5))
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

func look(ctx context.Context, runner infer.Runner, pictures []vision.Tensor) ([]infer.Scores, error) {
	out := make([]infer.Scores, len(pictures))
	for i, in := range pictures {
		if err := runner.Run(ctx, in, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// compare gives the mean cosine distance of the embeddings and the share of
// pictures with the same most probable class.
func compare(a, b []infer.Scores) (distance, same float64) {
	for i := range a {
		var dot, aa, bb float64
		for j, x := range a[i].Embedding {
			y := b[i].Embedding[j]
			dot, aa, bb = dot+float64(x)*float64(y), aa+float64(x)*float64(x), bb+float64(y)*float64(y)
		}
		distance += 1 - dot/math.Sqrt(aa*bb)
		if top(a[i].Logits) == top(b[i].Logits) {
			same++
		}
	}
	return distance / float64(len(a)), same / float64(len(a))
}

func top(logits []float32) int {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	return best
}

// Command frame measures a whole frame: a JPEG of 1280x720 to scores, through
// gourdian-camera and gourdian-infer and their pipes on one side, in one C++
// loop of imdecode, INTER_AREA and ONNX Runtime's C API on the other; same
// libraries, model and threads. Blocks of frames alternate, so that both sides
// meet the same state of the machine.
//
//	go run ./scripts/bench/frame [--rounds N] [--block N] [--threads N] [--graph FILE] [--photo FILE]
//
// It is run in the root of the checkout after `make build`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/field"
	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/vision"
	"gourdian/models/backbone"
)

const library = ".cache/onnxruntime/libonnxruntime.so.1.32.0"

type options struct {
	rounds, block, threads int
	graph, photo           string
}

// parts are the times of one frame: from the file to the tensor, and the network.
type parts struct{ look, infer time.Duration }

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 20, "blocks on each side")
	flag.IntVar(&o.block, "block", 20, "frames in a block")
	flag.IntVar(&o.threads, "threads", 1, "threads of the engine")
	flag.StringVar(&o.graph, "graph", "", "ONNX graph (default: the default backbone with ImageNet's classifier)")
	flag.StringVar(&o.photo, "photo", "", "JPEG (default: a rendered field of 1280x720)")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench frame:", err)
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
	decoder, stop, err := capture.StartDecoder(ctx, capture.Options{Program: filepath.Join("bin", capture.Program)})
	if err != nil {
		return err
	}
	defer stop()
	engine, err := features.StartGraph(ctx, o.graph, infer.Options{
		Program: filepath.Join("bin", infer.Program), Library: library, Threads: o.threads,
	})
	if err != nil {
		return err
	}
	defer engine.Close()
	if o.photo == "" {
		o.photo = filepath.Join(dir, "field.jpg")
		if err := renderPhoto(ctx, decoder, o.photo); err != nil {
			return err
		}
	}
	return compare(ctx, o, dir, decoder, engine)
}

func compare(ctx context.Context, o options, dir string, decoder *capture.Decoder, engine *infer.Client) error {
	file, err := os.ReadFile(o.photo)
	if err != nil {
		return err
	}
	info := engine.Info()
	outputs := []string{"embedding"}
	if info.Classes > 0 {
		outputs = append(outputs, "logits")
	}
	loop, err := startLoop(ctx, dir, o, o.photo, outputs)
	if err != nil {
		return err
	}
	ours, theirs, err := alternate(ctx, o, file, decoder, engine, loop)
	if err := errors.Join(err, loop.close()); err != nil {
		return err
	}
	head, err := capture.Inspect(file)
	if err != nil {
		return err
	}
	fmt.Printf("frame: JPEG of %dx%d, %d KB, %s, %d thread(s), %s, %d frames on each side in %d alternating blocks\n",
		head.W, head.H, len(file)/1024, info.Library, o.threads, info.CPU, len(ours), o.rounds)
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

// renderPhoto writes a frame of the rendered field as a JPEG of a camera's
// usual quality.
func renderPhoto(ctx context.Context, decoder *capture.Decoder, path string) error {
	scene, err := field.ParseScene("seed=7&width=1280&height=720")
	if err != nil {
		return err
	}
	var img vision.Image
	scene.Render(&img, scene.Start())
	jpeg, err := decoder.Encode(ctx, img, 90)
	if err != nil {
		return err
	}
	return os.WriteFile(path, jpeg, 0o600)
}

// alternate does a block on each side in turn. The first block of both warms
// up and is left out.
func alternate(ctx context.Context, o options, file []byte, decoder *capture.Decoder, engine *infer.Client, loop *loop) (ours, theirs []parts, err error) {
	var scores infer.Scores
	for round := range o.rounds + 1 {
		mine := make([]parts, 0, o.block)
		for range o.block {
			begin := time.Now()
			tensors, _, _, err := decoder.Prepare(ctx, file)
			if err != nil {
				return nil, nil, err
			}
			looked := time.Now()
			if err := engine.Run(ctx, tensors[0], &scores); err != nil {
				return nil, nil, err
			}
			mine = append(mine, parts{looked.Sub(begin), time.Since(looked)})
		}
		other, err := loop.run(o.block)
		if err != nil {
			return nil, nil, err
		}
		if round > 0 {
			ours, theirs = append(ours, mine...), append(theirs, other...)
		}
	}
	return ours, theirs, nil
}

func report(ours, theirs []parts) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tworkers ms\tC++ loop ms\tratio\t")
	for _, row := range []struct {
		name string
		of   func(parts) time.Duration
	}{
		{"file to tensor", func(p parts) time.Duration { return p.look }},
		{"network", func(p parts) time.Duration { return p.infer }},
		{"whole frame", func(p parts) time.Duration { return p.look + p.infer }},
	} {
		for _, share := range []float64{0.50, 0.99} {
			a, b := quantile(ours, row.of, share), quantile(theirs, row.of, share)
			fmt.Fprintf(w, "%s p%.0f\t%.2f\t%.2f\t%.2f\t\n", row.name, 100*share, a, b, a/b)
		}
	}
	return w.Flush()
}

// quantile is the smallest value that at least that share does not exceed, in
// milliseconds.
func quantile(frames []parts, of func(parts) time.Duration, share float64) float64 {
	values := make([]time.Duration, len(frames))
	for i, p := range frames {
		values[i] = of(p)
	}
	slices.Sort(values)
	at := int(math.Ceil(share*float64(len(values)))) - 1
	return values[max(at, 0)].Seconds() * 1000
}

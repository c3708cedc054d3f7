// Command frame measures a whole frame: a JPEG of 1280x720 to scores through
// gourdian-camera and gourdian-infer and their pipes, and the same to a stored
// record through the whole board, or with --hub to a verdict through the whole hub
// and HTTP, beside one C++ loop of imdecode, INTER_AREA and ONNX Runtime's C API;
// same libraries, graph and threads. Blocks of frames alternate, so that all sides
// meet the same state of the machine.
//
//	go run ./scripts/bench/frame --model FILE [--hub] [--variant V] [--rounds N] [--block N] [--threads N] [--photo FILE]
//
// The hub gives its worker one thread and chooses the variant itself: for --hub
// the model has one variant, and threads are 1. It is run in the root of the checkout after `make build`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/field"
	"gourdian/internal/infer"
	"gourdian/internal/vision"
	"gourdian/scripts/bench/cputime"
)

const library = ".cache/onnxruntime/libonnxruntime.so.1.32.0"

type options struct {
	rounds, block, threads       int
	model, variant, graph, photo string
	hub                          bool
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 10, "blocks on each side")
	flag.IntVar(&o.block, "block", 40, "frames in a block")
	flag.IntVar(&o.threads, "threads", 2, "threads of the engine; the board takes those of its profile")
	flag.StringVar(&o.model, "model", "", "bundle")
	flag.StringVar(&o.variant, "variant", "fp32", "variant of the bundle")
	flag.BoolVar(&o.hub, "hub", false, "the whole program is a hub with one client, not a board")
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
	if o.model, err = filepath.Abs(o.model); err != nil {
		return err
	}
	o.graph = filepath.Join(dir, "graph.onnx")
	if err := writeGraph(o); err != nil {
		return err
	}
	decoder, stop, err := capture.StartDecoder(ctx, capture.Options{Program: filepath.Join("bin", capture.Program)})
	if err != nil {
		return err
	}
	defer stop()
	engine, err := infer.StartBundle(ctx, o.model, infer.Options{
		Program: filepath.Join("bin", infer.Program), Library: library, Variant: o.variant, Threads: o.threads,
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

// writeGraph takes the graph out of the bundle for the C++ loop.
func writeGraph(o options) error {
	b, err := bundle.Open(o.model)
	if err != nil {
		return err
	}
	defer b.Close()
	variant, err := b.Variant(o.variant)
	if err != nil {
		return err
	}
	graph, err := b.File(variant.Graph)
	if err != nil {
		return err
	}
	return os.WriteFile(o.graph, graph, 0o600)
}

func compare(ctx context.Context, o options, dir string, decoder *capture.Decoder, engine *infer.Client) error {
	file, err := os.ReadFile(o.photo)
	if err != nil {
		return err
	}
	head, err := capture.Inspect(file)
	if err != nil {
		return err
	}
	whole, err := newProgram(ctx, dir, o, file)
	if err != nil {
		return err
	}
	defer whole.Stop()
	loop, err := startLoop(ctx, dir, o, o.photo, []string{"embedding", "logits"})
	if err != nil {
		return err
	}
	tree, err := cputime.Tree(os.Getpid())
	if err != nil {
		return errors.Join(err, loop.close())
	}
	s := sides{tree: tree, file: file, decoder: decoder, engine: engine, whole: whole, loop: loop}
	err = s.alternate(ctx, o)
	if err := errors.Join(err, loop.close()); err != nil {
		return err
	}
	info := engine.Info()
	fmt.Printf("frame: JPEG of %dx%d, %d KB, %s, %s, %d thread(s), %s, %d frames on each side in %d alternating blocks\n",
		head.W, head.H, len(file)/1024, info.Library, o.variant, o.threads, info.CPU, o.rounds*o.block, o.rounds)
	return s.report(o)
}

// program is a whole program that does the same.
type program interface {
	// run does it n times.
	run(ctx context.Context, n int) (watched, error)
	// Stop ends it.
	Stop()
}

func newProgram(ctx context.Context, dir string, o options, file []byte) (program, error) {
	if o.hub {
		return newHub(ctx, dir, o, file)
	}
	return newBoard(dir, o, file)
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

// parts are the times of one frame: from the file to the tensor, and the network.
type parts struct{ look, infer time.Duration }

// sides are what is compared, with the frames of each block.
type sides struct {
	file    []byte
	decoder *capture.Decoder
	engine  *infer.Client
	whole   program
	loop    *loop
	tree    []int // this process and what it started, without the whole program

	workers, theirs          [][]parts
	stored                   [][]time.Duration
	workersCPU, theirsCPU    time.Duration
	storedCPU, storedRecords float64 // milliseconds, and over how many records
}

// alternate does a block on each side in turn. The first block of all warms up
// and is left out.
func (s *sides) alternate(ctx context.Context, o options) error {
	for round := range o.rounds + 1 {
		workers, workersCPU, err := s.runWorkers(ctx, o.block)
		if err != nil {
			return err
		}
		theirs, theirsCPU, err := s.runLoop(o.block)
		if err != nil {
			return err
		}
		stored, err := s.whole.run(ctx, o.block)
		if err != nil {
			return err
		}
		if round > 0 {
			s.workers, s.theirs, s.stored = append(s.workers, workers), append(s.theirs, theirs), append(s.stored, stored.times)
			s.workersCPU, s.theirsCPU = s.workersCPU+workersCPU, s.theirsCPU+theirsCPU
			s.storedCPU += stored.cpu.Seconds() * 1000
			s.storedRecords += float64(stored.records)
		}
	}
	return nil
}

// runWorkers does a block through both workers. The C++ loop waits meanwhile,
// so it adds nothing to the processor time of the tree.
func (s *sides) runWorkers(ctx context.Context, n int) ([]parts, time.Duration, error) {
	before, err := cputime.Of(s.tree...)
	if err != nil {
		return nil, 0, err
	}
	var scores infer.Scores
	frames := make([]parts, 0, n)
	for range n {
		begin := time.Now()
		tensors, _, _, err := s.decoder.Prepare(ctx, s.file)
		if err != nil {
			return nil, 0, err
		}
		looked := time.Now()
		if err := s.engine.Run(ctx, tensors[0], &scores); err != nil {
			return nil, 0, err
		}
		frames = append(frames, parts{looked.Sub(begin), time.Since(looked)})
	}
	after, err := cputime.Of(s.tree...)
	return frames, after - before, err
}

func (s *sides) runLoop(n int) ([]parts, time.Duration, error) {
	before, err := cputime.Of(s.loop.cmd.Process.Pid)
	if err != nil {
		return nil, 0, err
	}
	frames, err := s.loop.run(n)
	if err != nil {
		return nil, 0, err
	}
	after, err := cputime.Of(s.loop.cmd.Process.Pid)
	return frames, after - before, err
}

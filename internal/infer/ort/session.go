//go:build cgo

package ort

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	onnx "github.com/yalue/onnxruntime_go"

	"gourdian/internal/infer"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/vision"
)

// Session is a network ready to run: an infer.Runner whose tensors are made
// once and reused. A process has one at a time, for the library keeps its
// state in one place.
type Session struct {
	session *onnx.AdvancedSession
	image   *onnx.Tensor[uint8]
	outputs []*onnx.Tensor[float32]
	info    infer.Info
	closed  bool
}

// Open loads the library, checks its version, and prepares graph to run. What
// was asked for and can't be had is an error, never replaced in silence.
func Open(library string, graph []byte, o Options) (*Session, error) {
	begin := time.Now()
	what, graph, err := inspect(graph, o.Outputs)
	if err != nil {
		return nil, fmt.Errorf("open graph: %w", err)
	}
	s := &Session{info: what.info}
	if err := load(library); err != nil {
		return nil, err
	}
	if err := s.prepare(graph, what, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open graph: %w", err), s.Close())
	}
	s.info.Model, s.info.Variant = o.Model, o.Variant
	s.info.ProviderAsked, s.info.ProviderObtained = o.Provider, o.Provider
	s.info.Library = "onnxruntime " + onnx.GetVersion()
	s.info.Threads = o.Threads
	s.info.CPU = infer.CPUClass()
	s.info.LoadMillis = float64(time.Since(begin).Microseconds()) / 1000
	return s, nil
}

// load opens the library of the process and refuses another version.
func load(library string) error {
	onnx.SetSharedLibraryPath(library)
	if err := onnx.InitializeEnvironment(onnx.WithLogLevelWarning()); err != nil {
		return fmt.Errorf("load ONNX Runtime: %w", err)
	}
	if version := onnx.GetVersion(); !strings.HasPrefix(version, Version+".") {
		return errors.Join(
			fmt.Errorf("load ONNX Runtime: %s has version %s, this program needs %s", library, version, Version),
			onnx.DestroyEnvironment())
	}
	return nil
}

func (s *Session) prepare(graph []byte, what signature, o Options) error {
	options, err := sessionOptions(o)
	if err != nil {
		return err
	}
	defer options.Destroy()
	optimized := ""
	if o.Operators {
		dir, err := os.MkdirTemp("", "gourdian-operators-")
		if err != nil {
			return fmt.Errorf("count operators: %w", err)
		}
		defer os.RemoveAll(dir)
		optimized = filepath.Join(dir, "optimized.onnx")
		if err := options.SetOptimizedModelFilePath(optimized); err != nil {
			return fmt.Errorf("count operators: %w", err)
		}
	}
	s.image, err = onnx.NewEmptyTensor[uint8](onnx.NewShape(1, vision.Size, vision.Size, 3))
	if err != nil {
		return err
	}
	outputs := make([]onnx.Value, 0, len(what.shapes))
	for _, shape := range what.shapes {
		t, err := onnx.NewEmptyTensor[float32](onnx.NewShape(shape...))
		if err != nil {
			return err
		}
		s.outputs = append(s.outputs, t)
		outputs = append(outputs, t)
	}
	s.session, err = onnx.NewAdvancedSessionWithONNXData(graph, []string{onnxgraph.InputImage}, what.outputs,
		[]onnx.Value{s.image}, outputs, options)
	if err == nil && o.Operators {
		s.info.Operators, err = countOperators(optimized)
	}
	return err
}

// sessionOptions fixes everything that changes speed or rounding. Threads that
// wait must not spin: the board has other work, and its battery.
func sessionOptions(o Options) (*onnx.SessionOptions, error) {
	if o.Threads < 1 {
		return nil, fmt.Errorf("%d threads", o.Threads)
	}
	options, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		options.SetGraphOptimizationLevel(onnx.GraphOptimizationLevelEnableAll),
		options.SetExecutionMode(onnx.ExecutionModeSequential),
		options.SetInterOpNumThreads(1),
		options.SetIntraOpNumThreads(o.Threads),
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		options.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
		appendProvider(options, o),
	)
	if err != nil {
		return nil, errors.Join(err, options.Destroy())
	}
	return options, nil
}

// appendProvider asks for an execution provider. The CPU is always there.
func appendProvider(options *onnx.SessionOptions, o Options) error {
	switch o.Provider {
	case ProviderCPU:
		return nil
	case ProviderXNNPACK:
		threads := map[string]string{"intra_op_num_threads": strconv.Itoa(o.Threads)}
		if err := options.AppendExecutionProvider("XNNPACK", threads); err != nil {
			return fmt.Errorf("provider %q is not in this ONNX Runtime: %w", o.Provider, err)
		}
		return nil
	}
	return fmt.Errorf("provider %q is unknown; there are %q and %q", o.Provider, ProviderCPU, ProviderXNNPACK)
}

// Run implements infer.Runner. A run can't be interrupted; ctx is looked at
// before it. Values that are no numbers are an error.
func (s *Session) Run(ctx context.Context, in vision.Tensor, out *infer.Scores) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(in) != vision.TensorLen {
		return fmt.Errorf("run network: %w: %d bytes", infer.ErrBadTensor, len(in))
	}
	copy(s.image.GetData(), in)
	if err := s.session.Run(); err != nil {
		return fmt.Errorf("run network: %w", err)
	}
	out.Fit(&s.info)
	next := 0
	out.Each(func(values []float32) {
		copy(values, s.outputs[next].GetData())
		next++
	})
	if err := out.Check(); err != nil {
		return fmt.Errorf("run network: %w", err)
	}
	return nil
}

// Info implements infer.Runner.
func (s *Session) Info() infer.Info { return s.info }

// Close implements infer.Runner: it frees the network and the library.
func (s *Session) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.session != nil {
		errs = append(errs, s.session.Destroy())
	}
	if s.image != nil {
		errs = append(errs, s.image.Destroy())
	}
	for _, t := range s.outputs {
		errs = append(errs, t.Destroy())
	}
	return errors.Join(append(errs, onnx.DestroyEnvironment())...)
}

//go:build cgo

package ort

import (
	"cmp"
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

// Open loads the library, checks its version, and prepares graph to run on the
// first of the providers asked for that works here. What was asked for and
// can't be had is told by Info, and an error where it is required or where
// nothing else was asked for: never replaced in silence.
func Open(library string, graph []byte, o Options) (*Session, error) {
	w := opening{Options: o, begin: time.Now()}
	var err error
	if w.what, w.graph, err = inspect(graph, o.Outputs); err != nil {
		return nil, fmt.Errorf("open graph: %w", err)
	}
	if err := load(library); err != nil {
		return nil, err
	}
	var s *Session
	obtained, missed, err := obtain(o.Providers, o.Require, func(provider string) (err error) {
		s, err = w.on(provider)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open graph: %w", err), onnx.DestroyEnvironment())
	}
	s.info.ProviderObtained, s.info.ProvidersMissed = obtained, missed
	return s, nil
}

// opening is a graph on its way to a Session.
type opening struct {
	Options
	graph []byte
	what  signature
	begin time.Time
}

// on makes the network ready on one provider, and makes sure that it is that
// one which runs it.
func (w *opening) on(provider string) (*Session, error) {
	operators, err := w.tryOut(provider)
	if err != nil {
		return nil, err
	}
	s, err := w.prepare(provider, "")
	if err != nil {
		return nil, err
	}
	s.info.Model, s.info.Variant = w.Model, w.Variant
	s.info.ProviderAsked, s.info.ProviderObtained = cmp.Or(w.Require, strings.Join(w.Providers, ",")), provider
	s.info.ProviderOperators = operators
	s.info.Library = "onnxruntime " + onnx.GetVersion()
	s.info.Threads = w.Threads
	s.info.CPU = infer.CPUClass()
	s.info.LoadMillis = float64(time.Since(w.begin).Microseconds()) / 1000
	if w.Check != nil {
		if err := w.Check(s); err != nil {
			return nil, errors.Join(err, s.release())
		}
	}
	return s, nil
}

// tryOut runs the network once on a provider, with the runtime taking notes,
// and counts which provider ran how many operators. The runtime gives operators
// that a provider can't run to the CPU without a word, all of them if need be.
// The CPU itself needs no trial: it is what is left.
func (w *opening) tryOut(provider string) (map[string]int, error) {
	if provider == infer.ProviderCPU {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "gourdian-provider-")
	if err != nil {
		return nil, fmt.Errorf("try provider %q: %w", provider, err)
	}
	defer os.RemoveAll(dir)
	s, err := w.prepare(provider, filepath.Join(dir, "run"))
	if err == nil { // the notes are written when the session ends
		err = errors.Join(s.session.Run(), s.release())
	}
	if errors.Is(err, errNoProvider) {
		return nil, err
	}
	if err != nil {
		return nil, noProvider{fmt.Errorf("provider %q: %w", provider, err)}
	}
	counts, err := assignedIn(dir)
	if err != nil {
		return nil, noProvider{fmt.Errorf("provider %q: %w", provider, err)}
	}
	if counts[provider] == 0 {
		return nil, noProvider{fmt.Errorf("provider %q can run no operator of this network", provider)}
	}
	return counts, nil
}

// silence is the variable that keeps the library from noting what it does under
// the user's home and sending it to its makers, with an id of the machine, as its
// official builds do unless told. It is read while the library is loaded: calling
// DisableTelemetry comes too late.
const silence = "ORT_DISABLE_TELEMETRY"

// load opens the library of the process and refuses another version.
func load(library string) error {
	if err := os.Setenv(silence, "1"); err != nil {
		return fmt.Errorf("load ONNX Runtime: %w", err)
	}
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

// prepare makes a session on a provider. Where profile is set, the runtime notes
// what it runs in a file whose name begins so.
func (w *opening) prepare(provider, profile string) (*Session, error) {
	s := &Session{info: w.what.info}
	if err := s.prepare(w, provider, profile); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *Session) prepare(w *opening, provider, profile string) error {
	options, err := sessionOptions(w.Threads, provider)
	if err != nil {
		return err
	}
	defer options.Destroy()
	optimized := ""
	if profile != "" {
		if err := options.EnableProfiling(profile); err != nil {
			return err
		}
	} else if w.Operators {
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
	outputs := make([]onnx.Value, 0, len(w.what.shapes))
	for _, shape := range w.what.shapes {
		t, err := onnx.NewEmptyTensor[float32](onnx.NewShape(shape...))
		if err != nil {
			return err
		}
		s.outputs = append(s.outputs, t)
		outputs = append(outputs, t)
	}
	s.session, err = onnx.NewAdvancedSessionWithONNXData(w.graph, []string{onnxgraph.InputImage}, w.what.outputs,
		[]onnx.Value{s.image}, outputs, options)
	if err == nil && optimized != "" {
		s.info.Operators, err = countOperators(optimized)
	}
	return err
}

// sessionOptions fixes everything that changes speed or rounding. Threads that
// wait must not spin: the board has other work, and its battery.
func sessionOptions(threads int, provider string) (*onnx.SessionOptions, error) {
	if threads < 1 {
		return nil, fmt.Errorf("%d threads", threads)
	}
	options, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		options.SetGraphOptimizationLevel(onnx.GraphOptimizationLevelEnableAll),
		options.SetExecutionMode(onnx.ExecutionModeSequential),
		options.SetInterOpNumThreads(1),
		options.SetIntraOpNumThreads(threads),
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		options.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
		appendProvider(options, threads, provider),
	)
	if err != nil {
		return nil, errors.Join(err, options.Destroy())
	}
	return options, nil
}

// appendProvider asks for an execution provider. The CPU is always there.
func appendProvider(options *onnx.SessionOptions, threads int, provider string) error {
	var err error
	switch provider {
	case infer.ProviderCPU:
	case "xnnpack":
		err = options.AppendExecutionProvider("XNNPACK", map[string]string{"intra_op_num_threads": strconv.Itoa(threads)})
	case "cuda":
		err = appendCUDA(options)
	case "tensorrt":
		err = appendTensorRT(options)
	case "openvino":
		err = options.AppendExecutionProviderOpenVINO(nil)
	case "qnn":
		err = options.AppendExecutionProvider("QNN", map[string]string{"backend_path": "libQnnHtp.so"})
	default:
		return fmt.Errorf("provider %q is unknown; there are %s", provider, strings.Join(infer.Providers(), ", "))
	}
	if err != nil {
		return noProvider{fmt.Errorf("provider %q is not in this ONNX Runtime: %w", provider, err)}
	}
	return nil
}

func appendCUDA(options *onnx.SessionOptions) error {
	cuda, err := onnx.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	return errors.Join(options.AppendExecutionProviderCUDA(cuda), cuda.Destroy())
}

func appendTensorRT(options *onnx.SessionOptions) error {
	tensorRT, err := onnx.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	return errors.Join(options.AppendExecutionProviderTensorRT(tensorRT), tensorRT.Destroy())
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
	return errors.Join(s.release(), onnx.DestroyEnvironment())
}

// release frees the network.
func (s *Session) release() error {
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
	s.session, s.image, s.outputs = nil, nil, nil
	return errors.Join(errs...)
}

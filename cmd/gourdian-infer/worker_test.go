//go:build workers

package main_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/infer/infertest"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/testbed"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tiny is a graph that runs in microseconds: the mean colour as its embedding
// and, standardised, as its logits.
func tiny(t *testing.T) []byte {
	t.Helper()
	m := onnxgraph.New("tiny")
	g := m.Graph
	g.Input(onnxgraph.InputImage, onnxgraph.Uint8, 1, vision.Size, vision.Size, 3)
	x := g.Node("Transpose", "planes", []string{onnxgraph.InputImage}, onnxgraph.IntsAttribute("perm", 0, 3, 1, 2))
	x = g.Node("Cast", "float", []string{x}, onnxgraph.IntAttribute("to", int64(onnxgraph.Float32)))
	x = g.Node("GlobalAveragePool", "pooled", []string{x})
	g.Node("Flatten", onnxgraph.OutputEmbedding, []string{x})
	g.Output(onnxgraph.OutputEmbedding, onnxgraph.Float32, 1, 3)
	err := onnxgraph.AppendHead(m, onnxgraph.Head{
		Mean: []float64{127, 127, 127}, Std: []float64{64, 64, 64},
		Layers: []onnxgraph.Dense{{In: 3, Out: 2, Weights: []float64{1, 0, 0, 0, 1, 0}, Bias: []float64{0, 0.5}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return onnxgraph.Encode(m)
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func with(t *testing.T) infer.Options {
	t.Helper()
	return infer.Options{Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t)}
}

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestGraphConformance(t *testing.T) {
	t.Parallel()
	graph := write(t, "tiny.onnx", tiny(t))
	infertest.Run(t, func(t *testing.T) infer.Runner {
		client, err := features.StartGraph(limit(t), graph, with(t), "pooled")
		if err != nil {
			t.Fatal(err)
		}
		return client
	})
}

// TestRefusals checks that the parent hears in words why a worker does not serve.
func TestRefusals(t *testing.T) {
	t.Parallel()
	graph := write(t, "tiny.onnx", tiny(t))
	for name, c := range map[string]struct {
		graph  string
		change func(o *infer.Options)
		says   string
	}{
		"a graph that is missing":       {graph + ".none", func(*infer.Options) {}, "no such file"},
		"a graph that is none":          {write(t, "page.onnx", []byte("<html>")), func(*infer.Options) {}, "malformed ONNX"},
		"a library that is missing":     {graph, func(o *infer.Options) { o.Library = "/nowhere/lib.so" }, "find ONNX Runtime"},
		"a provider of another build":   {graph, func(o *infer.Options) { o.Provider = "xnnpack" }, "not in this ONNX Runtime"},
		"a required one beside the CPU": {graph, func(o *infer.Options) { o.Provider, o.Require = "cuda,cpu", "cuda" }, "the required provider is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := with(t)
			c.change(&o)
			client, err := features.StartGraph(limit(t), c.graph, o)
			if err == nil {
				client.Close()
				t.Fatal("it serves")
			}
			var failure *worker.Failure
			if !errors.As(err, &failure) || failure.Code != worker.CodeRefused || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, expected a refusal with %q", err, c.says)
			}
		})
	}
}

// TestRefusedProviderIsToldFromAWrongModel: the parent must say which of the
// two it is.
func TestRefusedProviderIsToldFromAWrongModel(t *testing.T) {
	t.Parallel()
	o := with(t)
	o.Require = "xnnpack"
	client, err := features.StartGraph(limit(t), write(t, "tiny.onnx", tiny(t)), o)
	if err == nil {
		client.Close()
		t.Fatal("it serves")
	}
	if !infer.ProviderMissing(err) {
		t.Errorf("%v", err)
	}
	if _, err := features.StartGraph(limit(t), write(t, "page.onnx", []byte("<html>")), with(t)); err == nil || infer.ProviderMissing(err) {
		t.Errorf("%v", err)
	}
}

// TestPreferredProviderThatIsMissingIsTold: the worker serves, and says on what.
func TestPreferredProviderThatIsMissingIsTold(t *testing.T) {
	t.Parallel()
	o := with(t)
	o.Provider = "cuda,cpu"
	client, err := features.StartGraph(limit(t), write(t, "tiny.onnx", tiny(t)), o)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	info := client.Info()
	if info.ProviderObtained != "cpu" || info.ProviderAsked != "cuda,cpu" || len(info.ProvidersMissed) != 1 || info.ProvidersMissed[0].Provider != "cuda" {
		t.Errorf("%+v", info)
	}
}

func TestKilledWorkerIsUnavailable(t *testing.T) {
	t.Parallel()
	spec, err := with(t).Spec("--graph", write(t, "tiny.onnx", tiny(t)))
	if err != nil {
		t.Fatal(err)
	}
	process, err := worker.Start(limit(t), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	client := infer.NewClient(process, func() (worker.Hello, bool) { return process.Hello(), true }, nil)
	in := make(vision.Tensor, vision.TensorLen)
	var out infer.Scores
	if err := client.Run(limit(t), in, &out); err != nil {
		t.Fatal(err)
	}
	victim, err := os.FindProcess(process.PID())
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	<-process.Done()
	if err := client.Run(limit(t), in, &out); !errors.Is(err, infer.ErrUnavailable) {
		t.Errorf("error %v, expected ErrUnavailable", err)
	}
}

// TestByHand checks what a person who starts the worker sees.
func TestByHand(t *testing.T) {
	t.Parallel()
	program := testbed.Program(t, infer.Program)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"help":                {[]string{"--help"}, 0, "golden frames"},
		"version":             {[]string{"--version"}, 0, "gourdian-infer version"},
		"no model":            {nil, 2, "name one model"},
		"two models":          {[]string{"--graph", "a", "--bundle", "b"}, 2, "name one model"},
		"a flag that is none": {[]string{"--gpu"}, 2, "unknown flag"},
		"no threads":          {[]string{"--graph", "a", "--threads", "0"}, 2, "not 1..64"},
		"a stray word":        {[]string{"a.onnx"}, 2, "unknown command"},
		"a provider of none":  {[]string{"--graph", "a", "--provider", "abacus"}, 2, "abacus"},
		"a provider twice":    {[]string{"--graph", "a", "--provider", "cpu,cpu"}, 2, "named twice"},
		"none is required":    {[]string{"--graph", "a", "--require-provider", "abacus"}, 2, "none of"},
		"variant of a graph":  {[]string{"--graph", "a", "--variant", "int8"}, 2, "belongs to --bundle"},
		"output of a bundle":  {[]string{"--bundle", "a", "--output", "x"}, 2, "belongs to --graph"},
		"not from a parent":   {[]string{"--graph", write(t, "tiny.onnx", tiny(t)), "--onnxruntime", testbed.OnnxRuntime(t)}, 1, "worker"},
		"a missing file":      {[]string{"--graph", "/nowhere/a.onnx"}, 1, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(limit(t), program, c.args...)
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.says) {
				t.Errorf("exit code %d and %q, expected %d and %q", code, out, c.code, c.says)
			}
		})
	}
}

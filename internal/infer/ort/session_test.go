//go:build workers && cgo

package ort

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/infer"
	"gourdian/internal/infer/infertest"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/testbed"
	"gourdian/internal/vision"
)

// tiny is a network with three classes that runs in microseconds: the mean
// colour as its embedding and, standardised, as its logits.
func tiny(t *testing.T) *onnxgraph.Model {
	t.Helper()
	return colours(t, onnxgraph.Dense{
		In: 3, Out: 3, Weights: []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}, Bias: []float64{0, 0, 0},
	})
}

func colours(t *testing.T, head ...onnxgraph.Dense) *onnxgraph.Model {
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
		Mean: []float64{127, 127, 127}, Std: []float64{64, 64, 64}, Layers: head,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func onCPU(outputs ...string) Options {
	return Options{Model: "tiny", Threads: 1, Providers: []string{infer.ProviderCPU}, Outputs: outputs}
}

func openTiny(t *testing.T, outputs ...string) *Session {
	t.Helper()
	s, err := Open(testbed.OnnxRuntime(t), onnxgraph.Encode(tiny(t)), onCPU(outputs...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The library keeps one state per process, so these tests run one by one.

func TestConformance(t *testing.T) {
	infertest.Run(t, func(t *testing.T) infer.Runner { return openTiny(t) })
}

func TestConformanceWithExtraOutputs(t *testing.T) {
	infertest.Run(t, func(t *testing.T) infer.Runner { return openTiny(t, "pooled", "float") })
}

// A fresh process loads the library: this one may have done so before.
func TestLibraryWritesNothingIntoTheHomeOfItsUser(t *testing.T) {
	if os.Getenv("ORT_TEST_HOME") != "" {
		if err := openTiny(t).Close(); err != nil {
			t.Fatal(err)
		}
		return
	}
	home := t.TempDir()
	again := exec.Command(os.Args[0], "-test.run", "^TestLibraryWritesNothingIntoTheHomeOfItsUser$")
	again.Env = append(os.Environ(), "ORT_TEST_HOME=yes", "HOME="+home, "CI=", silence+"=0")
	if said, err := again.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	left, err := os.ReadDir(home)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the home: %v, %v", left, err)
	}
}

func TestScoresAreThoseOfTheGraph(t *testing.T) {
	s := openTiny(t, "float")
	defer s.Close()
	in := make(vision.Tensor, vision.TensorLen)
	for i := range in {
		in[i] = []uint8{127, 191, 255}[i%3]
	}
	var out infer.Scores
	if err := s.Run(t.Context(), in, &out); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{0, 1, 2} {
		if out.Embedding[i] != []float32{127, 191, 255}[i] || out.Logits[i] != want {
			t.Errorf("channel %d: embedding %v and logit %v, expected %v", i, out.Embedding[i], out.Logits[i], want)
		}
	}
	if len(out.Extra[0]) != vision.TensorLen || out.Extra[0][0] != 127 || out.Extra[0][vision.TensorLen-1] != 255 {
		t.Error("the extra output is not the picture in planes")
	}
}

func TestHeadWithAHiddenLayer(t *testing.T) {
	m := colours(t,
		onnxgraph.Dense{In: 3, Out: 2, Weights: []float64{1, 0, 0, -1, 0, 0}, Bias: []float64{0.5, 0.25}},
		onnxgraph.Dense{In: 2, Out: 2, Weights: []float64{1, 2, 3, 4}, Bias: []float64{10, 20}})
	s, err := Open(testbed.OnnxRuntime(t), onnxgraph.Encode(m), onCPU())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out infer.Scores
	for red, want := range map[uint8][]float32{
		191: {11.5, 24.5}, // standardised 1: hidden layer 1.5 and 0
		63:  {12.5, 25},   // standardised -1: hidden layer 0 and 1.25
	} {
		in := make(vision.Tensor, vision.TensorLen)
		for i := 0; i < len(in); i += 3 {
			in[i] = red
		}
		if err := s.Run(t.Context(), in, &out); err != nil || !slices.Equal(out.Logits, want) {
			t.Errorf("red %d: logits %v and error %v, expected %v", red, out.Logits, err, want)
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	s := openTiny(t)
	defer s.Close()
	in, ctx := make(vision.Tensor, vision.TensorLen), t.Context()
	var out infer.Scores
	if n := testing.AllocsPerRun(50, func() {
		if err := s.Run(ctx, in, &out); err != nil {
			panic(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for each run", n)
	}
}

func TestResultsThatAreNoNumbers(t *testing.T) {
	m := onnxgraph.New("division")
	g := m.Graph
	g.Input(onnxgraph.InputImage, onnxgraph.Uint8, 1, vision.Size, vision.Size, 3)
	x := g.Node("Transpose", "planes", []string{onnxgraph.InputImage}, onnxgraph.IntsAttribute("perm", 0, 3, 1, 2))
	x = g.Node("Cast", "float", []string{x}, onnxgraph.IntAttribute("to", int64(onnxgraph.Float32)))
	x = g.Node("Flatten", "flat", []string{g.Node("GlobalAveragePool", "pooled", []string{x})})
	g.Node("Div", onnxgraph.OutputEmbedding, []string{x, g.Floats("nothing", []float32{0})})
	g.Output(onnxgraph.OutputEmbedding, onnxgraph.Float32, 1, 3)
	s, err := Open(testbed.OnnxRuntime(t), onnxgraph.Encode(m), onCPU())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out infer.Scores
	for _, v := range []uint8{0, 1} { // 0/0 and 1/0
		in := make(vision.Tensor, vision.TensorLen)
		in[0], in[1], in[2] = v, v, v
		if err := s.Run(t.Context(), in, &out); err == nil {
			t.Errorf("%v was handed out", out.Embedding)
		}
	}
}

func TestOpenRefusesInWords(t *testing.T) {
	library := testbed.OnnxRuntime(t)
	text := filepath.Join(t.TempDir(), LibraryFile)
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	edited := func(edit func(m *onnxgraph.Model)) []byte {
		m := tiny(t)
		edit(m)
		return onnxgraph.Encode(m)
	}
	sound := edited(func(*onnxgraph.Model) {})
	for name, c := range map[string]struct {
		library string
		graph   []byte
		options Options
		says    string
	}{
		"a library that is missing":   {text + ".none", sound, onCPU(), "No such file"},
		"a library that is none":      {text, sound, onCPU(), "load ONNX Runtime"},
		"a provider of another build": {library, sound, Options{Threads: 1, Providers: []string{"xnnpack"}}, `"xnnpack" is not in this ONNX Runtime`},
		"a provider of none":          {library, sound, Options{Threads: 1, Providers: []string{"abacus"}}, `"abacus" is unknown`},
		"no threads":                  {library, sound, Options{Providers: []string{infer.ProviderCPU}}, "0 threads"},
		"no ONNX":                     {library, []byte("<html>"), onCPU(), "malformed ONNX"},
		"an output that is missing":   {library, sound, onCPU("ghost"), `no value "ghost"`},
		"an output asked for twice":   {library, sound, onCPU("float", "float"), "twice"},
		"an output of bytes":          {library, sound, onCPU("planes"), "not float32"},
		"values in another file": {library, edited(func(m *onnxgraph.Model) {
			m.Graph.Initializers[0].Location = 1
		}), onCPU(), "another file"},
		"another input": {library, edited(func(m *onnxgraph.Model) {
			m.Graph.Inputs[0].Type.Tensor.Type = onnxgraph.Float32
		}), onCPU(), "not uint8"},
		"no embedding": {library, edited(func(m *onnxgraph.Model) {
			m.Graph.Outputs = m.Graph.Outputs[1:]
		}), onCPU(), `no output "embedding"`},
		"an operator that is none": {library, edited(func(m *onnxgraph.Model) {
			m.Graph.Nodes[0].Op = "Abracadabra"
		}), onCPU(), "Abracadabra"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(c.library, c.graph, c.options)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %q, expected %q in it", err, c.says)
			}
		})
	}
	// After all that the process can still serve.
	openTiny(t).Close()
}

func TestInfoSaysWhatRuns(t *testing.T) {
	s := openTiny(t)
	defer s.Close()
	info := s.Info()
	if !strings.HasPrefix(info.Library, "onnxruntime "+Version+".") || info.Classes != 3 || info.EmbeddingLen != 3 ||
		info.ProviderAsked != infer.ProviderCPU || info.ProviderObtained != infer.ProviderCPU || info.LoadMillis <= 0 {
		t.Errorf("%+v", info)
	}
}

func TestOperatorsAreThoseThatTheRuntimeRuns(t *testing.T) {
	o := onCPU()
	o.Operators = true
	s, err := Open(testbed.OnnxRuntime(t), onnxgraph.Encode(tiny(t)), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Info().Operators; got["Gemm"] != 1 || got["GlobalAveragePool"] != 1 {
		t.Errorf("operators %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	plain := openTiny(t)
	defer plain.Close()
	if got := plain.Info().Operators; got != nil {
		t.Errorf("operators %v without being asked", got)
	}
}

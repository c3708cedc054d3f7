//go:build workers && cgo

package ort

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/internal/infer"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/testbed"
)

// The library of the Python wheel, which set-up and package keep, has the CPU
// and nothing else that this project can ask for.
func lacking() []string { return infer.Providers()[1:] }

func TestRequiredProviderThatTheLibraryLacksIsAnError(t *testing.T) {
	for _, name := range lacking() {
		s, err := Open(testbed.OnnxRuntime(t), onnxgraph.Encode(tiny(t)), Options{Threads: 1, Providers: []string{name, "cpu"}, Require: name})
		if err == nil {
			s.Close()
			t.Errorf("%s: replaced by %s in silence", name, s.Info().ProviderObtained)
			continue
		}
		if !errors.Is(err, infer.ErrProvider) || !strings.Contains(err.Error(), `"`+name+`" is not in this ONNX Runtime`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPreferredProvidersThatTheLibraryLacksAreTold(t *testing.T) {
	s, err := Open(testbed.OnnxRuntime(t), onnxgraph.Encode(tiny(t)), Options{Threads: 1, Providers: append(lacking(), "cpu")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	info := s.Info()
	if info.ProviderObtained != "cpu" || info.ProviderAsked != "xnnpack,cuda,tensorrt,openvino,qnn,cpu" || len(info.ProvidersMissed) != len(lacking()) {
		t.Fatalf("%+v", info)
	}
	for i, miss := range info.ProvidersMissed {
		if miss.Provider != lacking()[i] || !strings.Contains(miss.Why, "is not in this ONNX Runtime") {
			t.Errorf("%+v", miss)
		}
	}
}

// TestWithoutTheCPUNothingTakesItsPlace: a list that does not name the CPU does
// not mean it.
func TestWithoutTheCPUNothingTakesItsPlace(t *testing.T) {
	s, err := Open(testbed.OnnxRuntime(t), onnxgraph.Encode(tiny(t)), Options{Threads: 1, Providers: []string{"cuda", "xnnpack"}})
	if err == nil {
		s.Close()
		t.Fatal("opened")
	}
	if !strings.Contains(err.Error(), `"cuda"`) || !strings.Contains(err.Error(), `"xnnpack"`) {
		t.Errorf("%v", err)
	}
	openTiny(t).Close() // and the process can still serve
}

// TestWrongScoresOfTheOnlyProviderAreAnError keeps the check from being skipped.
func TestWrongScoresOfTheOnlyProviderAreAnError(t *testing.T) {
	o := onCPU()
	checked := 0
	o.Check = func(r infer.Runner) error {
		checked++
		return infer.ErrGolden
	}
	if s, err := Open(testbed.OnnxRuntime(t), onnxgraph.Encode(tiny(t)), o); !errors.Is(err, infer.ErrGolden) || checked != 1 {
		t.Errorf("%v, %v after %d checks", s, err, checked)
	}
}

// TestRuntimeNotesWhoRanWhat reads notes that the real library wrote.
func TestRuntimeNotesWhoRanWhat(t *testing.T) {
	s := openTiny(t)
	defer s.Close()
	what, graph, err := inspect(onnxgraph.Encode(tiny(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := opening{Options: onCPU(), graph: graph, what: what}
	probe, err := w.prepare(infer.ProviderCPU, filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(probe.session.Run(), probe.release()); err != nil {
		t.Fatal(err)
	}
	counts, err := assignedIn(dir)
	if err != nil || len(counts) != 1 || counts["cpu"] < 3 {
		entries, _ := os.ReadDir(dir)
		t.Errorf("%v, %v, %v", counts, err, entries)
	}
}

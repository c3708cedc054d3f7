package engine

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"gourdian/agent/internal/live"
	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundleOf writes a bundle of two classes at path, changed by edit, and returns
// its id.
func bundleOf(t *testing.T, path string, edit func(*bundle.Manifest)) string {
	t.Helper()
	embedding := make([]float32, 1280)
	embedding[3] = 1
	references, err := verdict.Quantise([][]float32{embedding, embedding}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := bundle.Manifest{
		Task: bundle.TaskGrade, Name: "patch", Preprocess: vision.PreprocessID(), Backbone: "tiny 1",
		Classes: []bundle.Class{{Name: "good", Labels: map[string]string{"en": "good", "es": "buena"}}, {Name: "bad", Labels: map[string]string{"en": "bad", "es": "mala"}}},
		Variants: []bundle.Variant{{Name: "fp32", Graph: "graph.onnx", Temperature: 1, Thresholds: []float64{0.5, 0.5},
			References: "references.bin", Neighbours: 1, Novelty: 0.5, Tolerance: map[string]float64{bundle.AnyCPU: 0.1}}},
		Golden: []bundle.Golden{{Tensor: "golden.rgb", Expected: map[string][]float32{"fp32": {1, 0}}}},
		Provenance: bundle.Provenance{Kind: bundle.KindRendered, Images: 2, Groups: 2,
			Classes: map[string]int{"good": 1, "bad": 1}, Sources: []string{"field 1"}},
		Trained: "trained.sha256",
	}
	if edit != nil {
		edit(&m)
	}
	var out bytes.Buffer
	id, err := bundle.Build(&out, m, map[string][]byte{
		"graph.onnx": []byte("a graph"), "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes(nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	// As a person does it who knows: beside, then in its place.
	if err := os.WriteFile(path+".new", out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return id
}

// fakeProcess is a worker that is up or down as the test says.
type fakeProcess struct {
	mu      sync.Mutex
	state   worker.State
	changed chan struct{}
	runs    int
}

func newFakeProcess() *fakeProcess {
	return &fakeProcess{state: worker.State{Code: worker.CodeStarting}, changed: make(chan struct{})}
}

func (p *fakeProcess) Run(ctx context.Context) error {
	p.mu.Lock()
	p.runs++
	p.mu.Unlock()
	<-ctx.Done()
	return nil
}

func (p *fakeProcess) State() worker.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

func (p *fakeProcess) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

func (p *fakeProcess) become(s worker.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	close(p.changed)
	p.changed = make(chan struct{})
}

// fakeRunner is a fake network that says which bundle it serves.
type fakeRunner struct {
	*fake.Runner
	edit  func(*infer.Info) // what else it says; nil = nothing
	mu    sync.Mutex
	model string
}

func (r *fakeRunner) Info() infer.Info {
	r.mu.Lock()
	defer r.mu.Unlock()
	info := r.Runner.Info()
	info.Model = r.model
	if r.edit != nil {
		r.edit(&info)
	}
	return info
}

func (r *fakeRunner) serves(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.model = id
}

// rig is an engine with a fake worker over a real bundle file.
type rig struct {
	engine  *Engine
	hub     *live.Hub
	path    string
	process *fakeProcess
	runner  *fakeRunner
	started []infer.Options // of the workers
	log     bytes.Buffer
}

// newRig is for the inside of a synctest bubble.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{hub: live.NewHub("test", "device"), path: filepath.Join(t.TempDir(), "model.gourdian"),
		process: newFakeProcess(), runner: &fakeRunner{Runner: fake.New(2)}}
	r.engine = New(Config{Bundle: r.path, Variants: []string{"int8", "fp32"}, Version: "v1", Log: slog.New(slog.NewTextHandler(&r.log, nil))}, r.hub)
	r.engine.supervise = func(_ string, o infer.Options) (infer.Runner, process, error) {
		r.started = append(r.started, o)
		return r.runner, r.process, nil
	}
	return r
}

// run starts the engine; what it returns ends it.
func (r *rig) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.engine.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if r.engine.Model() != nil {
			t.Error("a stopped engine has a model")
		}
	}
}

// up is the worker serving the bundle with this id.
func (r *rig) up(id string, restarts int) {
	r.runner.serves(id)
	r.process.become(worker.State{Up: true, Restarts: restarts})
}

func (r *rig) conditions() map[string]live.Condition {
	found := map[string]live.Condition{}
	for _, c := range r.hub.State().Conditions {
		found[c.Code] = c
	}
	return found
}

// wantCodes fails unless exactly these conditions hold.
func (r *rig) wantCodes(t *testing.T, codes ...string) {
	t.Helper()
	got := slices.Sorted(maps.Keys(r.conditions()))
	slices.Sort(codes)
	if !slices.Equal(got, codes) {
		t.Errorf("conditions: %v, want %v", got, codes)
	}
}

func (r *rig) logged(text string) int { return strings.Count(r.log.String(), text) }

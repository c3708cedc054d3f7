package predict

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// steady is a worker that is up while it runs.
type steady struct {
	mu      sync.Mutex // guards what follows
	up      bool
	misfit  string // why it never is
	changed chan struct{}
}

func newSteady() *steady { return &steady{changed: make(chan struct{})} }

func (p *steady) set(up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up = up
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *steady) unfit(why string) {
	p.mu.Lock()
	p.misfit = why
	p.mu.Unlock()
	p.set(false)
}

func (p *steady) Run(ctx context.Context) error {
	p.set(true)
	<-ctx.Done()
	p.set(false)
	return nil
}

func (p *steady) State() worker.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.misfit != "" {
		return worker.State{Code: worker.CodeMismatch, Err: p.misfit}
	}
	return worker.State{Up: p.up}
}

func (p *steady) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// noise takes a file's first byte as the seed of a sharp tensor; "bad" is no
// picture, and "killer" ends the worker.
type noise struct {
	process *steady
	deaths  int
}

func (n *noise) Prepare(_ context.Context, file []byte, _ ...vision.Zone) ([]vision.Tensor, int, int, error) {
	switch string(file) {
	case "bad":
		return nil, 0, 0, fmt.Errorf("prepare: %w", capture.ErrBadImage)
	case "killer":
		n.deaths++
		n.process.set(false)
		n.process.set(true) // supervised: it comes back
		return nil, 0, 0, &worker.Failure{Code: worker.CodeCrashed, Err: os.ErrClosed}
	}
	t := make(vision.Tensor, vision.TensorLen)
	for i := range t {
		t[i] = byte((i*7919 + int(file[0])*31) ^ i>>3)
	}
	return []vision.Tensor{t}, 640, 480, nil
}

func (n *noise) Decode(context.Context, []byte) (vision.Image, error) { return vision.New(4, 4), nil }

func (n *noise) Encode(context.Context, vision.Image, int) ([]byte, error) {
	return []byte("jpeg"), nil
}

// shelf is a Models.
type shelf struct {
	mu       sync.Mutex // guards what follows
	champion *Champion
	changed  chan struct{}
}

func (s *shelf) Champion(context.Context) (Champion, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.champion == nil {
		return Champion{}, false, nil
	}
	return *s.champion, true, nil
}

func (s *shelf) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *shelf) put(c *Champion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.champion = c
	close(s.changed)
	s.changed = make(chan struct{})
}

// bundleFile writes a bundle of two classes; name makes it another one.
func bundleFile(t *testing.T, name string, edit ...func(*bundle.Manifest)) Champion {
	t.Helper()
	row := make([]float32, 1280)
	row[0] = 1
	references, err := verdict.Quantise([][]float32{row}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := bundle.Manifest{
		Task: bundle.TaskGrade, Name: name, Preprocess: vision.PreprocessID(), Backbone: "tiny 1",
		Classes: []bundle.Class{{Name: "good", Labels: map[string]string{"en": "good", "es": "buena"}}, {Name: "bad", Labels: map[string]string{"en": "bad", "es": "mala"}}},
		Variants: []bundle.Variant{{Name: "fp32", Graph: "graph.onnx", Temperature: 1, Thresholds: []float64{0.5, 0.5}, References: "references.bin",
			Neighbours: 1, Novelty: 2, Tolerance: map[string]float64{"any": 0.1}}},
		Golden:     []bundle.Golden{{Tensor: "golden.rgb", Expected: map[string][]float32{"fp32": {1, 0}}}},
		Provenance: bundle.Provenance{Kind: bundle.KindRendered, Images: 1, Groups: 1, Classes: map[string]int{"good": 1}, Sources: []string{"field 1"}},
		Trained:    "trained.sha256",
	}
	for _, change := range edit {
		change(&m)
	}
	var out bytes.Buffer
	id, err := bundle.Build(&out, m, map[string][]byte{
		"graph.onnx": []byte("a graph"), "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes([][sha256.Size]byte{{1}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.gourdian")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return Champion{Version: 1, ID: id, Path: path}
}

// rig is a Service over fakes that runs until the test ends.
type rig struct {
	*Service
	shelf  *shelf
	camera *noise
	// score, when set before a model starts, gives its workers' scores.
	score func(in vision.Tensor, out *infer.Scores)
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	config := Config{Workers: 2, Queue: 4, Deadline: 5 * time.Second, Memory: filepath.Join(t.TempDir(), "variant.json"), Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&config)
	}
	r := &rig{shelf: &shelf{changed: make(chan struct{})}, camera: &noise{process: newSteady()}}
	decoders := &Decoders{idle: make(chan *decoder, 1)}
	decoders.add(&decoder{process: r.camera.process, client: r.camera})
	r.Service = New(config, r.shelf, decoders)
	r.supervise = func(string, infer.Options) (infer.Runner, process, error) {
		runner := fake.New(2)
		if r.score != nil {
			runner.Score(r.score)
		}
		return runner, newSteady(), nil
	}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = decoders.Run(ctx) })
	all.Go(func() { _ = r.Run(ctx) })
	t.Cleanup(func() { stop(); all.Wait() })
	return r
}

// until waits for a state.
func (r *rig) until(t *testing.T, what string, is func(State) bool) {
	t.Helper()
	r.untilIn(t, 10*time.Second, what, is)
}

func (r *rig) untilIn(t *testing.T, most time.Duration, what string, is func(State) bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(most); time.Now().Before(deadline); <-tick.C {
		if is(r.State()) {
			return
		}
	}
	t.Fatalf("never: %s; the state is %+v", what, r.State())
}

func (r *rig) serve(t *testing.T, c Champion) {
	t.Helper()
	r.shelf.put(&c)
	r.until(t, "the champion answers", func(s State) bool { return s.Model != nil && s.Model.ID == c.ID })
}

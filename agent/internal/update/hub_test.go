package update

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"go.uber.org/goleak"

	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/live"
	"gourdian/internal/bundle"
	"gourdian/internal/keyring"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hub signs lists and gives out pieces as one does, and spoils what a test says.
type hub struct {
	t    *testing.T
	keys map[string]keyring.Key
	now  time.Time
	root keyring.Root

	mu     sync.Mutex // guards what follows
	files  map[string][]byte
	pieces map[string][]byte
	sent   int64                              // bytes of pieces
	spoil  func(name string, b []byte) []byte // nil = nothing; what it returns is sent, nil = no answer
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{t: t, keys: map[string]keyring.Key{}, now: time.Now(), files: map[string][]byte{}, pieces: map[string][]byte{}}
	public := map[keyring.Role]ed25519.PublicKey{}
	for _, role := range keyring.Roles() {
		key, err := keyring.New()
		if err != nil {
			t.Fatal(err)
		}
		h.keys[string(role)], public[role] = key, key.Public()
	}
	root, err := keyring.NewRoot(public, h.now.Add(10*365*24*time.Hour))
	if err == nil {
		h.root, err = root.Sign(h.keys[metadata.ROOT])
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := h.root.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	h.put("1.root.json", data)
	return h
}

func signed[T metadata.Roles](h *hub, m *metadata.Metadata[T], role string) []byte {
	h.t.Helper()
	signer, err := h.keys[role].Signer()
	if err != nil {
		h.t.Fatal(err)
	}
	m.ClearSignatures()
	if _, err := m.Sign(signer); err != nil {
		h.t.Fatal(err)
	}
	data, err := m.ToBytes(false)
	if err != nil {
		h.t.Fatal(err)
	}
	return data
}

func (h *hub) put(name string, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[name] = data
}

// model is a bundle of which the graphs are that long.
type model struct {
	id   string
	data []byte
	m    bundle.Manifest
}

// pack makes a bundle of two variants whose graphs end with tail.
func (h *hub) pack(name string, graph []byte, edit func(*bundle.Manifest)) model {
	h.t.Helper()
	embedding := make([]float32, 1280)
	embedding[3] = 1
	references, err := verdict.Quantise([][]float32{embedding, embedding}, 1)
	if err != nil {
		h.t.Fatal(err)
	}
	variant := func(name string) bundle.Variant {
		return bundle.Variant{Name: name, Graph: "graphs/" + name + ".onnx", Temperature: 1, Thresholds: []float64{0.5, 0.5},
			References: "references/" + name + ".bin", Neighbours: 1, Novelty: 0.5, Tolerance: map[string]float64{bundle.AnyCPU: 0.1}}
	}
	m := bundle.Manifest{
		Task: bundle.TaskGrade, Name: name, Preprocess: vision.PreprocessID(), Backbone: "tiny 1",
		Classes:    []bundle.Class{{Name: "good", Labels: map[string]string{"en": "good", "es": "buena"}}, {Name: "bad", Labels: map[string]string{"en": "bad", "es": "mala"}}},
		Variants:   []bundle.Variant{variant("fp32"), variant("int8")},
		Golden:     []bundle.Golden{{Tensor: "golden.rgb", Expected: map[string][]float32{"fp32": {1, 0}, "int8": {1, 0}}}},
		Provenance: bundle.Provenance{Kind: bundle.KindRendered, Images: 2, Groups: 2, Classes: map[string]int{"good": 1, "bad": 1}, Sources: []string{"field 1"}},
		Trained:    "trained.sha256",
	}
	if edit != nil {
		edit(&m)
	}
	var out bytes.Buffer
	id, err := bundle.Build(&out, m, map[string][]byte{
		"graphs/fp32.onnx": append(bytes.Repeat([]byte("slow"), 50_000), graph...), "graphs/int8.onnx": graph,
		"references/fp32.bin": bundle.EncodeReferences(references), "references/int8.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes(nil),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return model{id: id, data: out.Bytes(), m: m}
}

// offer signs a model and can give out its pieces.
func (h *hub) offer(models ...model) {
	h.t.Helper()
	targets := metadata.Targets(h.now.Add(365 * 24 * time.Hour))
	for _, one := range models {
		listed, manifest := h.cut(one)
		hash, err := hex.DecodeString(one.id)
		if err != nil {
			h.t.Fatal(err)
		}
		file := metadata.TargetFile()
		file.Length, file.Hashes["sha256"] = manifest, hash
		custom, err := json.Marshal(target{Version: 1, Name: "m", Index: sumOf(listed), IndexBytes: int64(len(listed)), Gate: "g"})
		if err != nil {
			h.t.Fatal(err)
		}
		raw := json.RawMessage(custom)
		file.Custom = &raw
		targets.Signed.Targets["models/"+one.id+"/manifest.json"] = file
	}
	h.publish(targets, h.now)
}

// publish signs lists at a time, whose seconds are their number.
func (h *hub) publish(targets *metadata.Metadata[metadata.TargetsType], at time.Time) {
	h.t.Helper()
	n := at.Unix()
	targets.Signed.Version = n
	h.put(strconv.FormatInt(n, 10)+".targets.json", signed(h, targets, metadata.TARGETS))
	snapshot := metadata.Snapshot(at.Add(30 * 24 * time.Hour))
	snapshot.Signed.Version, snapshot.Signed.Meta["targets.json"] = n, metadata.MetaFile(n)
	h.put(strconv.FormatInt(n, 10)+".snapshot.json", signed(h, snapshot, metadata.SNAPSHOT))
	stamp := metadata.Timestamp(at.Add(3 * 24 * time.Hour))
	stamp.Signed.Version, stamp.Signed.Meta["snapshot.json"] = n, metadata.MetaFile(n)
	h.put("timestamp.json", signed(h, stamp, metadata.TIMESTAMP))
}

// cut makes the pieces of a bundle and their list.
func (h *hub) cut(one model) (listed []byte, manifest int64) {
	h.t.Helper()
	b, err := bundle.Read(bytes.NewReader(one.data), int64(len(one.data)))
	if err != nil {
		h.t.Fatal(err)
	}
	x := index{ChunkBytes: wire.MaxChunk}
	add := func(name string, data []byte) {
		f := indexFile{Bytes: int64(len(data)), Name: name, SHA256: sumOf(data), Chunks: []string{}}
		for at := 0; at < len(data); at += wire.MaxChunk {
			piece := data[at:min(at+wire.MaxChunk, len(data))]
			f.Chunks = append(f.Chunks, sumOf(piece))
			h.pieces[sumOf(piece)] = piece
		}
		x.Files = append(x.Files, f)
	}
	head := one.data[512:]
	end := bytes.Index(head, []byte{0})
	add("manifest.json", head[:end])
	for _, f := range b.Manifest.Files {
		content, err := b.File(f.Name)
		if err != nil {
			h.t.Fatal(err)
		}
		add(f.Name, content)
	}
	listed, err = json.Marshal(x)
	if err != nil {
		h.t.Fatal(err)
	}
	h.pieces[sumOf(listed)] = listed
	return listed, int64(end)
}

// serve answers what an update asks until ctx is done.
func (h *hub) serve(ctx context.Context, u *Update) {
	for {
		select {
		case a := <-u.Asks():
			for _, name := range a.Metadata {
				h.answer(u, wire.ChunkHeader{Contract: wire.Contract, Metadata: name}, name, h.files)
			}
			for _, sum := range a.Chunks {
				h.answer(u, wire.ChunkHeader{Contract: wire.Contract, Chunk: sum}, sum, h.pieces)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (h *hub) answer(u *Update, header wire.ChunkHeader, name string, from map[string][]byte) {
	h.mu.Lock()
	data, ok := from[name]
	if ok && h.spoil != nil {
		data = h.spoil(name, data)
	}
	if header.Chunk != "" {
		h.sent += int64(len(data))
	}
	h.mu.Unlock()
	if !ok {
		header.Missing = true
		h.say(u, header, nil)
		return
	}
	if data == nil {
		return
	}
	header.Total = int64(len(data))
	for header.Offset < header.Total {
		end := min(header.Offset+wire.MaxChunk, header.Total)
		h.say(u, header, data[header.Offset:end])
		header.Offset = end
	}
}

func (h *hub) say(u *Update, header wire.ChunkHeader, body []byte) {
	frame, err := wire.EncodeFrame(header, body)
	if err == nil {
		err = u.Heard(frame)
	}
	if err != nil {
		h.t.Logf("the board: %v", err)
	}
}

// spoiled changes what the hub sends.
func (h *hub) spoiled(how func(name string, b []byte) []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spoil = how
}

func (h *hub) bytes() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent
}

// worker is the engine as an update sees it, with models that do as a test says.
type worker struct {
	mu        sync.Mutex // guards what follows
	serves    string     // path
	switched  []string
	health    engine.Health
	preparing string
	prepare   error
	speed     engine.Speed
	slow      error
	shadow    engine.Shadow
	shadowed  error
	unsure    bool
}

func (w *worker) Model() *engine.Model { return &engine.Model{} }

func (w *worker) Health() engine.Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.health
}

func (w *worker) Prepare(_ context.Context, path string) (*engine.Candidate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.preparing = path
	if w.prepare != nil && !strings.HasSuffix(path, "own.gourdian") {
		return nil, w.prepare
	}
	b, err := bundle.OpenPart(path)
	if err != nil {
		return nil, err
	}
	return &engine.Candidate{}, b.Close()
}

func (w *worker) Vacate(context.Context) error { return nil }

func (w *worker) Time(context.Context, *engine.Candidate, time.Duration) (engine.Speed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.speed, w.slow
}

func (w *worker) Shadow(_ context.Context, _ *engine.Candidate, _ int, told func(engine.Shadow)) (engine.Shadow, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	told(w.shadow)
	return w.shadow, w.shadowed
}

func (w *worker) Switch(context.Context, *engine.Candidate) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serves = w.preparing
	w.switched = append(w.switched, filepath.Base(w.preparing))
	w.health = engine.Health{ID: strings.TrimSuffix(filepath.Base(w.serves), bundleEnd), Up: true}
	return nil
}

func (w *worker) Reopen(context.Context) error { return nil }

func (w *worker) Watch(ctx context.Context, told func(frames, unsure uint64)) error {
	w.mu.Lock()
	unsure := w.unsure
	w.mu.Unlock()
	if unsure {
		told(40, 39)
	}
	<-ctx.Done()
	return nil
}

func (w *worker) set(edit func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	edit()
}

func (w *worker) runs() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return filepath.Base(w.serves)
}

// rig is a board with its own model, and its hub.
type rig struct {
	*Update
	hub    *hub
	worker *worker
	board  *live.Hub
	dir    string
	free   int64
	clock  func() time.Time
	plan   Plan
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{hub: newHub(t), dir: t.TempDir(), free: 1 << 40, clock: time.Now, plan: Plan{ShadowFrames: 40, Shadow: time.Second, Soak: 50 * time.Millisecond}}
	own := r.hub.pack("own", graph(""), nil)
	if err := os.WriteFile(filepath.Join(r.dir, "own.gourdian"), own.data, 0o600); err != nil {
		t.Fatal(err)
	}
	r.worker = &worker{serves: "own.gourdian", shadow: engine.Shadow{Frames: 40, Agree: 39}, speed: engine.Speed{Serving: time.Millisecond, Candidate: time.Millisecond}}
	r.open(t)
	return r
}

// open is a start of the board.
func (r *rig) open(t *testing.T) {
	t.Helper()
	r.board = live.NewHub("test", "device")
	u, err := New(Config{
		Data: r.dir, Own: filepath.Join(r.dir, "own.gourdian"), Variants: []string{"int8"}, Frame: time.Second, Plan: r.plan,
		Engine: r.worker, Board: r.board, Free: func() (int64, error) { return r.free, nil }, Beside: func() bool { return true },
		Now: r.clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Update = u
}

// start lets the board run and belong to its hub; what it returns ends it.
func (r *rig) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	u := r.Update
	all.Go(func() {
		if err := u.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() { r.hub.serve(ctx, u) })
	if err := u.Belong("hub", string(r.hub.files["1.root.json"])); err != nil {
		t.Error(err)
	}
	u.Connected(true)
	return func() { cancel(); all.Wait() }
}

func (r *rig) wish(t *testing.T, one model, rollout string) {
	t.Helper()
	if err := r.Want(wire.Desired{Model: &wire.DesiredModel{Bundle: one.id, Rollout: rollout}}); err != nil {
		t.Error(err)
	}
}

// until waits for a state of the newest wish.
func (r *rig) until(t *testing.T, what string, is func(wire.UpdateState) bool) wire.UpdateState {
	t.Helper()
	late := time.After(20 * time.Second)
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		s := r.State()
		if s != nil && is(*s) {
			return *s
		}
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("%s did not come: %+v", what, s)
		}
	}
}

func (r *rig) ends(t *testing.T, stage wire.UpdateStage, step wire.UpdateStep) wire.UpdateState {
	t.Helper()
	s := r.until(t, string(stage), func(s wire.UpdateState) bool {
		return s.Stage == wire.StageCommitted || s.Stage == wire.StageRefused || s.Stage == wire.StageRolledBack
	})
	if s.Stage != stage || s.Step != step {
		t.Fatalf("it ended %s at %q: %s; want %s at %q", s.Stage, s.Step, s.Why, stage, step)
	}
	return s
}

package deliver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/internal/bundle"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// boards keeps what is said to boards, and puts parts together as a board does.
type boards struct {
	mu     sync.Mutex // guards what follows
	gone   map[string]bool
	order  []string // devices, a message each
	got    map[string]map[string][]byte
	whole  map[string]map[string]int64
	lacks  map[string][]string
	frames int
}

func newBoards() *boards {
	return &boards{gone: map[string]bool{}, got: map[string]map[string][]byte{}, whole: map[string]map[string]int64{}, lacks: map[string][]string{}}
}

var errGone = errors.New("gone")

// Publish implements Speaker.
func (b *boards) Publish(device, topic string, payload []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone[device] {
		return errGone
	}
	h, body, err := wire.DecodeChunk(payload)
	if err != nil || topic != wire.TopicChunk || len(payload) > wire.MaxPacket {
		panic(err)
	}
	b.frames++
	b.order = append(b.order, device)
	name := h.Metadata + h.Chunk
	if h.Missing {
		b.lacks[device] = append(b.lacks[device], name)
		return nil
	}
	if b.got[device] == nil {
		b.got[device], b.whole[device] = map[string][]byte{}, map[string]int64{}
	}
	if h.Offset != int64(len(b.got[device][name])) {
		return nil // it came again
	}
	b.got[device][name] = append(b.got[device][name], body...)
	b.whole[device][name] = h.Total
	return nil
}

// has returns what a board has of a name once it is whole.
func (b *boards) has(device, name string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.got[device][name]
	return bytes.Clone(data), ok && int64(len(data)) == b.whole[device][name]
}

func (b *boards) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.frames
}

// rig is a Deliver that runs.
type rig struct {
	*Deliver
	library *Library
	blobs   *blob.Store
	dir     string
	boards  *boards
}

func newRig(t *testing.T, d *db.DB, limits Limits) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), boards: newBoards()}
	var err error
	if r.blobs, err = blob.Open(r.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	r.library = NewLibrary(d, r.blobs)
	r.Deliver = New(Config{
		Library: r.library, Limits: limits, Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Metadata: func(name string) ([]byte, error) {
			if name == "timestamp.json" {
				return []byte(`{"signed":{}}`), nil
			}
			return nil, errors.New("none")
		},
	})
	r.Attach(r.boards)
	return r
}

// run sends until the test ends.
func (r *rig) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func until(t *testing.T, what string, look func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(time.Minute); !look(); {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// model keeps a bundle whose graph is these bytes, and adds it to the library.
func (r *rig) model(t *testing.T, graph []byte) (id, file string, listing Listing, packed []byte) {
	t.Helper()
	references, err := verdict.Quantise([][]float32{{1, 0}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := bundle.Manifest{
		Task: bundle.TaskGrade, Name: "m", Preprocess: vision.PreprocessID(), Backbone: "tiny 1",
		Classes: []bundle.Class{{Name: "good", Labels: map[string]string{"en": "good", "es": "buena"}}, {Name: "bad", Labels: map[string]string{"en": "bad", "es": "mala"}}},
		Variants: []bundle.Variant{{Name: "fp32", Graph: "graph.onnx", Temperature: 1, Thresholds: []float64{0.5, 0.5}, References: "references.bin",
			Neighbours: 1, Novelty: 1, Tolerance: map[string]float64{"any": 0.1}}},
		Golden:     []bundle.Golden{{Tensor: "golden.rgb", Expected: map[string][]float32{"fp32": {1, 0}}}},
		Provenance: bundle.Provenance{Kind: bundle.KindRendered, Images: 1, Groups: 1, Classes: map[string]int{"good": 1}, Sources: []string{"field 1"}},
		Trained:    "trained.sha256",
	}
	var out bytes.Buffer
	if _, err := bundle.Build(&out, m, map[string][]byte{
		"graph.onnx": graph, "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes([][sha256.Size]byte{{1}}),
	}); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Read(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if file, err = r.blobs.Put(t.Context(), blob.Bundles, out.Bytes()); err != nil {
		t.Fatal(err)
	}
	if listing, err = r.library.Add(t.Context(), b.ID, file); err != nil {
		t.Fatal(err)
	}
	return b.ID, file, listing, out.Bytes()
}

// damage changes a byte of a kept file.
func (r *rig) damage(t *testing.T, file string, at int) {
	t.Helper()
	path := filepath.Join(r.dir, string(blob.Bundles), file[:2], file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[at] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func sqlite(t *testing.T) *db.DB { return dbtest.SQLite(t) }

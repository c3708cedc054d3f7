package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/deliver"
	"gourdian/cloud/internal/registry"
	"gourdian/cloud/internal/trust"
	"gourdian/internal/bundle"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// made is a model that the registry takes.
func made(t *testing.T, graph string) []byte {
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
		"graph.onnx": []byte(graph), "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes([][sha256.Size]byte{{1}}),
	}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type rig struct {
	*Release
	registry  *registry.Registry
	overrides *trust.Overrides
	library   *deliver.Library
	versions  []registry.Version
}

// newRig has a registry with two versions, and nothing that was decided.
func newRig(t *testing.T) *rig {
	t.Helper()
	d, dir, log := dbtest.SQLite(t), t.TempDir(), slog.New(slog.NewTextHandler(t.Output(), nil))
	blobs, err := blob.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{library: deliver.NewLibrary(d, blobs)}
	if r.registry, err = registry.Open(d, blobs, filepath.Join(dir, "registry")); err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(dir, "keys")
	if r.overrides, err = trust.OpenOverrides(d, keys); err != nil {
		t.Fatal(err)
	}
	repo, err := trust.Open(t.Context(), trust.Config{Dir: filepath.Join(dir, "trust"), Keys: keys, Evidence: r.overrides, Now: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	r.Release = New(Config{DB: d, Registry: r.registry, Overrides: r.overrides, Repo: repo, Library: r.library, Now: time.Now, Log: log})
	r.registry.Hook(registry.Hooks{Moved: r.Moved})
	for _, graph := range []string{"one", "two"} {
		v, _, err := r.registry.Push(t.Context(), bytes.NewReader(made(t, graph)), "ana", "")
		if err != nil {
			t.Fatal(err)
		}
		r.versions = append(r.versions, v)
	}
	return r
}

func TestPromotionIsTheOverrideThatSignsAChampion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	if _, err := r.registry.Move(t.Context(), 1, 0, "ana", "the first"); err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(time.Minute); !r.Signed(r.versions[0].Bundle); {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatal("the champion is not signed after a minute")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	list, err := r.overrides.Of(t.Context(), r.versions[0].Bundle)
	if err != nil || len(list) != 1 || list[0].Who != "ana" || list[0].Reason != "the first" || list[0].Version != 1 || list[0].Champion != 0 || list[0].Kind != trust.Promoted {
		t.Errorf("%+v, %v", list, err)
	}
	if r.Signed(r.versions[1].Bundle) {
		t.Error("a version that nobody decided on is signed")
	}
}

func TestVersionThatNobodyDecidedOnNeedsAnAdminsReason(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Release.Release(t.Context(), r.versions[1], "", ""); !errors.Is(err, trust.ErrNoGrant) || r.Signed(r.versions[1].Bundle) {
		t.Fatalf("by nobody: %v", err)
	}
	for range 2 { // the second time it has its reason
		if err := r.Release.Release(t.Context(), r.versions[1], "ana", "try it in the wet row"); err != nil {
			t.Fatal(err)
		}
	}
	list, err := r.overrides.Of(t.Context(), r.versions[1].Bundle)
	if err != nil || len(list) != 1 || list[0].Kind != trust.Rolled || list[0].Reason != "try it in the wet row" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestPiecesAreGivenOutAgainAfterAStart: what was signed before is known again.
func TestPiecesAreGivenOutAgainAfterAStart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Release.Release(t.Context(), r.versions[0], "ana", "x"); err != nil {
		t.Fatal(err)
	}
	listing, err := r.library.Add(t.Context(), r.versions[0].Bundle, r.versions[0].Blob)
	if err != nil {
		t.Fatal(err)
	}
	blobs := r.config
	fresh := deliver.NewLibrary(blobs.DB, nil) // the lists are in the database
	blobs.Library = fresh
	if _, _, err := fresh.Piece(t.Context(), listing.Sum); !errors.Is(err, deliver.ErrUnknown) {
		t.Fatalf("before: %v", err)
	}
	if err := New(blobs).again(t.Context()); err != nil {
		t.Fatal(err)
	}
	if data, list, err := fresh.Piece(t.Context(), listing.Sum); err != nil || !list || int64(len(data)) != listing.Bytes {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

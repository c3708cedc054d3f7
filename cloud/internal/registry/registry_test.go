package registry

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/internal/bundle"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
)

func made(t *testing.T, name, preprocess string) []byte {
	t.Helper()
	references, err := verdict.Quantise([][]float32{{1, 0}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := bundle.Manifest{
		Task: bundle.TaskGrade, Name: name, Preprocess: preprocess, Backbone: "tiny 1",
		Classes: []bundle.Class{{Name: "good", Labels: map[string]string{"en": "good", "es": "buena"}}, {Name: "bad", Labels: map[string]string{"en": "bad", "es": "mala"}}},
		Variants: []bundle.Variant{{Name: "fp32", Graph: "graph.onnx", Temperature: 1, Thresholds: []float64{0.5, 0.5}, References: "references.bin",
			Neighbours: 1, Novelty: 1, Tolerance: map[string]float64{"any": 0.1}}},
		Golden:     []bundle.Golden{{Tensor: "golden.rgb", Expected: map[string][]float32{"fp32": {1, 0}}}},
		Provenance: bundle.Provenance{Kind: bundle.KindRendered, Images: 1, Groups: 1, Classes: map[string]int{"good": 1}, Sources: []string{"field 1"}},
		Trained:    "trained.sha256",
	}
	var out bytes.Buffer
	if _, err := bundle.Build(&out, m, map[string][]byte{
		"graph.onnx": []byte("a graph"), "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes([][sha256.Size]byte{{1}}),
	}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func both(t *testing.T, test func(t *testing.T, g *Registry)) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		blobs, err := blob.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		g, err := Open(d, blobs, filepath.Join(t.TempDir(), "registry"))
		if err != nil {
			t.Fatal(err)
		}
		test(t, g)
	})
}

func (g *Registry) mustPush(t *testing.T, name string) Version {
	t.Helper()
	v, _, err := g.Push(t.Context(), bytes.NewReader(made(t, name, vision.PreprocessID())), "ana", "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSameBundleIsOneVersionForEver(t *testing.T) {
	both(t, func(t *testing.T, g *Registry) {
		a, b := g.mustPush(t, "a"), g.mustPush(t, "b")
		if again := g.mustPush(t, "a"); again.Number != a.Number || b.Number != a.Number+1 || again.Facts.Name != "a" {
			t.Errorf("numbers %d, %d, %d of %q", a.Number, b.Number, again.Number, again.Facts.Name)
		}
		if all, err := g.Versions(t.Context()); err != nil || len(all) != 2 || all[0].Number != b.Number {
			t.Errorf("%d versions, %v", len(all), err)
		}
		var out bytes.Buffer
		if err := g.WriteTo(t.Context(), a.Number, &out); err != nil || !bytes.Equal(out.Bytes(), made(t, "a", vision.PreprocessID())) {
			t.Errorf("%d bytes came back, %v", out.Len(), err)
		}
	})
}

func TestHostileBundlesAreRefusedByTheRightCheck(t *testing.T) {
	both(t, func(t *testing.T, g *Registry) {
		good := made(t, "a", vision.PreprocessID())
		flipped := bytes.Clone(good)
		flipped[bytes.LastIndex(flipped, []byte("a graph"))] ^= 1
		for name, tc := range map[string]struct {
			data []byte
			is   error
		}{
			"empty": {nil, bundle.ErrFormat}, "a picture": {[]byte("\xff\xd8\xff"), bundle.ErrFormat}, "cut off": {good[:len(good)-2000], bundle.ErrBundle},
			"changed": {flipped, bundle.ErrHash}, "of another preprocessing": {made(t, "a", "square/9-000000000000"), bundle.ErrPreprocess},
		} {
			if _, _, err := g.Push(t.Context(), bytes.NewReader(tc.data), "ana", ""); !errors.Is(err, tc.is) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if all, err := g.Versions(t.Context()); err != nil || len(all) > 0 {
			t.Errorf("%d versions, %v", len(all), err)
		}
		if left, err := os.ReadDir(g.dir); err != nil || len(left) > 0 {
			t.Errorf("%d files are left, %v", len(left), err)
		}
	})
}

func TestChampionMovesWithReasonAndGoesBack(t *testing.T) {
	both(t, func(t *testing.T, g *Registry) {
		a, b := g.mustPush(t, "a"), g.mustPush(t, "b")
		if _, ok, err := g.Champion(t.Context()); ok || err != nil {
			t.Errorf("before any move: %v, %v", ok, err)
		}
		if _, err := g.Move(t.Context(), a.Number, 0, "ana", "  "); !errors.Is(err, ErrReason) {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := g.Move(t.Context(), 99, 0, "ana", "why not"); !errors.Is(err, ErrNotFound) {
			t.Errorf("to nothing: %v", err)
		}
		changed := g.Changed()
		if _, err := g.Move(t.Context(), a.Number, 0, "ana", "the first"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		default:
			t.Error("nobody was told")
		}
		if _, err := g.Back(t.Context(), 1, "ana", "oops"); !errors.Is(err, ErrNothingBefore) {
			t.Errorf("back from the first: %v", err)
		}
		if _, err := g.Move(t.Context(), b.Number, 0, "ben", "better"); !errors.Is(err, ErrChanged) {
			t.Errorf("by who had not seen the first move: %v", err)
		}
		if _, err := g.Move(t.Context(), b.Number, 1, "ben", "better"); err != nil {
			t.Fatal(err)
		}
		if move, err := g.Back(t.Context(), 2, "ana", "worse in rain"); err != nil || move.To != a.Number || move.From != b.Number {
			t.Errorf("%+v, %v", move, err)
		}
		c, ok, err := g.Champion(t.Context())
		if err != nil || !ok || c.ID != a.Bundle {
			t.Fatal(c, ok, err)
		}
		opened, err := bundle.Open(c.Path)
		if err != nil || opened.ID != a.Bundle {
			t.Fatal(err)
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
		if moves, err := g.Moves(t.Context(), 10); err != nil || len(moves) != 3 || moves[0].Reason != "worse in rain" || moves[2].By != "ana" {
			t.Errorf("%+v, %v", moves, err)
		}
	})
}

func TestChampionIsNeverDeletedAndADeletedOneNeverChampion(t *testing.T) {
	both(t, func(t *testing.T, g *Registry) {
		a, b := g.mustPush(t, "a"), g.mustPush(t, "b")
		if _, err := g.Move(t.Context(), a.Number, 0, "ana", "the first"); err != nil {
			t.Fatal(err)
		}
		if err := g.Delete(t.Context(), a.Number); !errors.Is(err, ErrChampion) {
			t.Errorf("the champion: %v", err)
		}
		if err := g.Delete(t.Context(), b.Number); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Move(t.Context(), b.Number, 1, "ana", "again"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a deleted one: %v", err)
		}
		if err := g.WriteTo(t.Context(), b.Number, &strings.Builder{}); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("its file: %v", err)
		}
		if back := g.mustPush(t, "b"); back.Number != b.Number || back.Deleted {
			t.Errorf("pushed again: %+v", back)
		}
	})
}

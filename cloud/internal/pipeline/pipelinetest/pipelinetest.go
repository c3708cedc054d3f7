// Package pipelinetest makes models of nothing, for tests of runs and of their
// pages: a maker that needs no workers, and labelled pictures without bytes.
package pipelinetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/pipeline"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/bundle"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
	models "gourdian/models/dataset"
	"gourdian/models/evaluate"
	"gourdian/models/train"
)

// Album gives the bytes of every picture: its name.
type Album struct {
	mu   sync.Mutex // guards gone
	gone string
}

// Delete makes a picture be gone.
func (a *Album) Delete(hash string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone = hash
}

// Picture implements dataset.Pictures.
func (a *Album) Picture(_ context.Context, hash string) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if hash == a.gone {
		return nil, sample.ErrNotFound
	}
	return []byte(hash), nil
}

// Maker makes bundles that know their C, in no time. A model is right about the
// share of the pictures that its C says: C=0.9 about nine of ten.
type Maker struct {
	mu    sync.Mutex // guards what follows
	calls []string
	at    int
	cut   func()
}

// CutAt has cut called once, at the call of that number from 1.
func (m *Maker) CutAt(call int, cut func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at, m.cut = call, cut
}

func (m *Maker) call(what string, o pipeline.Order) ([]models.Entry, error) {
	m.mu.Lock()
	m.calls = append(m.calls, what)
	if len(m.calls) == m.at {
		m.cut()
	}
	m.mu.Unlock()
	set, err := models.Open(o.Data, nil)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	o.Progress("look at pictures", 1)()
	return set.Entries, nil
}

// Count says how often "embed", "train" or "evaluate" was called; "" = any.
func (m *Maker) Count(what string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.calls {
		if what == "" || c == what {
			n++
		}
	}
	return n
}

// Embed implements pipeline.Maker.
func (m *Maker) Embed(ctx context.Context, o pipeline.Order) (train.Embedded, error) {
	entries, err := m.call("embed", o)
	if err == nil {
		err = ctx.Err()
	}
	return train.Embedded{Images: len(entries), Digest: fmt.Sprint(len(entries))}, err
}

// Train implements pipeline.Maker.
func (m *Maker) Train(ctx context.Context, o pipeline.Order) ([]byte, *train.Report, error) {
	entries, err := m.call("train", o)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, nil, err
	}
	c := 0.5
	if len(o.C) > 0 {
		c = o.C[0]
	}
	references, err := verdict.Quantise([][]float32{{1, 0}}, 1)
	if err != nil {
		return nil, nil, err
	}
	manifest := bundle.Manifest{
		Task: bundle.TaskGrade, Name: fmt.Sprint(c), Preprocess: vision.PreprocessID(), Backbone: "tiny 1",
		Golden:     []bundle.Golden{{Tensor: "golden.rgb", Expected: map[string][]float32{}}},
		Provenance: bundle.Provenance{Kind: bundle.KindPhotos, Images: len(entries), Groups: 1, Classes: map[string]int{"good": len(entries)}, Sources: []string{"a hub"}},
		Trained:    "trained.sha256",
	}
	for _, class := range []string{"good", "regular", "bad", "not_pumpkin"} {
		manifest.Classes = append(manifest.Classes, bundle.Class{Name: class, Labels: map[string]string{"en": class, "es": class}})
	}
	for _, v := range o.Variants {
		manifest.Variants = append(manifest.Variants, bundle.Variant{Name: v, Graph: "graph.onnx", Temperature: 1, Thresholds: []float64{.5, .5, .5, .5},
			References: "references.bin", Neighbours: 1, Novelty: 1, Tolerance: map[string]float64{"any": 0.1}})
		manifest.Golden[0].Expected[v] = []float32{1, 0, 0, 0}
	}
	var out bytes.Buffer
	id, err := bundle.Build(&out, manifest, map[string][]byte{
		"graph.onnx": []byte("a graph"), "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes([][sha256.Size]byte{{1}}),
	})
	return out.Bytes(), &train.Report{Bundle: id, C: c, Figures: evaluate.Figures{BalancedAccuracy: &c}}, err
}

// Evaluate implements pipeline.Maker.
func (m *Maker) Evaluate(ctx context.Context, file, variant string, o pipeline.Order) (*evaluate.Report, error) {
	entries, err := m.call("evaluate", o)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	b, err := bundle.Open(file)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	var share float64
	if _, err := fmt.Sscan(b.Manifest.Name, &share); err != nil {
		return nil, err
	}
	r := &evaluate.Report{Bundle: b.ID, Variant: variant}
	for i, e := range entries {
		said := e.Class
		if float64(i%10) >= 10*share {
			said = "regular"
		}
		r.All = append(r.All, evaluate.Prediction{File: e.File, Group: i, Class: e.Class, Predicted: said})
	}
	return r, nil
}

// Farm labels pictures of every class on so many days.
func Farm(t testing.TB, d *db.DB, days int) {
	t.Helper()
	labels := label.New(d)
	for day := range days {
		for i, class := range []wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.NotPumpkin} {
			at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, day).UnixMicro()
			one := sample.Sample{
				Hash: fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%d %d", day, i))), Source: sample.FromBoard, Device: fmt.Sprintf("board-%d", i),
				Camera: "cam", Site: "north", State: sample.Kept, Checked: true, CapturedAt: at, ReceivedAt: at, Fingerprint: int64(day*7919+i*104729) << 20,
			}
			if _, err := d.Write().NewInsert().Model(&one).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := labels.Set(t.Context(), one.Hash, class, 0, "ana"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

package console

import (
	"bytes"
	"crypto/sha256"
	"io"
	"mime/multipart"
	"net/http"
	"testing"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/registry"
	"gourdian/internal/bundle"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
)

// upload sends one file as a form does.
func (o *reader) upload(path, field string, data []byte) (status int, body string) {
	o.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile(field, "model.gourdian")
	if err == nil {
		_, err = part.Write(data)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		o.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.rig.server.URL+path, &form)
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Content-Type", w.FormDataContentType())
	answer, err := o.client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// made is a model that the registry takes.
func made(t *testing.T) []byte {
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
		"graph.onnx": []byte("a graph"), "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes([][sha256.Size]byte{{1}}),
	}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestChampionIsMovedByAnAdminWithAReasonOnly(t *testing.T) {
	t.Parallel()
	good := made(t)
	d := dbtest.SQLite(t)
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store, err := registry.Open(d, blobs, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	models := &Models{Registry: store, State: func() predict.State { return predict.State{} }}
	r := newRig(t, models.Section())
	models.Console = r.console
	r.add(t, "oscar", people.Operator)
	ana, oscar := r.in(t, "ana"), r.in(t, "oscar")
	ana.upload("/models", "bundle", bytes.Repeat([]byte("x"), 2000))
	ana.upload("/models", "other", good) // a form without the file
	if versions, err := store.Versions(t.Context()); err != nil || len(versions) != 0 {
		t.Fatalf("nonsense made %d versions, %v", len(versions), err)
	}
	for range 2 { // the second time it is known
		if status, body := oscar.upload("/models", "bundle", good); status != http.StatusSeeOther {
			t.Fatalf("%d\n%s", status, body)
		}
	}
	if versions, err := store.Versions(t.Context()); err != nil || len(versions) != 1 {
		t.Fatalf("%d versions, %v", len(versions), err)
	}
	champion := func(when string, want int64) {
		t.Helper()
		if now, err := store.Alias(t.Context()); err != nil || now.Number != want {
			t.Errorf("%s the champion is %d, %v", when, now.Number, err)
		}
	}
	if status, _, _ := oscar.post("/models/1/champion", "revision", "0", "reason", "mine"); status != http.StatusForbidden {
		t.Errorf("an operator: %d", status)
	}
	for _, wrong := range [][]string{{"revision", "0", "reason", ""}, {"revision", "7", "reason", "first"}, {"revision", "x1", "reason", ""}} {
		ana.post("/models/1/champion", wrong...)
	}
	champion("after what was refused", 0)
	if status, body, _ := ana.post("/models/1/champion", "revision", "0", "reason", "the <first> one"); status != http.StatusSeeOther {
		t.Errorf("%d\n%s", status, body)
	}
	champion("after an admin's move", 1)
	page := ana.get("/models")
	has(t, page, "the &lt;first&gt; one")
	ana.post("/models/1/delete", "confirmed", "yes")
	if versions, err := store.Versions(t.Context()); err != nil || len(versions) != 1 {
		t.Errorf("the champion was deleted: %d versions, %v", len(versions), err)
	}
	champion("after an attempt to delete it", 1)
}

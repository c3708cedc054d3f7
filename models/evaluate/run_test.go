package evaluate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
	"gourdian/models/dataset"
	"gourdian/models/embed"
)

// A picture in these tests is a text: what the fake network sees in it.
type decoder struct{ down bool }

func (d decoder) Decode(_ context.Context, file []byte) (vision.Image, error) {
	if d.down {
		return vision.Image{}, worker.ErrDown
	}
	name, _, _ := strings.Cut(string(file), " ")
	hue, ok := map[string]uint8{"good": 40, "bad": 120, "other": 200}[name]
	if !ok {
		return vision.Image{}, fmt.Errorf("%w: %q", capture.ErrBadImage, file)
	}
	sum := sha256.Sum256(file)
	img := vision.New(64, 64)
	for i := range img.Pix { // sharp enough, and every text its own pattern
		img.Pix[i] = uint8(60 + int(sum[i/3/64/2]+sum[i/3%64/2])%130)
	}
	for i := range 64 { // the first rows say what it shows
		img.Pix[3*i], img.Pix[3*i+1], img.Pix[3*i+2] = hue, hue, hue
		copy(img.Pix[3*64+3*i:], img.Pix[3*i:3*i+3])
	}
	return img, nil
}

// network reads the first pixel: good and bad have their own directions,
// anything else a third one that no reference has.
func network(in vision.Tensor, out *infer.Scores) {
	clear(out.Embedding)
	switch hue := in[0]; {
	case hue < 80:
		out.Embedding[0], out.Logits[0], out.Logits[1] = 1, 3, 0
	case hue < 160:
		out.Embedding[1], out.Logits[0], out.Logits[1] = 1, 0, 3
	default:
		out.Embedding[2], out.Logits[0], out.Logits[1] = 1, 2, 0
	}
}

// trainedOn makes a bundle of two classes that was trained on some texts.
func trainedOn(t *testing.T, preprocess string, texts ...string) *bundle.Bundle {
	t.Helper()
	rows := [][]float32{make([]float32, 1280), make([]float32, 1280)}
	rows[0][0], rows[1][1] = 1, 1
	references, err := verdict.Quantise(rows, 1)
	if err != nil {
		t.Fatal(err)
	}
	sums := make([][32]byte, len(texts))
	for i, text := range texts {
		sums[i] = sha256.Sum256([]byte(text))
	}
	m := bundle.Manifest{
		Task: bundle.TaskGrade, Name: "test", Preprocess: preprocess, Backbone: "fake",
		Classes: []bundle.Class{
			{Name: "good", Labels: map[string]string{"en": "good", "es": "buena"}},
			{Name: "bad", Labels: map[string]string{"en": "bad", "es": "mala"}},
		},
		Variants: []bundle.Variant{{
			Name: "fp32", Graph: "graphs/fp32.onnx", Temperature: 1, Thresholds: []float64{0.6, 0.6},
			References: "references/fp32.bin", Neighbours: 1, Novelty: 0.5, Tolerance: map[string]float64{bundle.AnyCPU: 0.1},
		}},
		Golden:     []bundle.Golden{{Tensor: "golden/a.rgb", Expected: map[string][]float32{"fp32": {0, 0}}}},
		Provenance: bundle.Provenance{Kind: bundle.KindPhotos, Images: len(texts), Groups: len(texts), Classes: map[string]int{"good": len(texts) - 1, "bad": 1}, Sources: []string{"test"}},
		Trained:    "trained.sha256",
	}
	var file bytes.Buffer
	_, err = bundle.Build(&file, m, map[string][]byte{
		"graphs/fp32.onnx": []byte("x"), "references/fp32.bin": bundle.EncodeReferences(references),
		"golden/a.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes(sums),
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// evaluation evaluates a manifest whose files hold their own texts.
func evaluation(t *testing.T, b *bundle.Bundle, manifest string, texts map[string]string) *Evaluation {
	t.Helper()
	dir := t.TempDir()
	texts["manifest.csv"] = manifest
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, err := dataset.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	runner := fake.New(2)
	runner.Score(network)
	return &Evaluation{
		Bundle: b, Runner: servesFP32{runner}, Set: set, Seed: 1,
		Importer: embed.Importer{Decoder: decoder{}}, Step: func() {},
	}
}

type servesFP32 struct{ *fake.Runner }

func (s servesFP32) Info() infer.Info {
	info := s.Runner.Info()
	info.Variant = "fp32"
	return info
}

func TestPicturesThatTrainedTheModelAndTheirGroupsAreInNoFigure(t *testing.T) {
	t.Parallel()
	b := trainedOn(t, vision.PreprocessID(), "good 1", "bad 1")
	e := evaluation(t, b, "file,class,group\n1.jpg,good,g1\n2.jpg,good,g1\n3.jpg,bad,g2\n4.jpg,good,g3\n5.jpg,good,g4\n", map[string]string{
		"1.jpg": "good 1", // trained the model
		"2.jpg": "good 2", // another photo of the same fruit
		"3.jpg": "bad 3", "4.jpg": "good 4", "5.jpg": "bad 5",
	})
	r, err := e.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.Seen != 2 || r.Images != 3 || *r.Accuracy != 2.0/3 || r.Intervals != IntervalsByGroup {
		t.Errorf("seen %d, images %d, accuracy %v, intervals by %s", r.Seen, r.Images, *r.Accuracy, r.Intervals)
	}
	if len(r.All) != 3 || r.Latency.P50 == nil || r.Frame.P99 == nil || *r.Frame.P50 < *r.Latency.P50 {
		t.Errorf("%d predictions, latency %+v, frame %+v", len(r.All), r.Latency, r.Frame)
	}
}

func TestOnlySeenPicturesGiveNoAccuracyAtAll(t *testing.T) {
	t.Parallel()
	e := evaluation(t, trainedOn(t, vision.PreprocessID(), "good 1", "bad 1"), "file,class\n1.jpg,good\n2.jpg,bad\n", map[string]string{"1.jpg": "good 1", "2.jpg": "bad 1"})
	r, err := e.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	if fields["accuracy"] != nil || fields["images"] != 0.0 || fields["seen"] != 2.0 {
		t.Errorf("accuracy %v of %v images, %v seen", fields["accuracy"], fields["images"], fields["seen"])
	}
	for _, key := range []string{"skipped", "coverage", "accuracy_when_sure", "classes", "variant", "provider", "latency_ms", "frame_ms"} {
		if _, ok := fields[key]; !ok {
			t.Errorf("the report lacks %q", key)
		}
	}
}

func TestUnreadablePicturesAreListedAndUnknownClassesStandApart(t *testing.T) {
	t.Parallel()
	e := evaluation(t, trainedOn(t, vision.PreprocessID(), "good 1", "bad 1"),
		"file,class\n1.jpg,good\n2.jpg,bad\n3.jpg,good\n4.jpg,hand\n5.jpg,hand\n6.jpg,good\nnone.jpg,bad\n", map[string]string{
			"1.jpg": "good a", "2.jpg": "bad b", "3.jpg": "garbage", "4.jpg": "other c", "5.jpg": "good d", "6.jpg": "good a",
		})
	r, err := e.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, s := range r.SkippedFiles {
		reasons[s.File] = s.Reason
	}
	if r.Skipped != 3 || !strings.Contains(reasons["3.jpg"], capture.ErrBadImage.Error()) || reasons["6.jpg"] != "the same picture as 1.jpg" || reasons["none.jpg"] == "" {
		t.Errorf("skipped %d: %v", r.Skipped, reasons)
	}
	if u := r.Unknown["hand"]; u != (Unfamiliar{Count: 2, Novel: 0.5, Unsure: 0.5}) {
		t.Errorf("unknown class: %+v", u)
	}
	if r.Images != 2 || *r.Accuracy != 1 || r.Intervals != IntervalsWilson || len(r.All) != 4 {
		t.Errorf("images %d, accuracy %v, %d predictions", r.Images, *r.Accuracy, len(r.All))
	}
	if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "hand") }) {
		t.Errorf("warnings = %q", r.Warnings)
	}
}

func TestModelOfAnotherPreprocessingIsNotMeasured(t *testing.T) {
	t.Parallel()
	e := evaluation(t, trainedOn(t, "square/0-000000000000", "good 1", "bad 1"), "file,class\n1.jpg,good\n", map[string]string{"1.jpg": "good a"})
	if _, err := e.Run(context.Background()); !errors.Is(err, bundle.ErrPreprocess) {
		t.Errorf("error = %v", err)
	}
}

func TestDeadWorkersEndTheEvaluation(t *testing.T) {
	t.Parallel()
	b := trainedOn(t, vision.PreprocessID(), "good 1", "bad 1")
	e := evaluation(t, b, "file,class\n1.jpg,good\n", map[string]string{"1.jpg": "good a"})
	e.Importer.Decoder = decoder{down: true}
	if _, err := e.Run(context.Background()); !errors.Is(err, worker.ErrDown) {
		t.Errorf("dead decoder: %v", err)
	}
	e = evaluation(t, b, "file,class\n1.jpg,good\n", map[string]string{"1.jpg": "good a"})
	e.Runner.(servesFP32).Fail(infer.ErrUnavailable)
	if _, err := e.Run(context.Background()); !errors.Is(err, infer.ErrUnavailable) {
		t.Errorf("dead engine: %v", err)
	}
}

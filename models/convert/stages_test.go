//go:build workers

package convert_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/testbed"
	"gourdian/internal/vision"
	"gourdian/models/backbone"
)

// stage is a value of the graph with its figures from an independent
// conversion of the same checkpoint (FP32, ONNX Runtime without optimisations).
type stage struct {
	Value     string
	Shape     []int
	Mean, Std float64
}

type reference struct {
	PixelSum      int `json:"pixel_sum"`
	Stages        []stage
	Embedding     []float64
	EmbeddingNorm float64 `json:"embedding_norm"`
	Top5          []struct {
		Class int
		Logit float64
	}
}

// picture draws the synthetic pictures of testdata/stages.json.
func picture(name string) vision.Tensor {
	in := make(vision.Tensor, 0, vision.TensorLen)
	for y := range vision.Size {
		for x := range vision.Size {
			for c := range 3 {
				in = append(in, pixel(name, y, x, c))
			}
		}
	}
	return in
}

func pixel(name string, y, x, c int) uint8 {
	if name == "A" {
		return uint8(7*y + 13*x + 29*c + y*x/16)
	}
	v := 127
	switch c {
	case 0:
		v -= 100
		if (y/28+x/28)%2 == 1 {
			v += 200
		}
	case 1:
		v += (y - 112) >> 1 // floor
	case 2:
		v -= (x - 112) >> 1
	}
	return uint8(min(max(v, 0), 255))
}

// startBackbone serves the converted graph, with ImageNet's classifier.
func startBackbone(t *testing.T, outputs ...string) *infer.Client {
	t.Helper()
	return startForm(t, backbone.FP32, outputs...)
}

// startForm serves a form of it.
func startForm(t *testing.T, variant string, outputs ...string) *infer.Client {
	t.Helper()
	entry, err := backbone.Find("")
	if err != nil {
		t.Fatal(err)
	}
	m, err := entry.Load(testbed.Checkpoint(t), true)
	if err != nil {
		t.Fatal(err)
	}
	means, err := entry.Means(testbed.Checkpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	if m, err = entry.Variant(m, means, variant); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "imagenet.onnx")
	if err := os.WriteFile(path, onnxgraph.Encode(m), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := features.StartGraph(ctx, path, infer.Options{
		Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t),
	}, outputs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func TestEveryStageAgreesWithAnIndependentConversion(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/stages.json")
	if err != nil {
		t.Fatal(err)
	}
	var references map[string]reference
	if err := json.Unmarshal(raw, &references); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range references["A"].Stages {
		names = append(names, s.Value)
	}
	client := startBackbone(t, names...)
	for name, want := range references {
		in, sum := picture(name), 0
		for _, v := range in {
			sum += int(v)
		}
		if sum != want.PixelSum {
			t.Fatalf("picture %s: sum of pixels %d, expected %d", name, sum, want.PixelSum)
		}
		var got infer.Scores
		if err := client.Run(t.Context(), in, &got); err != nil {
			t.Fatal(err)
		}
		checkStages(t, name, got, want)
		checkEnds(t, name, got, want)
	}
}

// The figures have five decimals; optimised convolutions add in another order.
const tolerance = 2e-4

func checkStages(t *testing.T, name string, got infer.Scores, want reference) {
	t.Helper()
	worst := 0.0
	for i, s := range want.Stages {
		values := got.Extra[i]
		if n := s.Shape[0] * s.Shape[1] * s.Shape[2] * s.Shape[3]; len(values) != n {
			t.Errorf("picture %s, %s: %d values, expected %d", name, s.Value, len(values), n)
		}
		mean, std := spread(values)
		distance := max(math.Abs(mean-s.Mean), math.Abs(std-s.Std))
		worst = max(worst, distance)
		if distance > tolerance {
			t.Errorf("picture %s, %s: mean %.5f and spread %.5f, expected %.5f and %.5f", name, s.Value, mean, std, s.Mean, s.Std)
		}
	}
	t.Logf("picture %s: means and spreads of %d stages agree within %.6f", name, len(want.Stages), worst)
}

func checkEnds(t *testing.T, name string, got infer.Scores, want reference) {
	t.Helper()
	norm := 0.0
	for _, v := range got.Embedding {
		norm += float64(v) * float64(v)
	}
	if norm = math.Sqrt(norm); math.Abs(norm-want.EmbeddingNorm) > 1e-3 {
		t.Errorf("picture %s: norm of the embedding %.4f, expected %.4f", name, norm, want.EmbeddingNorm)
	}
	for i, v := range want.Embedding {
		if math.Abs(float64(got.Embedding[i])-v) > tolerance {
			t.Errorf("picture %s: embedding[%d] = %.5f, expected %.5f", name, i, got.Embedding[i], v)
		}
	}
	for i, class := range topClasses(got.Logits, len(want.Top5)) {
		if class != want.Top5[i].Class || math.Abs(float64(got.Logits[class])-want.Top5[i].Logit) > tolerance {
			t.Errorf("picture %s: class %d at place %d, expected %d", name, class, i, want.Top5[i].Class)
		}
	}
}

func spread(values []float32) (mean, std float64) {
	for _, v := range values {
		mean += float64(v)
	}
	mean /= float64(len(values))
	for _, v := range values {
		std += (float64(v) - mean) * (float64(v) - mean)
	}
	return mean, math.Sqrt(std / float64(len(values)))
}

// topClasses are the n classes with the largest logits, best first.
func topClasses(logits []float32, n int) []int {
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	return order[:n]
}

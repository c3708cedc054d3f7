package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math"
	"testing"

	"gourdian/internal/verdict"
)

// sample returns the parts of a small bundle that passes every check.
func sample(t testing.TB) (Manifest, map[string][]byte) {
	t.Helper()
	references, err := verdict.Quantise([][]float32{{1, 0, 0, 0.25}, {0, 1, 0, 0.5}, {0, 0, 1, -1}}, 2)
	if err != nil {
		t.Fatal(err)
	}
	tensor := make([]byte, tensorSize)
	for i := range tensor {
		tensor[i] = byte(i * i >> 3)
	}
	m := Manifest{
		Task: TaskGrade,
		Name: "patch <1> & calabazas",
		Classes: []Class{
			{"good", map[string]string{"en": "good", "es": "buena"}},
			{"bad", map[string]string{"en": "bad", "es": "mala"}},
		},
		Preprocess: "square/1-0123456789ab",
		Backbone:   "tiny 1",
		Variants: []Variant{
			{"int8", "graphs/int8.onnx", 1.5, []float64{0.5, 0.75}, "references/int8.bin", 1, 0.5, map[string]float64{"any": 0.1}},
			{"fp32", "graphs/fp32.onnx", 1.25, []float64{0.6, 0.9}, "references/fp32.bin", 2, 0.4, map[string]float64{"any": 0.001, "arm64": 0.002}},
		},
		Golden: []Golden{{"golden/0.rgb", map[string][]float32{"fp32": {1.5, -0.1}, "int8": {1.25, -0.25}}}},
		Provenance: Provenance{
			Kind: KindRendered, Images: 3, Groups: 2,
			Classes: map[string]int{"good": 2, "bad": 1}, Sources: []string{"field 1"}, Seed: math.MaxUint64,
		},
		Trained: "trained.sha256",
	}
	files := map[string][]byte{
		"graphs/fp32.onnx":    []byte("a graph"),
		"graphs/int8.onnx":    []byte("a smaller graph"),
		"references/fp32.bin": EncodeReferences(references),
		"references/int8.bin": EncodeReferences(references),
		"golden/0.rgb":        tensor,
		"trained.sha256":      EncodeHashes([][sha256.Size]byte{sha256.Sum256([]byte("b")), sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))}),
	}
	return m, files
}

func build(t testing.TB, m Manifest, files map[string][]byte) ([]byte, string) {
	t.Helper()
	var out bytes.Buffer
	id, err := Build(&out, m, files)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), id
}

func read(data []byte) (*Bundle, error) {
	return Read(bytes.NewReader(data), int64(len(data)))
}

// wantError checks that err is of the family and of no other member of it than want.
func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, ErrBundle) || !errors.Is(err, want) {
		t.Errorf("error %v, want one that wraps %v", err, want)
	}
}

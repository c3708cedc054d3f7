//go:build workers

package backbone

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/onnxgraph"
	"gourdian/internal/testbed"
	"gourdian/models/quantize"
)

// Hashes of the converted graphs: another hash is another model, whose bundles
// have other ids and whose embeddings can't be compared.
const (
	backboneSHA256   = "9d96935c69091b6810373d5d25631f415fcd06ff11e7fcfb402a1531b852e8e3"
	classifierSHA256 = "51a4cb337e13c87116acbc0d17eeb8fbdac3b124dbd8c35fbea88948eefc1eee"
	int8SHA256       = "0a5b8f28b3025b32f262befb3ca1b6cb9e28e923ad86773b44e1888415a82544"
	int8rrSHA256     = "f588831033ab533fea0ded2d26a1e778a8a1571e5ec4354612ae25a716659841"
)

// load is the float graph of the default backbone.
func load(t *testing.T, classifier bool) (Backbone, *onnxgraph.Model) {
	t.Helper()
	b, err := Find("")
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Load(testbed.Checkpoint(t), classifier)
	if err != nil {
		t.Fatal(err)
	}
	return b, m
}

func means(t *testing.T, b Backbone) quantize.Means {
	t.Helper()
	m, err := b.Means(testbed.Checkpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The 8-bit forms are a function of checkpoint and ranges: the same bytes on
// every machine, without a picture.
func TestQuantizationIsReproducible(t *testing.T) {
	t.Parallel()
	b, m := load(t, false)
	for name, want := range map[string]string{FP32: backboneSHA256, INT8: int8SHA256, INT8RR: int8rrSHA256} {
		form, err := b.Variant(m, means(t, b), name)
		if err != nil {
			t.Fatal(err)
		}
		file := onnxgraph.Encode(form)
		sum := sha256.Sum256(file)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: %d bytes with SHA-256 %s, expected %s", name, len(file), got, want)
		}
		again, err := onnxgraph.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := onnxgraph.Check(again); err != nil {
			t.Error(err)
		}
		types, err := onnxgraph.InferShapes(again)
		if err != nil {
			t.Fatal(err)
		}
		embedding := types[onnxgraph.OutputEmbedding]
		if embedding.Elem != onnxgraph.Float32 || !slices.Equal(embedding.Dims, []int64{1, int64(b.EmbeddingLen)}) {
			t.Errorf("%s: the embedding is %+v", name, embedding)
		}
		if name != FP32 && len(file) > 6<<20 {
			t.Errorf("%s: %d bytes, expected about 5 MB", name, len(file))
		}
	}
}

// Another backbone, other ranges or other rounding must be another key of the
// cache of embeddings.
func TestVariantsHaveTheirOwnID(t *testing.T) {
	t.Parallel()
	b, m := load(t, false)
	seen := map[string]bool{}
	for _, name := range Variants() {
		form, err := b.Variant(m, means(t, b), name)
		if err != nil {
			t.Fatal(err)
		}
		id := b.VariantID(name, form)
		if seen[id] || !strings.HasPrefix(id, b.ID()) {
			t.Errorf("%s has the id %q", name, id)
		}
		seen[id] = true
	}
	if !seen[b.ID()] {
		t.Error("fp32 lost the id under which its embeddings are cached")
	}
}

func TestConversionIsReproducible(t *testing.T) {
	t.Parallel()
	b, err := Find("")
	if err != nil {
		t.Fatal(err)
	}
	for classifier, want := range map[bool]string{false: backboneSHA256, true: classifierSHA256} {
		m, err := b.Load(testbed.Checkpoint(t), classifier)
		if err != nil {
			t.Fatal(err)
		}
		file := onnxgraph.Encode(m)
		sum := sha256.Sum256(file)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("classifier %v: %d bytes with SHA-256 %s, expected %s", classifier, len(file), got, want)
		}
		again, err := onnxgraph.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := onnxgraph.Check(again); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(onnxgraph.Encode(again), file) {
			t.Errorf("classifier %v: decoding and encoding changed the file", classifier)
		}
		types, err := onnxgraph.InferShapes(again)
		if err != nil {
			t.Fatal(err)
		}
		if got := types[onnxgraph.OutputEmbedding].Dims; !slices.Equal(got, []int64{1, int64(b.EmbeddingLen)}) {
			t.Errorf("the embedding has the shape %v", got)
		}
	}
}

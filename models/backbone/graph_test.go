//go:build workers

package backbone

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"gourdian/internal/onnxgraph"
	"gourdian/internal/testbed"
)

// Hashes of the converted graphs: another hash is another model, whose bundles
// have other ids and whose embeddings can't be compared.
const (
	backboneSHA256   = "9d96935c69091b6810373d5d25631f415fcd06ff11e7fcfb402a1531b852e8e3"
	classifierSHA256 = "51a4cb337e13c87116acbc0d17eeb8fbdac3b124dbd8c35fbea88948eefc1eee"
)

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

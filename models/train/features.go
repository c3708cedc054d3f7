package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"

	"gourdian/models/backbone"
	"gourdian/models/dataset"
)

// Embedded says what the backbone made of the pictures of a data set.
type Embedded struct {
	Images  int            `json:"images"`
	Skipped []dataset.Skip `json:"skipped"`
	// Digest is the SHA-256 of all embeddings with the hashes of their pictures.
	Digest string `json:"digest"`
}

// Embed looks at all pictures of the data and keeps in the cache what the
// backbone makes of them in each form, so that a Run after it decodes and infers
// nothing.
func Embed(ctx context.Context, c Config) (Embedded, error) {
	set, err := dataset.Open(c.Data, c.Renames)
	if err != nil {
		return Embedded{}, err
	}
	defer set.Close()
	set.ForTraining()
	b, err := backbone.Find(c.Backbone)
	if err != nil {
		return Embedded{}, err
	}
	forms, err := c.forms(b)
	if err != nil {
		return Embedded{}, err
	}
	x, stop, err := c.extractor(ctx, forms)
	if err != nil {
		return Embedded{}, err
	}
	defer stop()
	pictures, skipped, err := c.look(ctx, x, set)
	if err != nil {
		return Embedded{}, err
	}
	sum := sha256.New()
	for _, p := range pictures {
		sum.Write(p.SHA256[:])
		for network := range forms.names {
			for _, view := range p.Through(network).Views {
				addFloats(sum, view)
			}
		}
	}
	return Embedded{Images: len(pictures), Skipped: skipped, Digest: hex.EncodeToString(sum.Sum(nil))}, nil
}

func addFloats(sum hash.Hash, values []float32) {
	buffer := make([]byte, 0, 4*len(values))
	for _, v := range values {
		buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
	}
	sum.Write(buffer)
}

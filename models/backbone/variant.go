package backbone

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"gourdian/internal/onnxgraph"
	"gourdian/models/quantize"
)

// Names of the forms of a backbone, which are also those of a bundle's
// variants.
const (
	FP32   = "fp32"    // as it was trained
	INT8   = "int8"    // for processors with VNNI or of ARM
	INT8RR = "int8-rr" // with the reduced range, for AVX2 and AVX-512 without VNNI
)

// Variants lists the names of all forms, sorted.
func Variants() []string { return []string{FP32, INT8, INT8RR} }

//go:embed *.ranges
var rangeFiles embed.FS

// CheckVariants refuses unknown names and empty or repeated ones, and returns
// them sorted.
func CheckVariants(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("no variant: choose from %s", strings.Join(Variants(), ", "))
	}
	sorted := slices.Sorted(slices.Values(names))
	for i, name := range sorted {
		if !slices.Contains(Variants(), name) {
			return nil, fmt.Errorf("no variant %q: choose from %s", name, strings.Join(Variants(), ", "))
		}
		if i > 0 && name == sorted[i-1] {
			return nil, fmt.Errorf("variant %s twice", name)
		}
	}
	return sorted, nil
}

// ActivationRanges are the ranges that the 8-bit forms are made with.
func (b Backbone) ActivationRanges() (quantize.Ranges, error) {
	file, err := rangeFiles.ReadFile(b.RangesFile)
	if err != nil {
		return quantize.Ranges{}, fmt.Errorf("ranges of backbone %s: %w", b.Name, err)
	}
	r, err := quantize.ReadRanges(file)
	if err != nil {
		return quantize.Ranges{}, fmt.Errorf("ranges of backbone %s: %w", b.Name, err)
	}
	return r, nil
}

// Variant makes a form of the float graph that Load returned, which is not
// changed, with what Means returned. For FP32 it is a copy, to which a head may be appended.
func (b Backbone) Variant(m *onnxgraph.Model, means quantize.Means, name string) (*onnxgraph.Model, error) {
	var weights quantize.Weights
	switch name {
	case FP32:
		c, err := onnxgraph.Decode(onnxgraph.Encode(m))
		if err != nil {
			return nil, fmt.Errorf("copy backbone %s: %w", b.Name, err)
		}
		return c, nil
	case INT8:
		weights = quantize.FullRange
	case INT8RR:
		weights = quantize.ReducedRange
	default:
		return nil, fmt.Errorf("backbone %s has no variant %q, only %s", b.Name, name, strings.Join(Variants(), ", "))
	}
	ranges, err := b.ActivationRanges()
	if err != nil {
		return nil, err
	}
	q, err := quantize.Backbone(m, ranges, means, weights)
	if err != nil {
		return nil, fmt.Errorf("variant %s of backbone %s: %w", name, b.Name, err)
	}
	return q, nil
}

// VariantID names a form by its exact bytes, for caches of embeddings: other
// ranges, or another way to round, are another network. FP32 has the backbone's
// own ID.
func (b Backbone) VariantID(name string, m *onnxgraph.Model) string {
	if name == FP32 {
		return b.ID()
	}
	sum := sha256.Sum256(onnxgraph.Encode(m))
	return b.ID() + " " + name + "+sha256:" + hex.EncodeToString(sum[:])
}

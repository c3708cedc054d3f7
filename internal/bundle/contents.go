package bundle

import (
	"fmt"

	"gourdian/internal/verdict"
)

// tensorSize is the size of a golden tensor: uint8, 224 x 224 x RGB.
const tensorSize = 224 * 224 * 3

// checkContents reads every file that this package understands: references,
// golden tensors and hashes. Graphs are for the engine to judge.
func (m *Manifest) checkContents(read func(File) ([]byte, error)) error {
	list := make(map[string]File, len(m.Files))
	for _, f := range m.Files {
		list[f.Name] = f
	}
	for _, v := range m.Variants {
		data, err := read(list[v.References])
		if err != nil {
			return err
		}
		references, err := DecodeReferences(data, v.Neighbours)
		if err != nil {
			return fmt.Errorf("%s: %w", v.References, err)
		}
		params := m.params(v, references)
		if err := params.Validate(); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrVariant, v.Name, err)
		}
	}
	for _, g := range m.Golden {
		if size := list[g.Tensor].Size; size != tensorSize {
			return fmt.Errorf("%w: golden tensor %s has %d bytes, not %d", ErrContent, g.Tensor, size, tensorSize)
		}
	}
	data, err := read(list[m.Trained])
	if err != nil {
		return err
	}
	if _, err := DecodeHashes(data); err != nil {
		return fmt.Errorf("%s: %w", m.Trained, err)
	}
	return nil
}

func (m *Manifest) params(v Variant, references verdict.References) verdict.Params {
	classes := make([]string, len(m.Classes))
	for i, c := range m.Classes {
		classes[i] = c.Name
	}
	return verdict.Params{
		Classes:     classes,
		Temperature: v.Temperature,
		Thresholds:  v.Thresholds,
		References:  references,
		Novelty:     v.Novelty,
	}
}

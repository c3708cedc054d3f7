package onnxgraph

import "fmt"

// Decode reads a model. The model shares b's memory, which must not change
// afterwards. It takes at most MaxFile bytes, never panics, and returns errors
// that wrap ErrMalformed; whether the graph makes sense is Check's matter.
func Decode(b []byte) (*Model, error) {
	if len(b) > MaxFile {
		return nil, fmt.Errorf("decode ONNX: %w: %d bytes, the limit is %d", ErrMalformed, len(b), MaxFile)
	}
	m := new(Model)
	if err := new(decoder).decode(b, m); err != nil {
		return nil, fmt.Errorf("decode ONNX: %w", err)
	}
	if m.Graph == nil {
		return nil, fmt.Errorf("decode ONNX: %w: no graph", ErrMalformed)
	}
	return m, nil
}

// Encode writes a model. The same model always gives the same bytes, and a
// model as Decode returned it gives the bytes it came from, provided that they
// held no longer numbers than needed, as all writers do.
func Encode(m *Model) []byte { return encode(m).bytes() }

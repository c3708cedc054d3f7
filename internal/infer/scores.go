package infer

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Fit gives the slices of s the lengths that info says, keeping their memory
// where it suffices.
func (s *Scores) Fit(info *Info) {
	s.Embedding = fit(s.Embedding, info.EmbeddingLen)
	s.Logits = fit(s.Logits, info.Classes)
	if len(s.Extra) != len(info.Extra) {
		s.Extra = make([][]float32, len(info.Extra))
	}
	for i, output := range info.Extra {
		s.Extra[i] = fit(s.Extra[i], output.Len)
	}
}

func fit(values []float32, n int) []float32 {
	return slices.Grow(values[:0], n)[:n]
}

// Each calls visit for every output in the order of the wire: embedding,
// logits (which a bare backbone has not), then the extra outputs.
func (s *Scores) Each(visit func(values []float32)) {
	visit(s.Embedding)
	if len(s.Logits) > 0 {
		visit(s.Logits)
	}
	for _, values := range s.Extra {
		visit(values)
	}
}

// append writes the values behind b as little-endian float32.
func (s *Scores) append(b []byte) []byte {
	s.Each(func(values []float32) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	})
	return b
}

// read fills s, whose slices have their lengths, from b.
func (s *Scores) read(b []byte) error {
	want := 0
	s.Each(func(values []float32) { want += 4 * len(values) })
	if len(b) != want {
		return fmt.Errorf("%d bytes of scores, expected %d", len(b), want)
	}
	s.Each(func(values []float32) {
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		b = b[4*len(values):]
	})
	return nil
}

// Check refuses scores that are no numbers: a damaged graph or library.
func (s *Scores) Check() error {
	var err error
	s.Each(func(values []float32) {
		for i, v := range values {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				err = fmt.Errorf("value %d of %d is %v", i, len(values), v)
				return
			}
		}
	})
	return err
}

package bundle

import (
	"encoding/binary"
	"fmt"
	"math"

	"gourdian/internal/verdict"
)

// Layout of a references entry, little-endian; see docs/formats/bundle.md.
const (
	referencesMagic   = "GREF"
	referencesVersion = 1
	referencesHeader  = 16 // magic, version, rows, values in a row
)

// EncodeReferences writes references as an entry of a bundle. K is not part
// of it, the manifest holds it.
func EncodeReferences(r verdict.References) []byte {
	out := make([]byte, 0, referencesHeader+4*len(r.Scales)+len(r.Rows))
	out = append(out, referencesMagic...)
	out = binary.LittleEndian.AppendUint32(out, referencesVersion)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(r.Scales)))
	out = binary.LittleEndian.AppendUint32(out, uint32(r.Dim))
	for _, scale := range r.Scales {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(scale))
	}
	for _, v := range r.Rows {
		out = append(out, byte(v))
	}
	return out
}

// DecodeReferences reads what EncodeReferences wrote; k is the manifest's
// number of neighbours. Errors wrap ErrContent.
func DecodeReferences(data []byte, k int) (verdict.References, error) {
	if len(data) < referencesHeader || string(data[:4]) != referencesMagic {
		return verdict.References{}, fmt.Errorf("%w: no references", ErrContent)
	}
	if v := binary.LittleEndian.Uint32(data[4:]); v != referencesVersion {
		return verdict.References{}, fmt.Errorf("%w: references of version %d, not %d", ErrContent, v, referencesVersion)
	}
	n, dim := uint64(binary.LittleEndian.Uint32(data[8:])), uint64(binary.LittleEndian.Uint32(data[12:]))
	body := data[referencesHeader:]
	// Both are at most len(body), so that the product can't overflow.
	if n > uint64(len(body)) || dim > uint64(len(body)) || 4*n+n*dim != uint64(len(body)) {
		return verdict.References{}, fmt.Errorf("%w: %d references of %d values do not fill %d bytes", ErrContent, n, dim, len(body))
	}
	r := verdict.References{Dim: int(dim), K: k, Scales: make([]float32, n), Rows: make([]int8, n*dim)}
	for i := range r.Scales {
		r.Scales[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
	}
	for i, v := range body[4*n:] {
		r.Rows[i] = int8(v)
	}
	if err := r.Validate(); err != nil {
		return verdict.References{}, fmt.Errorf("%w: %w", ErrContent, err)
	}
	return r, nil
}

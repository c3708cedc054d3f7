package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// canonical is the one way to write a manifest: UTF-8 JSON, the keys of every
// object sorted, no space, nothing escaped that JSON lets stand, numbers as
// encoding/json prints them (the shortest digits that read back as the same
// float32 or float64).
func (m *Manifest) canonical() ([]byte, error) {
	ordered, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(ordered))
	decoder.UseNumber()
	var tree any // maps are printed with their keys sorted
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(tree); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// parseManifest reads an untrusted manifest. The version is looked at first,
// so that a newer bundle is called newer and not wrong. Unknown fields are
// refused: a field that this program does not know could change what the
// others mean; new fields come with a new format version.
func parseManifest(data []byte) (*Manifest, error) {
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	m := &Manifest{Format: version.Format}
	if err := m.checkVersion(); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more than one value", ErrManifest)
	}
	again, err := m.canonical()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("%w: not written in the canonical way", ErrManifest)
	}
	return m, nil
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func parseHash(s string) ([sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(sum) || hex.EncodeToString(raw) != s {
		return sum, fmt.Errorf("%q is no SHA-256 in lower-case hex", s)
	}
	return [sha256.Size]byte(raw), nil
}

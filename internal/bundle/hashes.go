package bundle

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"sort"
)

// HashSet is a set of SHA-256 sums. The zero value is empty.
type HashSet struct{ sorted [][sha256.Size]byte }

// Len is the number of different sums.
func (s HashSet) Len() int { return len(s.sorted) }

// Has reports whether the sum is in the set.
func (s HashSet) Has(sum [sha256.Size]byte) bool {
	_, found := sort.Find(len(s.sorted), func(i int) int { return bytes.Compare(sum[:], s.sorted[i][:]) })
	return found
}

// EncodeHashes writes sums, in any order and with any repeated, as an entry of
// a bundle: sorted, each once, 32 bytes each.
func EncodeHashes(sums [][sha256.Size]byte) []byte {
	sorted := slices.Clone(sums)
	slices.SortFunc(sorted, func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
	sorted = slices.Compact(sorted)
	out := make([]byte, 0, len(sorted)*sha256.Size)
	for _, sum := range sorted {
		out = append(out, sum[:]...)
	}
	return out
}

// DecodeHashes reads what EncodeHashes wrote. Errors wrap ErrContent.
func DecodeHashes(data []byte) (HashSet, error) {
	if len(data)%sha256.Size != 0 {
		return HashSet{}, fmt.Errorf("%w: %d bytes are no list of hashes", ErrContent, len(data))
	}
	set := HashSet{make([][sha256.Size]byte, len(data)/sha256.Size)}
	for i := range set.sorted {
		set.sorted[i] = [sha256.Size]byte(data[i*sha256.Size:])
		if i > 0 && bytes.Compare(set.sorted[i-1][:], set.sorted[i][:]) >= 0 {
			return HashSet{}, fmt.Errorf("%w: hashes are not sorted, or one is twice there", ErrContent)
		}
	}
	return set, nil
}

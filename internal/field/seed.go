package field

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// Realms keep what is rendered for one purpose apart from what is rendered for
// another: the same seed gives different fruit, places and light in each, so a
// model never meets in the field a fruit that it was trained on.
const (
	realmTraining = "gourdian field 1: training"
	realmScene    = "gourdian field 1: scene"
	realmPhoto    = "gourdian field 1: photo"
	realmTexture  = "gourdian field 1: texture"
)

// source returns the random numbers of one thing: the realm, the seed and the
// path to the thing (plant 12, view 3) decide them, and nothing drawn for
// another thing does.
func source(realm string, seed uint64, path ...uint64) *rand.Rand {
	buf := append([]byte(realm), 0)
	buf = binary.LittleEndian.AppendUint64(buf, seed)
	for _, p := range path {
		buf = binary.LittleEndian.AppendUint64(buf, p)
	}
	sum := sha256.Sum256(buf)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[0:]), binary.LittleEndian.Uint64(sum[8:])))
}

// dice draws the numbers that things are made of.
type dice struct{ *rand.Rand }

// between is uniform in [lo, hi).
func (d dice) between(lo, hi float64) float64 { return lo + (hi-lo)*d.Float64() }

// around is normal about mid, cut off at two standard deviations.
func (d dice) around(mid, spread float64) float64 {
	return mid + spread*clamp(d.NormFloat64(), -2, 2)
}

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// angle is uniform over the circle.
func (d dice) angle() float64 { return d.between(0, 2*math.Pi) }

// place is a random spot in the noise lattice, so that each thing has its own texture.
func (d dice) place() vec {
	return vec{d.between(0, latticeSide), d.between(0, latticeSide), d.between(0, latticeSide)}
}

// choose returns one of the values.
func choose[T any](d dice, values ...T) T { return values[d.IntN(len(values))] }

package sampling

import (
	"slices"
	"time"

	"gourdian/internal/quality"
	"gourdian/internal/wire"
)

const (
	// sameScene is the largest distance of the fingerprints of two pictures of
	// one zone that teach the same. It is stricter than the gate's, and the
	// hub's own.
	sameScene = quality.NearDuplicate - 2
	// nearby is how far apart in time they may be: light repeats every day.
	nearby = 12 * time.Hour
	// Remembered is how many pictures are remembered.
	Remembered = 256
)

// Recent remembers the pictures that were chosen last. The zero value
// remembers none.
type Recent struct {
	ring []look
	next int
}

type look struct {
	hash, camera, zone string
	at                 time.Time
	print              quality.Fingerprint
}

// Add remembers a chosen picture.
func (r *Recent) Add(s wire.Sample, print quality.Fingerprint) {
	l := look{s.Hash, s.Camera, s.Zone, s.CapturedAt, print}
	if len(r.ring) < Remembered {
		r.ring = append(r.ring, l)
		return
	}
	r.ring[r.next] = l
	r.next = (r.next + 1) % Remembered
}

// Repeats reports whether a picture teaches nothing beyond one that was chosen:
// it is the same, or looks the same. The farmer's corrections and the random
// share are only held to the former.
func (r *Recent) Repeats(s wire.Sample, print quality.Fingerprint) bool {
	lenient := s.Why == wire.WhyCorrection || s.Why == wire.WhyRandom
	return slices.ContainsFunc(r.ring, func(l look) bool {
		if l.hash == s.Hash {
			return s.Why != wire.WhyCorrection
		}
		return !lenient && print != 0 && l.print != 0 && l.camera == s.Camera && l.zone == s.Zone &&
			l.at.Sub(s.CapturedAt).Abs() <= nearby && l.print.Distance(print) <= sameScene
	})
}

package field

import (
	"fmt"
	"math"

	"gourdian/internal/vision"
)

// Spec asks for one photo of a patch of ground.
type Spec struct {
	Seed  uint64
	Size  int // side of the square photo, 64..2048 pixels
	Count int // things that lie in it, 0..12
}

// Picture is a rendered photo with the truth about what lies in it, the farthest
// thing first. A thing may hide a part of one behind it; its box is what the
// whole thing would take.
type Picture struct {
	Image  *vision.Image
	Things []Thing
}

// strangers is the share of things in a photo that are no pumpkins.
const strangers = 0.2

// Photo renders a patch of ground with several things on it, none where another
// stands.
func Photo(spec Spec) (*Picture, error) {
	if spec.Size < 64 || spec.Size > 2048 {
		return nil, fmt.Errorf("photo: size %d: must be 64 to 2048 pixels", spec.Size)
	}
	if spec.Count < 0 || spec.Count > 12 {
		return nil, fmt.Errorf("photo: %d things: must be 0 to 12", spec.Count)
	}
	st := newStudio()
	d := dice{source(realmPhoto, spec.Seed)}
	reach := 0.16 + 0.17*math.Sqrt(float64(spec.Count))
	s := newStill(d, view(d, spec.Size, 2*reach, 0.2, 0.8))
	var taken []body
	for i := range spec.Count {
		thing := dice{source(realmPhoto, spec.Seed, 1, uint64(i))}
		sp := stranger(thing)
		if !thing.chance(strangers) {
			sp = pumpkin(thing, st.tex, choose(thing, Varieties()...), choose(thing, Good, Regular, Bad))
		}
		for range 60 {
			spot := vec{Y: reach * 0.8 * math.Sqrt(d.Float64())}.turnZ(d.angle())
			if free(taken, spot, sp.size) {
				taken = append(taken, body{spot, sp.size})
				s.place(st, sp, spot, 0)
				break
			}
		}
	}
	s.furnish(st, d, reach)
	im, things := s.finish(st, d)
	return &Picture{im, things}, nil
}

func stranger(d dice) *specimen { return lookalike(d, choose(d, lookalikeKinds()...)) }

// free reports whether a thing of a radius fits on a spot beside the others.
func free(taken []body, spot vec, radius float64) bool {
	for _, b := range taken {
		if b.at.sub(spot).length() < 1.25*(b.radius+radius) {
			return false
		}
	}
	return true
}

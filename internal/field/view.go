package field

import "math"

// view draws a camera that sees a thing of the given width (metres), filling
// that share of the picture's side.
func view(d dice, side int, width, height, fill float64) camera {
	fov := d.between(0.45, 0.85)
	distance := width / (fill * 2 * math.Tan(fov/2))
	pitch := d.between(0.28, 0.78)
	if d.chance(0.2) {
		pitch = d.between(0.78, 1.25)
	}
	away := vec{0, -math.Cos(pitch), math.Sin(pitch)}.turnZ(d.between(-0.25, 0.25))
	target := vec{d.around(0, 0.05*width), 0, height * 0.45}
	return lookAt(target.along(away, distance), target, fov, side, side)
}

// weatherOf draws a day: half of them clear.
func weatherOf(d dice) weather {
	w := weather{haze: d.between(0, 0.6)}
	switch {
	case d.chance(0.25):
		w.cloud = d.between(0.75, 1)
	case d.chance(0.3):
		w.cloud = d.between(0.1, 0.7)
	}
	if w.cloud > 0.6 && d.chance(0.35) {
		w.rain = d.between(0.3, 1)
	}
	return w
}

// lightOf draws the light of a working day, morning to evening.
func lightOf(d dice, w weather) light {
	lt := daylight(sunAt(d.between(7.2, 18.0), d.between(0.65, 1.1)), w)
	turn := d.between(-0.9, 0.9) // cameras do not all look north
	lt.towards = lt.towards.turnZ(turn)
	if d.chance(0.4) {
		lt.dapple = dapple{
			strength: d.between(0.35, 0.85), density: d.between(-0.3, 0.25), scale: d.between(5, 14),
			edge: d.between(0.06, 0.3), shift: d.place(),
		}
	}
	lt.expose(d.around(-0.05, 0.22))
	return lt
}

// furnish strews what lies about on such ground.
func (s *still) furnish(st *studio, d dice, clear float64) {
	g := &garden{d: d, tex: st.tex, cam: &s.cam, clear: clear, reach: 0.85}
	age := d.Float64() * d.Float64()
	switch s.ground.kind {
	case soilGround:
		g.clods(d.IntN(60), srgb(0x6b4f38).mix(srgb(0x8c6f52), d.Float64()))
		g.straws(d.IntN(40))
		g.blades(d.IntN(7), d.between(0.05, 0.14))
		if d.chance(0.7) {
			g.leaves(2+d.IntN(16), age, 0.16)
		}
		if d.chance(0.5) {
			g.vine()
		}
	case grassGround:
		g.blades(20+d.IntN(40), d.between(0.04, 0.12))
		g.dryLeaves(d.IntN(14))
		if d.chance(0.35) {
			g.leaves(2+d.IntN(8), age, 0.14)
		}
	case strawGround:
		g.straws(60 + d.IntN(120))
		if d.chance(0.3) {
			g.leaves(1+d.IntN(5), age, 0.1)
		}
	case gravelGround:
		g.clods(d.IntN(20), srgb(0x8d877c))
		g.dryLeaves(d.IntN(10))
		g.blades(d.IntN(5), 0.08)
	default:
		if d.chance(0.5) {
			g.dryLeaves(d.IntN(12))
		}
		g.straws(d.IntN(24))
		g.clods(d.IntN(8), srgb(0x6b4f38))
	}
	s.props = append(s.props, g.props...)
}

// newStill draws the place of a picture.
func newStill(d dice, cam camera) *still {
	return &still{cam: cam, ground: groundOf(d), hedge: d.place(), warm: d.Float64()}
}

// spanOf is the width and height of a specimen as it lies, metres.
func spanOf(sp *specimen) (width, height float64) {
	if f, ok := sp.model.(*fruit); ok {
		return 2 * sp.size * max(1, f.shape.flat), 2 * sp.size * f.shape.flat
	}
	return 2 * sp.size, 1.5 * sp.size
}

package field

import "math"

// model is anything that can be cut into pieces for a camera.
type model interface {
	// grow returns the surfaces of the thing standing in the frame.
	grow(tex *noise, cam *camera, fr frame) []*patch
	// rest is the height of the frame's origin over the ground, in sizes.
	rest(tex *noise, fr frame) float64
}

// specimen is one thing to be shown, with its truth; it is the same thing in
// every picture that shows it.
type specimen struct {
	truth Thing // its box is set where it is shown
	model model
	size  float64 // metres: the radius of a round thing
	lie   frame   // how it lies: turned and tilted, about the origin
}

// at returns the frame that puts the specimen on a spot of a flat place, turned
// further about the vertical.
func (s *specimen) at(tex *noise, spot vec, turn float64) frame {
	fr := frame{x: s.lie.x.turnZ(turn), y: s.lie.y.turnZ(turn), z: s.lie.z.turnZ(turn), size: s.size}
	fr.at = spot.add(vec{Z: s.model.rest(tex, fr) * s.size * 0.985})
	return fr
}

// pumpkin draws a fruit of a variety and a grade. Its flaws are on the side that
// a camera in the south (-y), a little above, can see.
func pumpkin(d dice, tex *noise, v Variety, class Class) *specimen {
	f := &fruit{shape: shapeOf(d, v), skin: skinOf(d, v), stem: stemOf(d, v), dirtAt: d.place()}
	f.dirt = max(0, d.between(-0.3, 0.75))
	s := &specimen{model: f, size: d.around(0.145, 0.03), lie: lieOf(d)}
	if v == White || v == Striped || v == Green {
		s.size *= 0.85
	}
	switch class {
	case Regular:
		f.slightFlaws(d, v, s.lie)
	case Bad:
		f.severeFlaws(d, s.lie)
	default:
		if d.chance(0.3) {
			f.flaws = append(f.flaws, newFlaw(d, Freckle, facing(d, s.lie, f, 0.9), d.between(0.08, 0.16)))
		}
	}
	f.radius = s.size
	s.truth = Thing{Class: class, Kind: "pumpkin", Variety: v, Defects: f.settle(tex, s, class)}
	return s
}

// lieOf draws how a fruit lies: mostly upright, sometimes on its side.
func lieOf(d dice) frame {
	lean := math.Abs(d.around(0, 0.14))
	if d.chance(0.22) {
		lean = d.between(0.35, 1.15)
	}
	return upright(vec{}, d.angle(), 1).tilted(lean, d.angle())
}

// facing draws a direction on a fruit, in its own frame, that the camera in the
// south sees well; spread is the largest angle from the middle of that side.
func facing(d dice, lie frame, f *fruit, spread float64) vec {
	rise := d.between(0.25, 0.75)
	mid := vec{0, -math.Cos(rise), math.Sin(rise)}
	u, v := mid.aside()
	a, r := d.angle(), spread*math.Sqrt(d.Float64())
	q := lie.local(mid.scale(math.Cos(r)).add(u.scale(math.Sin(r) * math.Cos(a))).add(v.scale(math.Sin(r) * math.Sin(a))))
	return vec{q.X, q.Y, q.Z * f.shape.flat}.unit()
}

func newFlaw(d dice, kind DefectKind, centre vec, size float64) flaw {
	fl := flaw{kind: kind, centre: centre, size: size, place: d.place(), tone: d.Float64()}
	u, v := centre.aside()
	s, c := math.Sincos(d.around(math.Pi/2, 0.5)) // mostly along the ribs
	fl.along = u.scale(c).add(v.scale(s)).unit()
	if kind == Lesion || kind == Freckle {
		n := int(lerp(14, 60, min(size, 1)))
		for range n {
			a, r := d.angle(), size*math.Sqrt(d.Float64())
			q := centre.scale(math.Cos(r)).add(u.scale(math.Sin(r) * math.Cos(a))).add(v.scale(math.Sin(r) * math.Sin(a)))
			fl.spots = append(fl.spots, q.unit())
		}
	}
	return fl
}

func (f *fruit) slightFlaws(d dice, v Variety, lie frame) {
	kinds := []DefectKind{Scar, Scar, Unripe, Rub, Freckle}
	if v == Green || v == Striped { // freckles are lost among their flecks
		kinds = kinds[:4]
	}
	for k := range 1 + d.IntN(2) {
		kind := choose(d, kinds...)
		size := map[DefectKind][2]float64{
			Scar: {0.45, 0.85}, Freckle: {0.55, 1.0}, Unripe: {0.6, 1.1}, Rub: {0.42, 0.75},
		}[kind]
		spread := 0.35 + 0.35*float64(k)
		fl := newFlaw(d, kind, facing(d, lie, f, spread), d.between(size[0], size[1]))
		fl.col = srgb(0x5d7326)
		if v == Green {
			fl.col = srgb(0xc48a30)
		}
		f.flaws = append(f.flaws, fl)
	}
	if d.chance(0.3) { // crooked as well
		f.shape.lump, f.shape.taper = d.between(0.08, 0.14), d.between(-0.2, 0.3)
	}
}

func (f *fruit) severeFlaws(d dice, lie frame) {
	kinds := []DefectKind{Rot, Rot, Mould, Mould, Crack, Frost, Lesion, Sunken}
	f.skin.gloss *= 0.8
	for k := range 1 + d.IntN(3) {
		kind := choose(d, kinds...)
		size := map[DefectKind][2]float64{
			Rot: {0.42, 0.85}, Mould: {0.42, 0.85}, Crack: {0.7, 1.1}, Frost: {0.8, 1.5}, Lesion: {0.6, 1.1}, Sunken: {0.6, 1.4},
		}[kind]
		f.flaws = append(f.flaws, newFlaw(d, kind, facing(d, lie, f, 0.3+0.35*float64(k)), d.between(size[0], size[1])))
		if kind == Sunken {
			f.shape.sag = max(f.shape.sag, d.between(0.5, 1))
		}
	}
	if d.chance(0.35) {
		f.shape.sag = max(f.shape.sag, d.between(0.15, 0.5))
	}
}

// What a grade must show of its defects, as a share of the visible skin: a
// person has to see at a glance why a fruit is not good.
const (
	leastLight  = 0.06
	mostLight   = 0.45
	leastSevere = 0.09
)

// settle enlarges the flaws until the fruit shows them as its grade asks, and
// returns them with their measured extents.
func (f *fruit) settle(tex *noise, s *specimen, class Class) []Defect {
	ra := new(raster)
	for range 5 {
		light, severe := f.measure(ra, tex, s, f.flaws)
		factor := 1.0
		switch {
		case class == Regular && light < leastLight, class == Bad && severe < leastSevere:
			factor = 1.3
		case class == Regular && light > mostLight:
			factor = 0.8
		}
		if factor == 1 {
			break
		}
		for i := range f.flaws {
			f.flaws[i].size *= factor
		}
	}
	out := make([]Defect, 0, len(f.flaws))
	for i := range f.flaws {
		light, severe := f.measure(ra, tex, s, f.flaws[i:i+1])
		out = append(out, Defect{Kind: f.flaws[i].kind, Severe: f.flaws[i].kind.Severe(), Share: light + severe})
	}
	return out
}

// measure returns the shares of visible skin that some flaws take, on a small
// picture from the south.
func (f *fruit) measure(ra *raster, tex *noise, s *specimen, flaws []flaw) (light, severe float64) {
	g := *f
	g.flaws, g.stem, g.dirt = flaws, stem{}, 0
	fr := s.at(tex, vec{}, 0)
	cam := lookAt(fr.at.add(vec{0, -6 * s.size, 3 * s.size}), fr.at, 0.42, 56, 56)
	l := ra.draw(&cam, g.grow(tex, &cam, fr))
	if l == nil || l.cover.area == 0 {
		return 0, 0
	}
	return l.cover.light / l.cover.area, l.cover.severe / l.cover.area
}

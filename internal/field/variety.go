package field

import "math"

// Variety names a kind of pumpkin by its looks.
type Variety string

// The varieties that can be rendered.
const (
	Orange  Variety = "orange"  // round, moderately ribbed: the one for carving
	Flat    Variety = "flat"    // flattened, deep ribs, deep orange-red
	White   Variety = "white"   // pale "ghost"
	Green   Variety = "green"   // dark green, flecked: ripe as it is
	Striped Variety = "striped" // cream with green or orange stripes
	Warty   Variety = "warty"   // orange, covered with warts
)

// Varieties returns all of them, in a fixed order.
func Varieties() []Variety { return []Variety{Orange, Flat, White, Green, Striped, Warty} }

// skin is how a sound fruit's surface looks.
type skin struct {
	base, deep, pale vec // back of the ribs, grooves, streaks
	gloss            float64
	streak           float64 // strength of the fine lines along the ribs
	mottle           float64 // strength of the soft change of tone
	fleck            float64 // pale flecks and bands
	fleckCol         vec
	band             float64 // strength of the stripes
	bandCol          vec
	wart             float64 // height of the warts, share of the radius
	wartCol          vec
	warts            []vec
	neck             vec     // tint about the stem
	place            vec     // in the noise
	netting          float64 // corky net, as on a melon
	bloom            float64 // waxy grey
}

// shapeOf draws the form of a fruit of a variety.
func shapeOf(d dice, v Variety) shape {
	s := shape{
		flat: d.between(0.76, 1.0), ribs: 9 + d.IntN(8), depth: d.between(0.05, 0.12), round: d.between(0, 0.6),
		dimple: d.between(0.14, 0.24), foot: 0.18, taper: d.between(-0.05, 0.10), lump: d.between(0.02, 0.06),
		place: d.place(), uneven: d.between(0.03, 0.08), sagPlace: d.place(),
	}
	switch v {
	case Flat:
		s.flat, s.ribs, s.depth, s.round = d.between(0.46, 0.60), 10+d.IntN(6), d.between(0.13, 0.20), d.between(0, 0.4)
		s.dimple, s.taper = d.between(0.26, 0.36), 0
	case White:
		s.flat, s.depth = d.between(0.68, 0.95), d.between(0.04, 0.10)
	case Green:
		s.flat, s.ribs, s.depth = d.between(0.58, 0.76), 8+d.IntN(5), d.between(0.03, 0.08)
	case Striped:
		s.flat, s.ribs, s.depth, s.round = d.between(0.54, 0.72), 9+d.IntN(4), d.between(0.10, 0.16), d.between(0, 0.3)
		s.dimple = d.between(0.2, 0.3)
	case Warty:
		s.depth = d.between(0.03, 0.08)
	}
	for k := range s.warp {
		s.warp[k], s.phase[k] = d.between(0, 0.07), d.angle()
	}
	return s
}

// skinOf draws the colours of a fruit of a variety.
func skinOf(d dice, v Variety) skin {
	s := skin{gloss: d.between(0.22, 0.42), streak: d.between(0.06, 0.16), mottle: d.between(0.10, 0.22), place: d.place()}
	switch v {
	case Flat:
		s.base = srgb(0xdb5a14).mix(srgb(0xc8441a), d.Float64())
		s.deep, s.pale, s.neck = srgb(0x9a2c0c), srgb(0xee8a3c), srgb(0xa8742c)
		s.bloom = d.between(0, 0.18)
	case White:
		s.base = srgb(0xe9e2cc).mix(srgb(0xdfdccf), d.Float64())
		s.deep, s.pale, s.neck = srgb(0xb9ac86), srgb(0xf4f0e4), srgb(0xb3ad7c)
		s.streak, s.mottle = s.streak*0.6, s.mottle*0.6
	case Green:
		s.base = srgb(0x2f4a26).mix(srgb(0x3d5530), d.Float64())
		s.deep, s.pale, s.neck = srgb(0x1c3018), srgb(0x5a7048), srgb(0x6b7a4c)
		s.fleck, s.fleckCol = d.between(0.45, 0.9), srgb(0x8fa37a)
		s.band, s.bandCol = d.between(0.35, 0.75), srgb(0x7e9070)
	case Striped:
		s.base = srgb(0xe6d3a0).mix(srgb(0xe2b25a), d.Float64())
		s.deep, s.pale, s.neck = srgb(0xc0a468), srgb(0xf0e4c0), srgb(0x8c8a4c)
		s.band, s.bandCol = d.between(0.8, 1), choose(d, srgb(0x3f5a26), srgb(0xd2621c), srgb(0x52682e))
		s.fleck, s.fleckCol = d.between(0.2, 0.5), srgb(0xf0e6c8)
	case Warty:
		s.base = srgb(0xe0761c).mix(srgb(0xd65f1a), d.Float64())
		s.deep, s.pale, s.neck = srgb(0xa84a12), srgb(0xf0a04c), srgb(0x8d7a34)
		s.wart, s.wartCol = d.between(0.045, 0.075), choose(d, srgb(0xe8b878), srgb(0x7f8a3c), srgb(0xd98a3a))
		for range 70 + d.IntN(80) {
			s.warts = append(s.warts, randomDirection(d))
		}
	default:
		s.base = srgb(0xe57a12).mix(srgb(0xd9641a), d.Float64())
		s.deep, s.pale, s.neck = srgb(0xa9480c), srgb(0xf2a544), srgb(0x94802e)
	}
	return s
}

// randomDirection is uniform over the sphere.
func randomDirection(d dice) vec {
	z := d.between(-1, 1)
	return vec{math.Sqrt(1 - z*z), 0, z}.turnZ(d.angle())
}

// colour returns the sound skin at the unit direction q: lat from the stem, back
// the place in the rib.
func (s *skin) colour(tex *noise, q vec, lat, back float64) (col vec, gloss, lift float64) {
	o := s.place
	sin := math.Sqrt(max(1-q.Z*q.Z, 1e-9))
	cx, cy := q.X/sin, q.Y/sin
	broad := tex.cloudy(q.scale(1.8).add(o), 3)
	col = s.base.mix(s.deep, clamp(0.75*(1-back)*(1-back)+s.mottle*broad, 0, 1))
	if broad > 0 {
		col = col.mix(s.pale, s.mottle*broad)
	}
	// Fine lines from stem to flower, as on every pumpkin seen close.
	line := tex.at(cx*21+o.X, cy*21+o.Y, lat*1.2)
	fine := tex.at(cx*58+o.Y, cy*58+o.X, lat*3)
	streak := (0.6*line + 0.5*fine) * sin
	if streak > 0 {
		col = col.mix(s.pale, s.streak*2.2*streak)
	} else {
		col = col.mix(s.deep, -s.streak*1.8*streak)
	}
	pore := tex.at(q.X*44+o.Z, q.Y*44, q.Z*44)
	col = col.mix(s.pale, 0.35*step(0.62, 0.85, pore))
	if s.band > 0 {
		col = s.banded(tex, q, lat, back, col)
	}
	if s.fleck > 0 {
		f := tex.cloudy(vec{q.X * 11, q.Y * 11, q.Z * 8}.add(o), 3)
		col = col.mix(s.fleckCol, s.fleck*step(0.18, 0.36, f)*0.8)
	}
	blossom := step(math.Pi-0.13, math.Pi-0.05, lat+0.05*line)
	col = col.mix(srgb(0x6f5433), 0.85*blossom)
	near := step(0.55, 0.12, lat+0.12*broad)
	col = col.mix(s.neck, 0.7*near)
	if s.bloom > 0 {
		col = col.mix(srgb(0xd8cfc6), s.bloom*step(-0.2, 0.4, broad))
	}
	gloss = s.gloss * (1 - 0.4*near)
	if s.wart > 0 {
		col, lift = s.warted(tex, q, col)
	}
	// A shade of shape in the fine lines keeps the sheen from looking like plastic.
	lift += (0.0022*line + 0.0012*fine) * sin
	return col, gloss, lift
}

// banded lays stripes along the grooves, broken and feathered.
func (s *skin) banded(tex *noise, q vec, lat, back float64, col vec) vec {
	torn := tex.cloudy(vec{q.X * 7, q.Y * 7, q.Z * 4}.add(s.place), 4)
	in := step(0.62, 0.40, back+0.55*torn)
	in *= 0.35 + 0.65*step(0.1, 0.5, lat)
	return col.mix(s.bandCol, s.band*in)
}

// warted raises rounded bumps.
func (s *skin) warted(tex *noise, q vec, col vec) (vec, float64) {
	lift := 0.0
	for i := range s.warts {
		d := q.sub(s.warts[i])
		dd := d.dot(d)
		r := 0.05 + 0.09*spotSize(i)
		if dd > r*r*1.3 {
			continue
		}
		e := math.Sqrt(dd)/r + 0.15*tex.at(q.X*18, q.Y*18, q.Z*18)
		in := step(1.05, 0.25, e)
		lift = max(lift, s.wart*math.Sqrt(in)*r/0.1)
		col = col.mix(s.wartCol, 0.55*step(0.9, 0.3, e))
	}
	return col, lift
}

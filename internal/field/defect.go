package field

import "math"

// DefectKind names what is wrong with a fruit.
type DefectKind string

// Light defects make a fruit regular, severe ones bad.
const (
	Scar    DefectKind = "scar"    // healed, corky, tan lines
	Freckle DefectKind = "freckle" // many small brown spots
	Unripe  DefectKind = "unripe"  // green patches
	Rub     DefectKind = "rub"     // pale flattened patch where it lay or rubbed
	Rot     DefectKind = "rot"     // brown, sunken, wet, with rings
	Mould   DefectKind = "mould"   // white to grey-green fuzz
	Crack   DefectKind = "crack"   // open split down to the flesh
	Frost   DefectKind = "frost"   // dark, glassy, water-soaked skin
	Lesion  DefectKind = "lesion"  // many black sunken spots (anthracnose)
	Sunken  DefectKind = "sunken"  // the whole fruit has collapsed
)

// Severe reports whether a defect of this kind makes a fruit bad.
func (k DefectKind) Severe() bool {
	switch k {
	case Rot, Mould, Crack, Frost, Lesion, Sunken:
		return true
	}
	return false
}

// flaw is one defect on the skin: where and how large.
type flaw struct {
	kind   DefectKind
	centre vec     // unit direction from the middle of the fruit
	size   float64 // radius as an angle, radians
	along  vec     // direction on the skin in which long flaws run
	place  vec     // in the noise
	tone   float64 // 0..1, which of its looks it takes
	col    vec     // of an unripe patch
	spots  []vec   // for kinds made of many spots: unit directions
}

// finish is what flaws change about a point of skin.
type finish struct {
	col          vec
	gloss, lift  float64 // lift: outwards, share of the radius
	light, harsh float64 // share of light and of severe defect
	shut         float64 // how much a fold closes the point to the sky
}

// apply lays one flaw over the skin at the unit direction q.
func (f *flaw) apply(tex *noise, q vec, s *finish) {
	if f.kind == Sunken {
		f.sunken(tex, q, s)
		return
	}
	c := q.dot(f.centre)
	if c < math.Cos(min(f.size*2.2+0.15, math.Pi)) {
		return
	}
	d := math.Acos(clamp(c, -1, 1)) / f.size
	switch f.kind {
	case Rot:
		f.rot(tex, q, d, s)
	case Mould:
		f.mould(tex, q, d, s)
	case Crack:
		f.crack(tex, q, s)
	case Frost:
		f.frost(tex, q, d, s)
	case Lesion:
		f.lesion(tex, q, d, s)
	case Scar:
		f.scar(tex, q, s)
	case Freckle:
		f.freckle(tex, q, d, s)
	case Unripe:
		f.unripe(tex, q, s)
	case Rub:
		f.rub(tex, q, s)
	}
}

// edgy is the distance from the centre in radii, with a ragged outline.
func (f *flaw) edgy(tex *noise, q vec, d, grain, ragged float64) float64 {
	return d + ragged*tex.cloudy(q.scale(grain).add(f.place), 4)
}

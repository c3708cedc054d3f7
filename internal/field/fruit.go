package field

import "math"

// fruit is one pumpkin, ready to be grown at a place.
type fruit struct {
	shape  shape
	skin   skin
	coat   coat // where set, the surface of something else than a pumpkin
	stem   stem
	flaws  []flaw
	dirt   float64 // soil on the lower skin, 0..1
	dirtAt vec
	radius float64 // metres
}

// coat is the look of a round thing: colour, gloss and height (share of the
// radius) at a direction from its middle.
type coat func(tex *noise, q vec, lat, lon float64) (col vec, gloss, lift float64)

// rest returns how high the middle of the fruit is above what it lies on, in a
// frame that says how it lies; in units of the frame's size.
func (f *fruit) rest(tex *noise, fr frame) float64 {
	low := 0.0
	for i := range 17 {
		r := f.shape.ringAt(math.Pi * float64(i) / 16)
		for j := range 24 {
			p, _ := f.shape.at(tex, &r, 2*math.Pi*float64(j)/24)
			low = min(low, fr.direction(p).Z)
		}
	}
	return -low
}

// grow cuts the fruit into pieces for a camera. The frame's origin is the middle
// of the fruit; its size is the fruit's radius.
func (f *fruit) grow(tex *noise, cam *camera, fr frame) []*patch {
	depth := cam.depthOf(fr.at)
	cols := cam.pieces(2*math.Pi*fr.size*0.62, depth, 64, 900)
	rows := cols*9/20 + 1
	p := newPatch(cols, rows, true)
	eye := fr.local(cam.at.sub(fr.at)).scale(1 / fr.size)
	for r := range rows {
		lat := math.Pi * float64(r) / float64(rows-1)
		around := f.shape.ringAt(lat)
		for c := range cols {
			f.point(tex, fr, eye, lat, &around, 2*math.Pi*float64(c)/float64(cols), &p.v[r*cols+c])
		}
	}
	p.bend(-1)
	p.poles()
	p.cavities()
	out := []*patch{p}
	if f.stem.length > 0 {
		out = append(out, f.stem.grow(tex, cam, fr, f.seat(tex)))
	}
	return out
}

// seat is the height at which the stem stands, in radii.
func (f *fruit) seat(tex *noise) float64 {
	r := f.shape.ringAt(0.02)
	p, _ := f.shape.at(tex, &r, 0)
	return p.Z
}

func (f *fruit) point(tex *noise, fr frame, eye vec, lat float64, around *ring, lon float64, v *vertex) {
	p, back := f.shape.at(tex, around, lon)
	sinLon, cosLon := math.Sincos(lon)
	q := vec{around.sin * cosLon, around.sin * sinLon, around.cos}
	// A flattened fruit's skin faces more upwards than its direction.
	facing := vec{q.X, q.Y, q.Z / f.shape.flat}.unit()
	v.hidden = facing.dot(eye.sub(p).unit()) < -0.35
	if v.hidden {
		v.p, v.open = fr.point(p), 1
		return
	}
	var s finish
	var lift float64
	if f.coat != nil {
		s.col, s.gloss, lift = f.coat(tex, q, lat, lon)
	} else {
		s.col, s.gloss, lift = f.skin.colour(tex, q, lat, back)
	}
	for i := range f.flaws {
		f.flaws[i].apply(tex, q, &s)
	}
	if f.dirt > 0 {
		f.soil(tex, q, fr, &s)
	}
	lift += s.lift
	p = p.along(facing, lift)
	v.p = fr.point(p)
	v.col, v.gloss, v.light, v.severe = s.col, s.gloss, s.light, s.harsh
	shade := 1 - back
	groove := 1 - f.shape.depth*3.2*shade*shade*shade
	v.open = clamp(groove*(1-0.75*s.shut), 0.05, 1)
}

// soil dusts the skin: splashes from below, more on the underside.
func (f *fruit) soil(tex *noise, q vec, fr frame, s *finish) {
	up := fr.direction(q).Z
	n := tex.cloudy(q.scale(5).add(f.dirtAt), 4)
	fine := tex.at(q.X*40+f.dirtAt.X, q.Y*40, q.Z*40)
	in := f.dirt * step(0.1, 0.55, n+0.25*fine-0.75*up-0.25)
	s.col = s.col.mix(srgb(0x7d6248), 0.8*in)
	s.gloss *= 1 - 0.9*in
}

// cavities closes hollows to the sky by how far their neighbourhood stands out
// over them: the dark in folds, cracks and between ribs.
func (p *patch) cavities() {
	reach := max(p.cols/90, 1)
	for r := range p.rows {
		a, b := max(r-reach, 0), min(r+reach, p.rows-1)
		for c := range p.cols {
			v := &p.v[r*p.cols+c]
			if v.hidden {
				continue
			}
			left, right := (c-reach+p.cols)%p.cols, (c+reach)%p.cols
			mean := p.v[a*p.cols+c].p.add(p.v[b*p.cols+c].p).add(p.v[r*p.cols+left].p).add(p.v[r*p.cols+right].p).scale(0.25)
			span := p.v[r*p.cols+left].p.sub(p.v[r*p.cols+right].p).length() + 1e-6
			if h := mean.sub(v.p).dot(v.n) / span; h > 0 {
				v.open *= 1 / (1 + 5*h)
			}
		}
	}
}

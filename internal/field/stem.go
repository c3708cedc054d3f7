package field

import "math"

// stem is the handle of a fruit, in radii of the fruit.
type stem struct {
	length, thick float64
	bend          float64 // radians over its length
	heading       float64 // compass direction of the bend
	twist         float64
	col, tip      vec
	place         vec
}

func stemOf(d dice, v Variety) stem {
	s := stem{
		length: d.between(0.28, 0.62), thick: d.between(0.075, 0.12), bend: d.between(0.1, 1.3),
		heading: d.angle(), twist: d.between(-1, 1), place: d.place(),
		col: srgb(0x6f7340).mix(srgb(0x8a7a4e), d.Float64()), tip: srgb(0xb59f6e),
	}
	if d.chance(0.35) { // cut long ago: dry and brown
		s.col = srgb(0x7d6543).mix(srgb(0x5c4a33), d.Float64())
	}
	if v == Flat || v == Green {
		s.length, s.thick = s.length*0.6, s.thick*0.9
	}
	return s
}

// grow makes the stem on the seat of a fruit: five ridges, a flared foot, a cut end.
func (s *stem) grow(tex *noise, cam *camera, fr frame, seat float64) *patch {
	depth := cam.depthOf(fr.at)
	rows := cam.pieces(s.length*fr.size*1.3, depth, 10, 160)
	cols := cam.pieces(2*math.Pi*s.thick*1.6*fr.size, depth, 20, 140)
	lid := 4 // rows of the cut end
	p := newPatch(cols, rows+lid, true)
	for r := range rows + lid {
		t := min(float64(r)/float64(rows-1), 1)
		centre, side := s.spine(t, seat)
		up := side.cross(vec{X: -1}.turnZ(s.heading + math.Pi/2)).unit()
		across := up.cross(side).unit()
		shrink := 1.0
		if r >= rows {
			shrink = 1 - float64(r-rows+1)/float64(lid)
		}
		for c := range cols {
			a := 2 * math.Pi * float64(c) / float64(cols)
			s.point(tex, fr, t, a, shrink, centre, side, across, &p.v[r*cols+c])
		}
	}
	p.bend(-1)
	p.poles()
	return p
}

// spine returns the middle of the stem at t (0 foot .. 1 end) and a direction across it.
func (s *stem) spine(t, seat float64) (centre, side vec) {
	angle := s.bend * t * t
	out := vec{X: 1}.turnZ(s.heading)
	// The stem leaves upright and leans over as it goes.
	run := s.length * t * math.Sin(angle*0.6)
	rise := s.length * t * math.Cos(angle*0.6)
	centre = out.scale(run).add(vec{Z: seat - 0.02 + rise})
	side = out.scale(math.Cos(angle)).sub(vec{Z: math.Sin(angle)})
	return centre, side
}

func (s *stem) point(tex *noise, fr frame, t, a, shrink float64, centre, side, across vec, v *vertex) {
	ridge := math.Cos(5*(a+s.twist*t*0.6)) + 0.25*math.Cos(10*a+1)
	foot := math.Exp(-t * 7)
	radius := s.thick * (0.72 + 1.25*foot + 0.18*step(0.75, 1, t)) * (1 + (0.13+0.16*foot)*ridge)
	grain := tex.at(math.Cos(a)*9+s.place.X, math.Sin(a)*9+s.place.Y, t*3)
	radius *= (1 + 0.06*grain) * shrink
	ca, sa := math.Cos(a), math.Sin(a)
	dir := side.scale(ca).add(across.scale(sa))
	v.p = fr.point(centre.add(dir.scale(radius)))
	v.n = fr.direction(dir)
	col := s.col.scale(0.8 + 0.25*ridge + 0.3*grain)
	col = col.mix(srgb(0x4a5a24), 0.35*foot)
	if shrink < 1 {
		col = s.tip.scale(0.75 + 0.4*shrink + 0.3*grain)
	}
	v.col = vec{max(col.X, 0.01), max(col.Y, 0.01), max(col.Z, 0.01)}
	v.open = clamp(0.62+0.25*ridge+0.4*min(t*2, 1), 0.25, 1)
	v.gloss = 0.08
}

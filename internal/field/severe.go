package field

import "math"

// rot is soft and brown: a wet dark rim, rings towards the middle, and a hollow
// with folded skin.
func (f *flaw) rot(tex *noise, q vec, d float64, s *finish) {
	e := f.edgy(tex, q, d, 3.5, 0.55)
	in := step(1.0, 0.88, e)
	halo := step(1.45, 1.0, e) * (1 - in)
	soaked := s.col.times(vec{0.48, 0.30, 0.22})
	s.col = s.col.mix(soaked, 0.8*halo)
	s.gloss = lerp(s.gloss, 0.75, 0.7*halo)
	if in == 0 {
		s.harsh = max(s.harsh, 0.5*halo)
		return
	}
	rings := 0.5 + 0.5*math.Sin(e*17+3*tex.cloudy(q.scale(6).add(f.place), 2))
	blotch := tex.cloudy(q.scale(9).add(f.place), 3)
	brown := srgb(0x5a3418).mix(srgb(0x2a170c), clamp(0.55+0.9*blotch-0.5*(e-0.4), 0, 1))
	brown = brown.mix(srgb(0x7d5630), 0.35*rings*step(0.1, 0.8, e))
	// Dry black heart, or a grey bloom of spores.
	heart := step(0.55, 0.2, e+0.3*blotch)
	brown = brown.mix(srgb(0x130c08).mix(srgb(0x8f8a7c), f.tone*0.8), heart*0.75)
	s.col = s.col.mix(brown, in)
	s.gloss = lerp(s.gloss, 0.35+0.4*rings*(1-f.tone), in)
	folds := tex.ridged(q.scale(11).add(f.place), 3)
	hollow := step(1.05, 0.35, e)
	s.lift -= in*0.02 + hollow*0.11*min(1, f.size/0.45) + in*0.028*(1-folds)
	s.shut = max(s.shut, in*(0.25+0.35*(1-folds)))
	s.harsh = max(s.harsh, in)
}

// mould is fuzz: white where it is young, grey-green where it bears spores, in
// tufts that thin out over the skin.
func (f *flaw) mould(tex *noise, q vec, d float64, s *finish) {
	e := f.edgy(tex, q, d, 4, 0.6)
	soak := step(1.5, 0.9, e)
	s.col = s.col.mix(s.col.times(vec{0.55, 0.38, 0.28}), 0.75*soak)
	tuft := tex.cloudy(q.scale(26).add(f.place), 3)
	fine := tex.at(q.X*95+f.place.X, q.Y*95, q.Z*95)
	thick := step(0.02, 0.22, (1.08-e)*0.75+0.55*tuft+0.20*fine)
	if e > 1.6 {
		thick = 0
	}
	old := step(0.95, 0.35, e+0.5*tuft) * (0.25 + 0.75*f.tone)
	white := srgb(0xd6d3c8).mix(srgb(0x98988a), clamp(0.45-1.1*tuft, 0, 1))
	spores := srgb(0x7d8a78).mix(srgb(0x434c45), clamp(0.4+0.5*fine-0.8*tuft, 0, 1))
	col := white.mix(spores, old*0.85)
	s.col = s.col.mix(col, thick*0.96)
	s.gloss = lerp(s.gloss, 0, thick)
	s.lift += thick*(0.012+0.016*tuft+0.008*fine) - 0.05*step(1, 0.3, e)*min(1, f.size/0.5)
	s.shut = max(s.shut, thick*clamp(0.15-0.5*tuft, 0, 0.5))
	s.harsh = max(s.harsh, max(thick, 0.6*soak))
}

// crack is a split that runs along the skin, wide in the middle, dark inside,
// with pale torn lips.
func (f *flaw) crack(tex *noise, q vec, s *finish) {
	across := f.centre.cross(f.along)
	u, v := q.dot(f.along)/f.size, q.dot(across)
	if math.Abs(u) > 1 {
		return
	}
	zigzag := 0.055*tex.cloudy(vec{u*3 + f.place.X, f.place.Y, 0}, 3) + 0.016*tex.at(u*16, f.place.Z, 3)
	wide := (1 - u*u) * f.size * (0.085 + 0.05*tex.cloudy(vec{u*2.5 + f.place.Z, 1, f.place.X}, 2))
	gap := math.Abs(v+zigzag) / max(wide, 1e-3)
	lips := step(2.0, 1.15, gap)
	inside := step(1.1, 0.85, gap)
	fibre := tex.at(u*30+f.place.X, v*70, 5)
	flesh := srgb(0xc98a3a).mix(srgb(0x7a4a1c), 0.5+0.5*fibre)
	deep := flesh.mix(srgb(0x140a05), step(0.95, 0.35, gap))
	s.col = s.col.mix(srgb(0xd9b98a).mix(s.col, 0.35), lips*(1-inside)*0.9)
	s.col = s.col.mix(deep, inside)
	s.gloss = lerp(s.gloss, 0.1, max(lips, inside))
	s.lift += 0.018*lips*(1-inside) - 0.16*step(1.05, 0.4, gap)
	s.shut = max(s.shut, 0.92*step(1.0, 0.3, gap))
	s.harsh = max(s.harsh, max(inside, lips))
}

// frost leaves skin dark and glassy, as if soaked, with a bleached bloom and
// small folds.
func (f *flaw) frost(tex *noise, q vec, d float64, s *finish) {
	e := f.edgy(tex, q, d, 2.6, 0.7)
	in := step(1.05, 0.75, e)
	if in == 0 {
		return
	}
	blotch := tex.cloudy(q.scale(6).add(f.place), 4)
	glassy := s.col.times(vec{0.34, 0.24, 0.22}).add(vec{0.012, 0.010, 0.008})
	s.col = s.col.mix(glassy, in*clamp(0.86+0.5*blotch, 0.45, 1))
	bloom := step(0.12, 0.38, tex.cloudy(q.scale(13).add(f.place), 3)) * in
	s.col = s.col.mix(srgb(0xc9c4b8), bloom*0.45)
	s.gloss = lerp(s.gloss, 0.85, in)
	folds := tex.ridged(vec{q.X * 7, q.Y * 7, q.Z * 12}.add(f.place), 3)
	s.lift -= in * (0.03 + 0.035*(1-folds))
	s.shut = max(s.shut, in*0.3*(1-folds))
	s.harsh = max(s.harsh, in)
}

// lesion is a rash of round black spots, sunken, each with a pale rim.
func (f *flaw) lesion(tex *noise, q vec, d float64, s *finish) {
	near, size := f.nearest(q)
	e := near/size + 0.35*tex.cloudy(q.scale(22).add(f.place), 2)
	rim := step(1.35, 1.05, e)
	in := step(1.02, 0.8, e)
	s.col = s.col.mix(srgb(0x8a6a3c), rim*(1-in)*0.75)
	s.col = s.col.mix(srgb(0x1d130d).mix(srgb(0x5a4a3c), step(0.5, 0.15, e)*f.tone), in)
	s.gloss = lerp(s.gloss, 0.12, in)
	s.lift -= 0.035 * in * min(1, size/0.08)
	s.shut = max(s.shut, 0.4*in)
	s.harsh = max(s.harsh, max(in, 0.7*rim))
	// Between crowded spots the skin sickens too.
	sick := step(1.15, 0.5, d)
	s.col = s.col.mix(s.col.times(vec{0.7, 0.52, 0.42}), 0.55*sick)
	s.harsh = max(s.harsh, 0.55*sick)
}

// sunken skin is dull, brown in its folds.
func (f *flaw) sunken(tex *noise, q vec, s *finish) {
	blotch := tex.cloudy(q.scale(2.2).add(f.place), 4)
	in := step(-0.45, 0.25, blotch+0.25*f.size)
	s.col = s.col.mix(s.col.times(vec{0.42, 0.30, 0.24}).add(vec{0.01, 0.008, 0.005}), 0.85*in)
	folds := tex.ridged(vec{q.X * 5, q.Y * 5, q.Z * 9}.add(f.place), 3)
	s.col = s.col.mix(srgb(0x24160d), 0.55*in*step(0.75, 0.35, folds))
	s.gloss = lerp(s.gloss, 0.3, in)
	s.lift -= in * 0.05 * (1 - folds)
	s.shut = max(s.shut, 0.4*in*(1-folds))
	s.harsh = max(s.harsh, in)
}

// nearest returns the angle to the nearest spot and that spot's size; sizes vary
// from spot to spot and are kept in the length of the direction.
func (f *flaw) nearest(q vec) (angle, size float64) {
	best, size := math.MaxFloat64, 1.0
	for i := range f.spots {
		d := q.sub(f.spots[i])
		// The spots are stored as unit direction; their sizes cycle.
		r := 0.022 + 0.05*spotSize(i)
		if e := math.Sqrt(d.dot(d)) / r; e < best {
			best, size = e, r
		}
	}
	return best * size, size
}

// spotSize spreads sizes evenly over 0..1, small ones more often.
func spotSize(i int) float64 {
	_, f := math.Modf(float64(i)*0.6180339887 + 0.3)
	return f * f
}

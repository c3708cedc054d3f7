package field

import "math"

// scar is a healed wound: tan, corky, dry lines, a net of them in a long patch.
func (f *flaw) scar(tex *noise, q vec, s *finish) {
	across := f.centre.cross(f.along)
	u, v := q.dot(f.along)/f.size, q.dot(across)/(f.size*lerp(0.28, 0.7, f.tone))
	e := math.Sqrt(u*u+v*v) + 0.45*tex.cloudy(q.scale(5).add(f.place), 3)
	patch := step(1.0, 0.7, e)
	if patch == 0 {
		return
	}
	lines := tex.ridged(q.scale(lerp(9, 6, f.tone)).add(f.place), 3)
	cork := patch * step(0.60, 0.76, lines+0.16*step(0.6, 0.1, e))
	grain := 0.5 + 0.5*tex.at(q.X*70+f.place.X, q.Y*70, q.Z*70)
	s.col = s.col.mix(srgb(0xc9a878).mix(srgb(0x8f6d43), grain), 0.92*cork)
	s.gloss = lerp(s.gloss, 0.03, cork)
	s.lift += cork * (0.010 + 0.006*grain)
	s.light = max(s.light, max(cork, 0.8*patch))
}

// freckle is a sprinkle of small brown spots.
func (f *flaw) freckle(tex *noise, q vec, d float64, s *finish) {
	near, size := f.nearest(q)
	size *= 0.55
	e := near/size + 0.3*tex.cloudy(q.scale(26).add(f.place), 2)
	in := step(1.1, 0.6, e)
	s.col = s.col.mix(srgb(0x7a4f28).mix(srgb(0xb08a58), f.tone), 0.85*in)
	s.gloss = lerp(s.gloss, 0.08, in)
	s.lift += 0.004 * in
	s.light = max(s.light, max(in, 0.6*step(1.1, 0.8, d)))
}

// long is the distance from the centre in radii for a patch that runs along the
// skin, slim being its width over its length.
func (f *flaw) long(tex *noise, q vec, slim, grain, ragged float64) float64 {
	u, v := q.dot(f.along)/f.size, q.dot(f.centre.cross(f.along))/(f.size*slim)
	return math.Sqrt(u*u+v*v) + ragged*tex.cloudy(q.scale(grain).add(f.place), 4)
}

// unripe skin is still green, in patches with soft edges that run along the ribs.
func (f *flaw) unripe(tex *noise, q vec, s *finish) {
	e := f.long(tex, q, lerp(0.5, 0.9, f.tone), 3, 1.1)
	in := step(1.25, 0.35, e)
	grain := 0.5 + tex.cloudy(q.scale(10).add(f.place), 3)
	green := f.col.scale(0.8 + 0.6*clamp(grain, 0, 1))
	s.col = s.col.mix(green, 0.9*in*(0.75+0.25*clamp(grain, 0, 1)))
	s.light = max(s.light, step(0.2, 0.5, in))
}

// rub is a pale, dull, corky patch with frayed edges: where the fruit lay, or was
// chafed by the wind.
func (f *flaw) rub(tex *noise, q vec, s *finish) {
	e := f.long(tex, q, lerp(0.5, 0.8, f.tone), 4, 0.9)
	grain := tex.cloudy(q.scale(15).add(f.place), 4)
	fray := tex.ridged(vec{q.X * 16, q.Y * 16, q.Z * 7}.add(f.place), 2)
	in := step(0.35, 0.6, (1.15-e)*0.8+0.5*(fray-0.5)+0.5*grain)
	if e > 1.6 {
		return
	}
	pale := srgb(0xcfae74).mix(srgb(0x8f7044), clamp(0.5+1.3*grain, 0, 1))
	pale = pale.mix(s.col, 0.22)
	s.col = s.col.mix(pale, in*0.92)
	s.gloss = lerp(s.gloss, 0.03, in)
	s.lift += in * (0.004 + 0.010*grain)
	s.light = max(s.light, max(in, 0.8*step(1.1, 0.8, e)))
}

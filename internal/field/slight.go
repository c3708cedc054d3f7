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
	s.light = math.Max(s.light, math.Max(cork, 0.8*patch))
}

// freckle is a sprinkle of small brown spots.
func (f *flaw) freckle(tex *noise, q vec, d float64, s *finish) {
	near, size := f.nearest(q)
	size *= 0.42
	e := near/size + 0.3*tex.cloudy(q.scale(26).add(f.place), 2)
	in := step(1.1, 0.6, e)
	s.col = s.col.mix(srgb(0x7a4f28).mix(srgb(0xb08a58), f.tone), 0.85*in)
	s.gloss = lerp(s.gloss, 0.08, in)
	s.lift += 0.004 * in
	s.light = math.Max(s.light, math.Max(in, 0.6*step(1.1, 0.8, d)))
}

// unripe skin is still green, in patches with soft edges that keep to the ribs.
func (f *flaw) unripe(tex *noise, q vec, d float64, s *finish) {
	e := f.edgy(tex, q, d, 2.4, 0.8)
	in := step(1.15, 0.65, e)
	grain := 0.5 + tex.cloudy(q.scale(10).add(f.place), 3)
	green := f.col.scale(0.8 + 0.6*clamp(grain, 0, 1))
	s.col = s.col.mix(green, 0.88*in)
	s.light = math.Max(s.light, in)
}

// rub is a pale, dull, slightly rough patch: where the fruit lay, or was chafed.
func (f *flaw) rub(tex *noise, q vec, d float64, s *finish) {
	e := f.edgy(tex, q, d, 3, 0.5)
	in := step(1.05, 0.85, e)
	if in == 0 {
		return
	}
	grain := tex.cloudy(q.scale(14).add(f.place), 4)
	pale := srgb(0xd8bd86).mix(srgb(0xa98a58), clamp(0.45+1.2*grain, 0, 1))
	s.col = s.col.mix(pale, in*clamp(0.82+0.5*grain, 0.4, 0.95))
	s.gloss = lerp(s.gloss, 0.04, in)
	s.lift += in * 0.006 * grain
	s.light = math.Max(s.light, in)
}

package field

import "math"

// canvas is a picture in linear light, three values a pixel.
type canvas struct {
	w, h int
	px   []float32
}

func newCanvas(w, h int) *canvas { return &canvas{w: w, h: h, px: make([]float32, 3*w*h)} }

// body is a rough ball that darkens the ground it stands on.
type body struct {
	at     vec
	radius float64
}

// shader lights layers.
type shader struct {
	cam    *camera
	light  light
	shadow *shadowMap
	tex    *noise
	bodies []body
}

// paint lights a layer and lays it over the canvas. Where lit is not nil it
// holds the share of sun for each texel, else the shadow map is asked.
func (s *shader) paint(c *canvas, l *layer, lit []float32) {
	if l == nil {
		return
	}
	for y := range l.h {
		row := l.px[y*l.w : (y+1)*l.w]
		out := c.px[3*((l.y0+y)*c.w+l.x0):]
		for x := range row {
			t := &row[x]
			if t.alpha == 0 {
				continue
			}
			p := s.cam.at.along(s.cam.ray(float64(l.x0+x)+0.5, float64(l.y0+y)+0.5), float64(t.depth))
			sun := 0.0
			if lit != nil {
				sun = float64(lit[y*l.w+x])
			} else {
				sun = s.sunOn(t, p)
			}
			v := s.shade(t, p, sun)
			a := t.alpha
			o := out[3*x : 3*x+3]
			o[0] += (float32(v.X) - o[0]) * a
			o[1] += (float32(v.Y) - o[1]) * a
			o[2] += (float32(v.Z) - o[2]) * a
		}
	}
}

// sunOn returns the share of sun that casters leave on a texel.
func (s *shader) sunOn(t *texel, p vec) float64 {
	if s.shadow == nil {
		return 1
	}
	n := vec{float64(t.n[0]), float64(t.n[1]), float64(t.n[2])}
	if t.thin == 0 && n.dot(s.light.towards) < -0.2 {
		return 0
	}
	return s.shadow.lit(p, n)
}

// Fruit skin and soil scatter light a little round the edge of day.
const wrapLight = 0.12

// What is duller than this mirrors nothing worth drawing.
const dull = 0.09

// shade returns the light that a texel sends to the camera.
func (s *shader) shade(t *texel, p vec, sun float64) vec {
	l := &s.light
	n := vec{float64(t.n[0]), float64(t.n[1]), float64(t.n[2])}
	col := vec{float64(t.col[0]), float64(t.col[1]), float64(t.col[2])}
	if sun > 0 {
		sun *= l.dapple.through(s.tex, l.towards, p)
	}
	open := float64(t.open) * s.openTo(p, n)
	up := 0.5 + 0.5*n.Z
	flux := l.bounce.mix(l.sky, up).scale(open)
	facing := n.dot(l.towards)
	direct := max(0, (facing+wrapLight)/(1+wrapLight))
	if t.thin > 0 {
		direct = lerp(direct, 0.5*math.Abs(facing)+0.1, float64(t.thin))
	}
	flux = flux.add(l.sun.scale(direct * sun))
	out := col.times(flux)
	if t.gloss > dull {
		out = out.add(s.shine(n, p, float64(t.gloss), sun, open))
	}
	return out
}

// shine is the light that a skin mirrors: the sun as a spot that is smaller and
// brighter on a glossier skin, and the sky near the rim (Schlick's Fresnel term).
func (s *shader) shine(n, p vec, gloss, sun, open float64) vec {
	l := &s.light
	view := s.cam.at.sub(p).unit()
	rim := 1 - max(0, n.dot(view))
	rim2 := rim * rim
	fresnel := 0.035 + 0.5*rim2*rim2*rim
	half := view.add(l.towards).unit()
	h := max(0, n.dot(half))
	h2 := h * h
	h4 := h2 * h2
	h8 := h4 * h4
	h16 := h8 * h8
	broad, sharp := h8*h4, h16*h16*h16
	spot := lerp(broad*0.10, sharp*0.9, gloss) * gloss * sun
	mirrored := n.scale(2 * n.dot(view)).sub(view)
	sky := l.sky.scale(fresnel * gloss * open * step(-0.3, 0.6, mirrored.Z) * 1.6)
	return l.sun.scale(spot * 0.45).add(sky)
}

// openTo returns the share of the sky that the bodies leave to a point on the
// ground or on a neighbour: the dark rim where a fruit touches the soil.
func (s *shader) openTo(p, n vec) float64 {
	open := 1.0
	for i := range s.bodies {
		b := &s.bodies[i]
		d := b.at.sub(p)
		q := d.dot(d)
		r := b.radius * b.radius
		if q > 9*r {
			continue
		}
		toward := d.dot(n) / math.Sqrt(q+1e-9)
		if toward > -0.3 {
			open *= 1 - 0.85*(toward+0.3)/1.3*min(1, r/(q+1e-9))
		}
	}
	return open
}

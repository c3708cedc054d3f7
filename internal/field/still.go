package field

import (
	"math"
	"sort"

	"gourdian/internal/vision"
)

// studio holds what all pictures share: texture and tone curve, which are
// read-only, and a raster of its own, so it belongs to one goroutine.
type studio struct {
	tex    *noise
	tone   *toner
	raster *raster
}

func newStudio() *studio {
	return &studio{tex: newNoise(source(realmTexture, 0)), tone: newToner(), raster: new(raster)}
}

// another returns a studio for another goroutine.
func (st *studio) another() *studio { return &studio{st.tex, st.tone, new(raster)} }

// placed is a specimen standing somewhere in a picture.
type placed struct {
	*specimen
	fr      frame
	patches []*patch
}

// still is one picture before light: what stands where, seen by which camera.
type still struct {
	cam    camera
	ground ground
	things []placed
	props  []prop
	hedge  vec // place in the noise of what is behind the field
	warm   float64
}

// far is how far the ground is drawn, in metres; behind it stands the hedge.
const far = 9.0

// place puts a specimen on a spot.
func (s *still) place(st *studio, sp *specimen, spot vec, turn float64) {
	fr := sp.at(st.tex, spot, turn)
	s.things = append(s.things, placed{sp, fr, sp.model.grow(st.tex, &s.cam, fr)})
}

// stage is a still cut into layers, from the farthest to the nearest, with the
// truth about it.
type stage struct {
	layers []*layer
	behind int // layers behind the farthest thing
	truth  []Thing
	bodies []body
	casts  []*patch // everything that throws a shadow
}

// build rasterizes a still. Things and props hide each other by their depth.
func (s *still) build(st *studio) *stage {
	type item struct {
		depth   float64
		patches []*patch
		thing   *placed
	}
	var items []item
	for i := range s.things {
		t := &s.things[i]
		items = append(items, item{s.cam.depthOf(t.fr.at), t.patches, t})
	}
	for i := range s.props {
		items = append(items, item{s.cam.depthOf(s.props[i].at), s.props[i].patches, nil})
	}
	sort.SliceStable(items, func(i, j int) bool { return items[i].depth > items[j].depth })
	out := &stage{layers: []*layer{nil}} // the ground comes last: it is drawn where it shows
	var loose []*patch
	flush := func() {
		if l := st.raster.draw(&s.cam, loose); l != nil {
			out.layers = append(out.layers, l)
		}
		loose = nil
	}
	for _, it := range items {
		out.casts = append(out.casts, it.patches...)
		if it.thing == nil {
			loose = append(loose, it.patches...)
			continue
		}
		flush()
		l := st.raster.draw(&s.cam, it.patches)
		if l == nil {
			continue
		}
		if len(out.truth) == 0 {
			out.behind = len(out.layers)
		}
		out.layers = append(out.layers, l)
		truth := it.thing.truth
		truth.Box = l.tight()
		out.truth = append(out.truth, truth)
		out.bodies = append(out.bodies, body{it.thing.fr.at, it.thing.size})
	}
	flush()
	hidden := make([]bool, s.cam.w*s.cam.h)
	for i := len(out.layers) - 1; i > 0; i-- {
		out.layers[i].hide(hidden, s.cam.w)
	}
	out.layers[0] = s.ground.render(st.tex, &s.cam, far, hidden)
	return out
}

// hide drops what nearer layers hide wholly, and hides what is farther.
func (l *layer) hide(hidden []bool, w int) {
	for y := range l.h {
		for x := range l.w {
			t, h := &l.px[y*l.w+x], &hidden[(l.y0+y)*w+l.x0+x]
			if *h {
				t.alpha = 0
			}
			*h = *h || t.alpha == 1
		}
	}
}

// tight is the box of what a layer covers.
func (l *layer) tight() Box {
	r := rect{l.w, l.h, 0, 0}
	for y := range l.h {
		for x := range l.w {
			if l.px[y*l.w+x].alpha > 0 {
				r = rect{min(r.x0, x), min(r.y0, y), max(r.x1, x+1), max(r.y1, y+1)}
			}
		}
	}
	if r.empty() {
		return Box{}
	}
	return rect{r.x0 + l.x0, r.y0 + l.y0, r.x1 + l.x0, r.y1 + l.y0}.box()
}

// expose lights the stage and returns it in linear light.
func (s *still) expose(st *studio, g *stage, lt light, w weather, ln *lens) *canvas {
	c := newCanvas(s.cam.w, s.cam.h)
	s.backdrop(st.tex, c, &lt)
	sh := shader{cam: &s.cam, light: lt, tex: st.tex, bodies: g.bodies}
	if lt.sun.X > 0.02 {
		sh.shadow = newShadowMap(vec{}, lt.towards, 1.3, 560, 0.003+0.02*w.cloud)
		sh.shadow.add(g.casts)
	}
	for i, l := range g.layers {
		if i == g.behind && i > 0 && ln.bokeh > 0 {
			ln.deepen(c, newCanvas(c.w, c.h), &s.cam, s.ground.level, s.cam.depthOf(vec{}))
		}
		sh.paint(c, l, nil)
	}
	return c
}

// backdrop paints sky and hedge where the camera looks over the ground.
func (s *still) backdrop(tex *noise, c *canvas, lt *light) {
	for y := range c.h {
		if s.cam.ray(0, float64(y)).unit().Z < -0.2 {
			return
		}
		for x := range c.w {
			d := s.cam.ray(float64(x)+0.5, float64(y)+0.5).unit()
			az := math.Atan2(d.X, d.Y)
			v := s.horizon(tex, d.Z, az, lt)
			i := 3 * (y*c.w + x)
			c.px[i], c.px[i+1], c.px[i+2] = float32(v.X), float32(v.Y), float32(v.Z)
		}
	}
}

func (s *still) horizon(tex *noise, rise, az float64, lt *light) vec {
	top := 0.10 + 0.05*tex.cloudy(vec{az * 9, 0, 0}.add(s.hedge), 4)
	clouds := step(-0.1, 0.5, tex.cloudy(vec{az * 3, rise * 9, 2}.add(s.hedge), 4))
	sky := lt.sky.scale(2.2).mix(lt.sky.scale(1.2).add(lt.sun.scale(0.55)), 0.4*clouds+0.3*step(0.5, 0, rise))
	leaves := tex.cloudy(vec{az * 40, rise * 40, 5}.add(s.hedge), 4)
	green := srgb(0x3d5228).mix(srgb(0x7a7a3c), s.warm).scale(1 + 0.9*leaves)
	hedge := green.times(lt.sky.scale(0.8).add(lt.sun.scale(0.45)))
	field := srgb(0x6a6a3c).mix(srgb(0x7d6240), s.warm).scale(1 + 0.4*leaves).times(lt.sky.add(lt.sun.scale(0.6)))
	out := sky.mix(hedge, step(top+0.012, top-0.012, rise))
	return out.mix(field, step(-0.01, -0.03, rise))
}

// picture finishes a still: light, lens, sensor.
func (s *still) picture(st *studio, g *stage, lt light, w weather, ln lens, d dice) *vision.Image {
	c := s.expose(st, g, lt, w, &ln)
	ln.apply(st.tex, c, newCanvas(c.w, c.h), &lt)
	im := &vision.Image{W: c.w, H: c.h, Pix: make([]uint8, 3*c.w*c.h)}
	st.tone.develop(im, c, &lt, d.Rand)
	return im
}

package field

import "math"

// texel is one pixel of a layer before light.
type texel struct {
	col   [3]float32
	n     [3]float32
	depth float32
	open  float32
	gloss float32
	thin  float32
	alpha float32 // share of the pixel that the layer covers
}

// layer is a rectangle of the picture in which some surfaces have been
// rasterized: colours and places, no light yet.
type layer struct {
	x0, y0, w, h int
	px           []texel
	cover        cover
}

// cover adds up what the pixels of a layer show, in pixels.
type cover struct{ area, light, severe float64 }

// sample is a quarter of a pixel: which quad of which patch it shows, and where in the quad.
type sample struct {
	depth float32
	patch int32 // 1-based; 0 = nothing
	quad  int32 // index of the quad's first vertex
	s, t  float32
}

// raster draws surfaces into layers. It keeps its working memory from one layer
// to the next and belongs to one goroutine.
type raster struct{ samples []sample }

// draw puts the patches into a new layer, as large as what they cover of the
// picture; nil if they cover nothing.
func (ra *raster) draw(cam *camera, patches []*patch) *layer {
	shots := make([]projected, len(patches))
	box := rect{math.MaxInt32, math.MaxInt32, math.MinInt32, math.MinInt32}
	for i, p := range patches {
		shots[i] = projectPatch(cam, p, &box)
	}
	box = box.within(cam.w, cam.h)
	if box.empty() {
		return nil
	}
	l := &layer{x0: box.x0, y0: box.y0, w: box.x1 - box.x0, h: box.y1 - box.y0}
	if need := 4 * l.w * l.h; cap(ra.samples) < need {
		ra.samples = make([]sample, need)
	} else {
		ra.samples = ra.samples[:need]
		clear(ra.samples)
	}
	samples := ra.samples
	for i, p := range patches {
		scatter(p, int32(i+1), &shots[i], samples, box)
	}
	l.px = make([]texel, l.w*l.h)
	l.resolve(cam, patches, samples)
	return l
}

// rect is a box of pixels, x1 and y1 exclusive.
type rect struct{ x0, y0, x1, y1 int }

func (r rect) empty() bool { return r.x0 >= r.x1 || r.y0 >= r.y1 }

func (r rect) within(w, h int) rect {
	return rect{max(r.x0, 0), max(r.y0, 0), min(r.x1, w), min(r.y1, h)}
}

// projected holds a patch's vertices on the picture, in pixels; z <= 0 = not seen.
type projected struct{ x, y, z []float32 }

func projectPatch(cam *camera, p *patch, box *rect) projected {
	n := len(p.v)
	buf := make([]float32, 3*n)
	s := projected{buf[:n], buf[n : 2*n], buf[2*n:]}
	for i := range p.v {
		x, y, z := cam.project(p.v[i].p)
		if z < 0.03 {
			continue
		}
		s.x[i], s.y[i], s.z[i] = float32(x), float32(y), float32(z)
		if x > -1e4 && x < 1e4 && y > -1e4 && y < 1e4 {
			box.x0, box.y0 = min(box.x0, int(math.Floor(x))), min(box.y0, int(math.Floor(y)))
			box.x1, box.y1 = max(box.x1, int(x)+2), max(box.y1, int(y)+2)
		}
	}
	return s
}

// scatter writes the nearest quads of one patch into the samples.
func scatter(p *patch, id int32, s *projected, samples []sample, box rect) {
	sw, sh := 2*(box.x1-box.x0), 2*(box.y1-box.y0)
	ox, oy := float32(box.x0), float32(box.y0)
	for r := range p.rows - 1 {
		for c := range p.spans() {
			i00, i10 := r*p.cols+c, r*p.cols+p.next(c)
			i01, i11 := i00+p.cols, i10+p.cols
			if s.z[i00] <= 0 || s.z[i10] <= 0 || s.z[i01] <= 0 || s.z[i11] <= 0 {
				continue
			}
			if p.v[i00].hidden && p.v[i10].hidden && p.v[i01].hidden && p.v[i11].hidden {
				continue
			}
			corner := func(i int) (float32, float32, float32) {
				return 2 * (s.x[i] - ox), 2 * (s.y[i] - oy), s.z[i]
			}
			var a, b, d, e point3
			a.x, a.y, a.z = corner(i00)
			b.x, b.y, b.z = corner(i10)
			d.x, d.y, d.z = corner(i01)
			e.x, e.y, e.z = corner(i11)
			write := func(i int, depth, u, v float32) {
				if q := &samples[i]; q.patch == 0 || depth < q.depth {
					*q = sample{depth, id, int32(i00), u, v}
				}
			}
			scan(a, b, d, sw, sh, func(i int, wb, wd float32) {
				write(i, a.z+(b.z-a.z)*wb+(d.z-a.z)*wd, wb, wd)
			})
			scan(e, d, b, sw, sh, func(i int, wd, wb float32) {
				write(i, e.z+(d.z-e.z)*wd+(b.z-e.z)*wb, 1-wd, 1-wb)
			})
		}
	}
}

type point3 struct{ x, y, z float32 }

// scan visits every cell of a w x h grid whose centre lies in the triangle, with
// the weights of its second and third corner.
func scan(a, b, c point3, w, h int, visit func(i int, wb, wc float32)) {
	area := (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x)
	if area > -1e-9 && area < 1e-9 {
		return
	}
	x0, x1 := max(int(min(a.x, b.x, c.x)), 0), min(int(max(a.x, b.x, c.x))+1, w)
	y0, y1 := max(int(min(a.y, b.y, c.y)), 0), min(int(max(a.y, b.y, c.y))+1, h)
	inv := 1 / area
	for y := y0; y < y1; y++ {
		py := float32(y) + 0.5 - a.y
		for x := x0; x < x1; x++ {
			px := float32(x) + 0.5 - a.x
			wb := (px*(c.y-a.y) - py*(c.x-a.x)) * inv
			wc := ((b.x-a.x)*py - (b.y-a.y)*px) * inv
			if wb >= -1e-5 && wc >= -1e-5 && wb+wc <= 1.00002 {
				visit(y*w+x, wb, wc)
			}
		}
	}
}

// resolve averages four samples into each pixel and adds up the cover.
func (l *layer) resolve(cam *camera, patches []*patch, samples []sample) {
	for y := range l.h {
		for x := range l.w {
			var sum vertex
			hits, depth := 0.0, 0.0
			for k := range 4 {
				q := &samples[(2*y+k>>1)*2*l.w+2*x+k&1]
				if q.patch == 0 {
					continue
				}
				v := patches[q.patch-1].fetch(q, cam)
				sum.col, sum.n = sum.col.add(v.col), sum.n.add(v.n)
				sum.open += v.open
				sum.gloss += v.gloss
				sum.thin += v.thin
				sum.light += v.light
				sum.severe += v.severe
				if d := float64(q.depth); depth == 0 || d < depth {
					depth = d
				}
				hits++
			}
			if hits == 0 {
				continue
			}
			l.px[y*l.w+x] = average(&sum, hits, depth)
			l.cover.area += hits / 4
			l.cover.light += sum.light / 4
			l.cover.severe += sum.severe / 4
		}
	}
}

func average(sum *vertex, hits, depth float64) texel {
	n := sum.n.unit()
	inv := 1 / hits
	return texel{
		col:   [3]float32{float32(sum.col.X * inv), float32(sum.col.Y * inv), float32(sum.col.Z * inv)},
		n:     [3]float32{float32(n.X), float32(n.Y), float32(n.Z)},
		depth: float32(depth), open: float32(sum.open * inv), gloss: float32(sum.gloss * inv),
		thin: float32(sum.thin * inv), alpha: float32(hits / 4),
	}
}

// fetch blends the corners of a quad.
func (p *patch) fetch(q *sample, cam *camera) vertex {
	i00 := int(q.quad)
	c := i00 % p.cols
	i10 := i00 - c + p.next(c)
	a, b, d, e := &p.v[i00], &p.v[i10], &p.v[i00+p.cols], &p.v[i10+p.cols]
	s, t := float64(q.s), float64(q.t)
	wa, wb, wd, we := (1-s)*(1-t), s*(1-t), (1-s)*t, s*t
	weigh := func(fa, fb, fd, fe float64) float64 { return fa*wa + fb*wb + fd*wd + fe*we }
	v := vertex{
		col:    a.col.scale(wa).add(b.col.scale(wb)).add(d.col.scale(wd)).add(e.col.scale(we)),
		n:      a.n.scale(wa).add(b.n.scale(wb)).add(d.n.scale(wd)).add(e.n.scale(we)),
		open:   weigh(a.open, b.open, d.open, e.open),
		gloss:  weigh(a.gloss, b.gloss, d.gloss, e.gloss),
		thin:   weigh(a.thin, b.thin, d.thin, e.thin),
		light:  weigh(a.light, b.light, d.light, e.light),
		severe: weigh(a.severe, b.severe, d.severe, e.severe),
	}
	if p.twoSided && v.n.dot(a.p.sub(cam.at)) > 0 {
		v.n = v.n.scale(-1)
	}
	return v
}

package field

import "math"

// lens is what happens to the picture between the field and the sensor.
type lens struct {
	defocus  float64 // radius of the blur, pixels
	bokeh    float64 // radius of the blur far behind the thing, pixels
	motion   [2]float64
	drops    []drop
	mud      []smudge
	streaks  float64 // falling rain, 0..1
	veil     float64 // scattered light, 0..1
	vignette float64
	seed     vec
}

// drop is rain water on the glass.
type drop struct{ x, y, r float64 } // share of the shorter side

// smudge is dried mud on the glass, out of focus.
type smudge struct{ x, y, r, dense float64 }

// lensOf draws a lens; most are clean and sharp.
func lensOf(d dice, w weather) lens {
	l := lens{seed: d.place(), vignette: d.between(0, 0.3)}
	if d.chance(0.25) {
		l.defocus = d.between(0.4, 1.8)
	}
	if d.chance(0.4) {
		l.bokeh = d.between(1.2, 4.5)
	}
	if d.chance(0.12) {
		a, r := d.angle(), d.between(1, 6)
		l.motion = [2]float64{r * math.Cos(a), r * math.Sin(a)}
	}
	if w.rain > 0 {
		l.streaks = w.rain
		for range int(w.rain * d.between(0, 26)) {
			l.drops = append(l.drops, drop{d.Float64(), d.Float64(), d.between(0.008, 0.04)})
		}
	}
	if d.chance(0.09) {
		l.mud = mudOf(d, d.between(0.2, 1))
	}
	if d.chance(0.15) {
		l.veil = d.between(0.02, 0.14)
	}
	return l
}

// mudOf draws smudges; much is 0..1.
func mudOf(d dice, much float64) []smudge {
	out := make([]smudge, 0, 16)
	for range 2 + int(much*9) {
		x, y := d.Float64(), d.Float64()
		if d.chance(0.6) { // mud sits at the edge more often: the middle gets wiped
			if d.chance(0.5) {
				x = math.Round(x) + d.between(-0.12, 0.12)
			} else {
				y = math.Round(y) + d.between(-0.12, 0.12)
			}
		}
		out = append(out, smudge{x, y, d.between(0.03, 0.05+0.14*much), d.between(0.35, 0.9)})
	}
	return out
}

// apply changes the canvas; spare is a canvas of the same size to work in.
func (l *lens) apply(tex *noise, c, spare *canvas, lt *light) {
	if l.motion != [2]float64{} {
		smear(c, spare, l.motion)
	}
	if l.defocus > 0.3 {
		soften(c, spare, l.defocus)
	}
	white := 0.9 / lt.exposure
	if l.streaks > 0 {
		l.rain(tex, c, float32(white))
	}
	if len(l.drops) > 0 {
		copy(spare.px, c.px)
		soften(spare, newCanvas(c.w, c.h), 5)
		for i := range l.drops {
			l.drops[i].refract(c, spare)
		}
	}
	if len(l.mud) > 0 {
		l.dirty(tex, c, white)
	}
	if l.veil > 0 || l.vignette > 0 {
		l.haze(c, float32(l.veil*white*0.8))
	}
}

// deepen blurs what lies behind the focus, by how far the ground is there.
func (l *lens) deepen(c, spare *canvas, cam *camera, level, focus float64) {
	soft := newCanvas(c.w, c.h)
	copy(soft.px, c.px)
	soften(soft, spare, l.bokeh)
	for y := range c.h {
		ray := cam.ray(cam.cx, float64(y)+0.5)
		depth := 10 * focus
		if ray.Z < -1e-3 {
			depth = (level - cam.at.Z) / ray.Z
		}
		a := float32(step(1.08*focus, 1.7*focus, depth))
		if a == 0 {
			continue
		}
		for i := 3 * y * c.w; i < 3*(y+1)*c.w; i++ {
			c.px[i] += (soft.px[i] - c.px[i]) * a
		}
	}
}

// smear drags the picture along a line: a camera or a thing that moved.
func smear(c, spare *canvas, by [2]float64) {
	steps := int(math.Hypot(by[0], by[1])) + 2
	copy(spare.px, c.px)
	for y := range c.h {
		for x := range c.w {
			var sum [3]float32
			for k := range steps {
				f := float64(k)/float64(steps-1) - 0.5
				i := spare.index(x+int(math.Round(by[0]*f)), y+int(math.Round(by[1]*f)))
				sum[0] += spare.px[i]
				sum[1] += spare.px[i+1]
				sum[2] += spare.px[i+2]
			}
			i := 3 * (y*c.w + x)
			for k := range 3 {
				c.px[i+k] = sum[k] / float32(steps)
			}
		}
	}
}

// index is where the pixel nearest to (x, y) starts.
func (c *canvas) index(x, y int) int {
	return 3 * (max(0, min(y, c.h-1))*c.w + max(0, min(x, c.w-1)))
}

// soften blurs by a box of fractional radius twice each way: close to a bell.
func soften(c, spare *canvas, radius float64) {
	for range 2 {
		boxBlur(c.px, spare.px, c.h, c.w, 3*c.w, 3, radius*0.75)
		boxBlur(spare.px, c.px, c.w, c.h, 3, 3*c.w, radius*0.75)
	}
}

// boxBlur averages along lines: lines of n values, stride apart, lineStep between lines.
func boxBlur(src, dst []float32, lines, n, lineStep, stride int, radius float64) {
	whole := int(radius)
	part := float32(radius - float64(whole))
	norm := 1 / (2*float32(radius) + 1)
	for line := range lines {
		for k := range 3 {
			base := line*lineStep + k
			at := func(i int) float32 { return src[base+max(0, min(i, n-1))*stride] }
			sum := at(0)
			for i := 1; i <= whole; i++ {
				sum += at(i) + at(-i)
			}
			for i := range n {
				dst[base+i*stride] = (sum + part*(at(i+whole+1)+at(i-whole-1))) * norm
				sum += at(i+whole+1) - at(i-whole)
			}
		}
	}
}

// rain draws streaks of falling drops, faint and slanted.
func (l *lens) rain(tex *noise, c *canvas, white float32) {
	for y := range c.h {
		for x := range c.w {
			u, v := float64(x)+0.18*float64(y), float64(y)
			n := tex.at(u*0.55+l.seed.X, v*0.028+l.seed.Y, l.seed.Z)
			if n < 0.62 {
				continue
			}
			a := float32(step(0.62, 0.95, n) * 0.35 * l.streaks)
			i := 3 * (y*c.w + x)
			for k := range 3 {
				c.px[i+k] += (white*0.75 - c.px[i+k]) * a
			}
		}
	}
}

// refract shows the blurred surroundings upside down in a drop, with a dark rim
// and a glint.
func (p *drop) refract(c, soft *canvas) {
	side := float64(min(c.w, c.h))
	cx, cy, r := p.x*float64(c.w), p.y*float64(c.h), p.r*side
	for y := int(cy - r); y <= int(cy+r); y++ {
		for x := int(cx - r); x <= int(cx+r); x++ {
			if x < 0 || y < 0 || x >= c.w || y >= c.h {
				continue
			}
			dx, dy := (float64(x)-cx)/r, (float64(y)-cy)/(r*0.92)
			q := dx*dx + dy*dy
			if q > 1 {
				continue
			}
			from := soft.index(int(cx-dx*r*3.5), int(cy-dy*r*3.5))
			a := float32(step(1, 0.75, q))
			dark := float32(1.1 - 0.5*q*q + 0.25*dy)
			glint := float32(0)
			if g := (dx+0.35)*(dx+0.35) + (dy+0.4)*(dy+0.4); g < 0.03 {
				glint = 0.35
			}
			i := 3 * (y*c.w + x)
			for k := range 3 {
				c.px[i+k] += (soft.px[from+k]*dark + glint - c.px[i+k]) * a
			}
		}
	}
}

// dirty lays mud over the picture, so near the lens that it has no sharp edge.
func (l *lens) dirty(tex *noise, c *canvas, white float64) {
	side := float64(min(c.w, c.h))
	mud := srgb(0x6b5138).scale(white * 0.55)
	for y := range c.h {
		for x := range c.w {
			u, v := float64(x)/float64(c.w), float64(y)/float64(c.h)
			much := 0.0
			for i := range l.mud {
				m := &l.mud[i]
				dx, dy := (u-m.x)*float64(c.w)/side, (v-m.y)*float64(c.h)/side
				q := (dx*dx + dy*dy) / (m.r * m.r)
				if q < 2.5 {
					much = max(much, m.dense*step(1.6, 0.25, q))
				}
			}
			if much == 0 {
				continue
			}
			n := tex.cloudy(vec{u*14 + l.seed.X, v*14 + l.seed.Y, l.seed.Z}, 3)
			a := float32(clamp(much*(0.75+0.9*n), 0, 0.93))
			i := 3 * (y*c.w + x)
			c.px[i] += (float32(mud.X) - c.px[i]) * a
			c.px[i+1] += (float32(mud.Y) - c.px[i+1]) * a
			c.px[i+2] += (float32(mud.Z) - c.px[i+2]) * a
		}
	}
}

// haze adds scattered light and darkens the corners.
func (l *lens) haze(c *canvas, veil float32) {
	for y := range c.h {
		dy := 2*float64(y)/float64(c.h) - 1
		for x := range c.w {
			dx := 2*float64(x)/float64(c.w) - 1
			f := float32(1 - l.vignette*(dx*dx+dy*dy)*0.5)
			i := 3 * (y*c.w + x)
			for k := range 3 {
				c.px[i+k] = c.px[i+k]*f + veil
			}
		}
	}
}

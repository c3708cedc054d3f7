package field

import "math"

// prop is a group of surfaces that lie in a picture without being in its truth:
// leaves, vines, straw, clods.
type prop struct {
	at      vec
	patches []*patch
}

// garden strews props about a clear spot.
type garden struct {
	d     dice
	tex   *noise
	cam   *camera
	clear float64 // radius about the origin that stays free, metres
	reach float64 // how far beyond that things lie, metres
	floor float64 // height of the ground
	props []prop
}

// spotAround draws a place on the ground between near and far metres of the
// origin that the camera sees, or nearly.
func (g *garden) spotAround(near, far float64) vec {
	var p vec
	for range 12 {
		r := math.Sqrt(g.d.between(near*near, far*far))
		p = vec{Y: r, Z: g.floor}.turnZ(g.d.angle())
		x, y, z := g.cam.project(p)
		if z > g.cam.depthOf(vec{})*0.6 && x > -0.1*float64(g.cam.w) && x < 1.1*float64(g.cam.w) && y > -0.1*float64(g.cam.h) && y < 1.2*float64(g.cam.h) {
			return p
		}
	}
	return p
}

func (g *garden) put(at vec, patches ...*patch) { g.props = append(g.props, prop{at, patches}) }

// leaves puts n leaves on their stalks; low ones lie almost on the ground.
func (g *garden) leaves(n int, age, high float64) {
	for range n {
		g.leafAt(g.spotAround(g.clear, g.clear+g.reach), age, high)
	}
}

// leafAt puts one leaf on its stalk.
func (g *garden) leafAt(foot vec, age, high float64) {
	l := leafOf(g.d, age)
	top := foot.add(vec{g.d.between(-0.06, 0.06), g.d.between(-0.06, 0.06), g.d.between(0.02, 0.05+high)})
	fr := upright(top, g.d.angle(), 1).tilted(g.d.between(0, 0.75), g.d.angle())
	g.put(foot, l.grow(g.tex, g.cam, fr), g.stalk(foot, top))
}

// dryLeaves lie flat, small and brown, from a tree near by.
func (g *garden) dryLeaves(n int) {
	for range n {
		l := leafOf(g.d, 1)
		l.size, l.age = g.d.between(0.025, 0.05), g.d.between(0.8, 1)
		l.cup, l.wave = g.d.between(-0.4, 0.4), 0.2
		at := g.spotAround(g.clear*0.8, g.clear+g.reach).add(vec{Z: 0.008})
		g.put(at, l.grow(g.tex, g.cam, upright(at, g.d.angle(), 1).tilted(g.d.between(0, 0.4), g.d.angle())))
	}
}

func (g *garden) stalk(foot, top vec) *patch {
	mid := foot.mix(top, 0.5).add(vec{g.d.between(-0.02, 0.02), g.d.between(-0.02, 0.02), 0.01})
	t := tube{path: []vec{foot, mid, top}, radius: []float64{0.0055, 0.0045, 0.0035}, col: plain(srgb(0x8a9a58)), gloss: 0.1, flat: 1}
	return t.grow(g.cam)
}

// vine crawls past the clear spot, with tendrils that curl.
func (g *garden) vine() {
	heading := g.d.angle()
	side := vec{Y: g.clear + g.d.between(0.02, 0.2)}.turnZ(heading)
	dir := vec{X: 1}.turnZ(heading)
	t := tube{flat: 1, gloss: 0.1}
	base := srgb(0x7d8f4a).mix(srgb(0xa08a5a), g.d.Float64()*0.7)
	place := g.d.place()
	t.col = func(u, a float64) vec { return base.scale(1 + 0.5*g.tex.cloudy(vec{u * 20, a, 0}.add(place), 3)) }
	for k := range 9 {
		p := side.along(dir, (float64(k)-4)*0.24).add(vec{g.d.between(-0.05, 0.05), g.d.between(-0.05, 0.05), g.floor + g.d.between(0.006, 0.035)})
		t.path, t.radius = append(t.path, p), append(t.radius, g.d.between(0.005, 0.0085))
	}
	patches := []*patch{t.grow(g.cam)}
	for range 1 + g.d.IntN(3) {
		patches = append(patches, g.tendril(t.path[2+g.d.IntN(5)]))
	}
	g.put(side, patches...)
}

func (g *garden) tendril(root vec) *patch {
	t := tube{flat: 1, col: plain(srgb(0x93a35a)), gloss: 0.1}
	a, turn := g.d.angle(), choose(g.d, -1.0, 1)
	for k := range 16 {
		f := float64(k) / 15
		r := 0.05 * (1 - 0.65*f)
		reach := vec{0.09 * f, 0, 0.05 * math.Sin(2.4*f)}.turnZ(a)
		curl := vec{r * (1 - math.Cos(turn*11*f*f)), r * math.Sin(turn*11*f*f), 0}.turnZ(a)
		t.path = append(t.path, root.add(reach).add(curl))
		t.radius = append(t.radius, 0.0022*(1-0.6*f))
	}
	return t.grow(g.cam)
}

// straws are loose stalks.
func (g *garden) straws(n int) {
	for range n {
		at := g.spotAround(0, g.clear+g.reach)
		a, half := g.d.angle(), g.d.between(0.03, 0.11)
		dir := vec{half, 0, g.d.between(-0.1, 0.1) * half}.turnZ(a)
		sag := vec{g.d.between(-0.01, 0.01), g.d.between(-0.01, 0.01), g.d.between(0.004, 0.016)}
		r := g.d.between(0.0014, 0.0026)
		col := srgb(0xd4b86c).mix(srgb(0xa0834a), g.d.Float64())
		t := tube{path: []vec{at.sub(dir).add(vec{Z: 0.004}), at.add(sag), at.add(dir).add(vec{Z: 0.004})}, radius: []float64{r, r, r}, col: plain(col), gloss: 0.2, flat: 1}
		g.put(at, t.grow(g.cam))
	}
}

// blades are tufts of grass or weed.
func (g *garden) blades(tufts int, long float64) {
	for range tufts {
		root := g.spotAround(g.clear, g.clear+g.reach)
		base := srgb(0x4d7028).mix(srgb(0x8da24c), g.d.Float64()*0.8)
		var patches []*patch
		for range 6 + g.d.IntN(10) {
			at := root.add(vec{g.d.between(-0.03, 0.03), g.d.between(-0.03, 0.03), 0})
			h := long * g.d.between(0.4, 1)
			out := vec{X: h * g.d.between(0.1, 0.8)}.turnZ(g.d.angle())
			col := base.mix(srgb(0xb5a860), g.d.between(0, 0.5))
			t := tube{
				path:   []vec{at, at.add(out.scale(0.35)).add(vec{Z: 0.65 * h}), at.add(out).add(vec{Z: 0.85 * h})},
				radius: []float64{0.003, 0.0026, 0.0006}, col: plain(col), gloss: 0.1, flat: 0.4,
			}
			patches = append(patches, t.grow(g.cam))
		}
		g.put(root, patches...)
	}
}

// clods are lumps of soil and pebbles.
func (g *garden) clods(n int, soil vec) {
	for range n {
		size := 0.006 + 0.022*math.Pow(g.d.Float64(), 3)
		at := g.spotAround(g.clear*0.6, g.clear+g.reach)
		col := soil.scale(g.d.between(0.7, 1.25))
		if g.d.chance(0.15) {
			col = srgb(0x8d877c)
		}
		g.put(at, g.lump(at.add(vec{Z: size * 0.3}), size, col))
	}
}

func (g *garden) lump(at vec, size float64, col vec) *patch {
	rows := g.cam.pieces(2*size, g.cam.depthOf(at), 6, 26)
	p := newPatch(rows*2, rows, true)
	o := g.d.place()
	for r := range rows {
		sinLat, cosLat := math.Sincos(math.Pi * float64(r) / float64(rows-1))
		for c := range p.cols {
			s, k := math.Sincos(2 * math.Pi * float64(c) / float64(p.cols))
			q := vec{sinLat * k, sinLat * s, cosLat}
			n := g.tex.cloudy(q.scale(1.6).add(o), 4)
			v := &p.v[r*p.cols+c]
			v.p = at.along(vec{q.X, q.Y, q.Z * 0.75}, size*(1+0.4*n))
			v.col, v.open = col.scale(1+0.7*n), clamp(0.65+0.35*q.Z, 0.3, 1)
		}
	}
	p.bend(-1)
	p.poles()
	return p
}

// pile heaps leaves on the middle of the picture.
func (g *garden) pile(n int, age float64) {
	for k := range n {
		l := leafOf(g.d, age)
		r := 0.2 * math.Sqrt(g.d.Float64())
		at := vec{Y: r, Z: 0.02 + 0.10*(1-r/0.2)*float64(k)/float64(n)}.turnZ(g.d.angle())
		fr := upright(at, g.d.angle(), 1).tilted(g.d.between(0, 0.6), g.d.angle())
		g.put(vec{X: at.X, Y: at.Y}, l.grow(g.tex, g.cam, fr))
	}
}

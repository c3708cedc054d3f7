package field

import "math"

// tube is a round, bent thing: a vine, a stalk, a straw, a finger.
type tube struct {
	path   []vec     // its middle, in metres
	radius []float64 // at each point of the path, metres
	col    func(t, a float64) vec
	gloss  float64
	flat   float64 // height over width of the cross-section, 1 = round
}

// grow cuts the tube; ends are pinched shut.
func (t *tube) grow(cam *camera) *patch {
	length := 0.0
	for i := 1; i < len(t.path); i++ {
		length += t.path[i].sub(t.path[i-1]).length()
	}
	mid := t.path[len(t.path)/2]
	widest := 0.0
	for _, r := range t.radius {
		widest = max(widest, r)
	}
	depth := cam.depthOf(mid)
	rows := cam.pieces(length, depth, 2*len(t.path), 240)
	cols := cam.pieces(6*widest, depth, 6, 60)
	p := newPatch(cols, rows+2, true)
	side, _ := t.path[1].sub(t.path[0]).unit().aside()
	for r := range rows + 2 {
		u := clamp(float64(r-1)/float64(rows-1), 0, 1)
		at, dir, radius := t.along(u)
		if r == 0 || r == rows+1 {
			radius *= 0.05
		}
		side = side.sub(dir.scale(side.dot(dir))).unit()
		up := dir.cross(side)
		for c := range cols {
			a := 2 * math.Pi * float64(c) / float64(cols)
			sin, cos := math.Sincos(a)
			out := side.scale(cos).add(up.scale(sin * t.flat))
			v := &p.v[r*cols+c]
			v.p, v.n = at.along(out, radius), out.unit()
			v.col, v.gloss, v.open = t.col(u, a), t.gloss, 0.9
		}
	}
	return p
}

// along returns the place, the direction and the radius at u in 0..1, smooth
// through the path's points (Catmull and Rom's spline).
func (t *tube) along(u float64) (at, dir vec, radius float64) {
	n := len(t.path) - 1
	x := u * float64(n)
	i := min(int(x), n-1)
	f := x - float64(i)
	a, b, c, d := t.path[max(i-1, 0)], t.path[i], t.path[i+1], t.path[min(i+2, n)]
	at = b.scale(2).add(c.sub(a).scale(f)).
		add(a.scale(2).sub(b.scale(5)).add(c.scale(4)).sub(d).scale(f * f)).
		add(b.scale(3).sub(a).sub(c.scale(3)).add(d).scale(f * f * f)).scale(0.5)
	dir = c.sub(a).mix(d.sub(b), f).unit()
	return at, dir, lerp(t.radius[i], t.radius[i+1], f)
}

// plain is a colour that does not change along a tube.
func plain(c vec) func(t, a float64) vec { return func(_, _ float64) vec { return c } }

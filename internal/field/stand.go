package field

import "math"

// The table that a scene's pumpkins are put on: planks on two trestles, its top
// at height 0.
const (
	plankCount = 5
	plankWide  = 0.105
	plankThick = 0.028
	plankGap   = 0.006
	tableHigh  = 0.52
)

// table makes the planks and what carries them, half metres to each side.
func table(d dice, tex *noise, cam *camera, half float64) []prop {
	var out []prop
	wood := ground{kind: boardGround, place: d.place(), tone: d.between(0.1, 0.8)}
	deep := float64(plankCount) * (plankWide + plankGap)
	for k := range plankCount {
		y := -deep/2 + (float64(k)+0.5)*(plankWide+plankGap)
		from, to := vec{-half + d.between(0, 0.03), y, 0}, vec{half - d.between(0, 0.03), y, 0}
		out = append(out, prop{from.mix(to, 0.5), []*patch{beam(tex, cam, &wood, from, to, plankWide, plankThick, float64(k))}})
	}
	for _, x := range []float64{-half * 0.8, half * 0.8} {
		top := vec{x, 0, -plankThick}
		out = append(out,
			prop{top, []*patch{beam(tex, cam, &wood, top.add(vec{Y: -deep / 2, Z: -0.03}), top.add(vec{Y: deep / 2, Z: -0.03}), 0.06, 0.06, 7)}},
			prop{top, []*patch{beam(tex, cam, &wood, top.add(vec{Y: -deep / 2.4, Z: -0.05}), top.add(vec{Y: -deep / 2.4, Z: -tableHigh}), 0.06, 0.06, 8)}},
			prop{top, []*patch{beam(tex, cam, &wood, top.add(vec{Y: deep / 2.4, Z: -0.05}), top.add(vec{Y: deep / 2.4, Z: -tableHigh}), 0.06, 0.06, 9)}})
	}
	return out
}

// beam is a length of timber with worn edges, its upper face at from and to.
func beam(tex *noise, cam *camera, wood *ground, from, to vec, wide, thick, id float64) *patch {
	dir := to.sub(from)
	long := dir.length()
	dir = dir.unit()
	side, up := dir.aside()
	if math.Abs(dir.Z) < 0.9 {
		side = dir.cross(vec{Z: 1}).unit()
		up = side.cross(dir)
	}
	rows := cam.pieces(long, cam.depthOf(from.mix(to, 0.5)), 8, 900)
	cols := cam.pieces(2*(wide+thick), cam.depthOf(from.mix(to, 0.5)), 16, 240)
	p := newPatch(cols, rows+2, true)
	mid := from.along(up, -thick/2)
	for r := range rows + 2 {
		t := clamp(float64(r-1)/float64(rows-1), 0, 1)
		shrink := 1.0
		if r == 0 || r == rows+1 {
			shrink = 0
		}
		for c := range cols {
			x, z := rounded(float64(c)/float64(cols), wide/2, thick/2)
			s := wood.boards(tex, t*long+id*1.3, (math.Floor(id)+0.5+0.42*x/wide*2)*boardWidth, 0.001)
			v := &p.v[r*cols+c]
			v.p = mid.along(dir, t*long).along(side, x*shrink).along(up, (z+s.height*0.6)*shrink)
			v.col, v.open, v.gloss = s.col, 0.95, 0.06
		}
	}
	p.bend(1)
	p.poles()
	return p
}

// edge is the share of a beam's outline that each narrow side takes.
const edge = 0.12

// rounded walks round a box: t in 0..1 along the upper face, down, back, up. The
// corners get no point of their own, which wears them off.
func rounded(t, halfWide, halfHigh float64) (x, y float64) {
	const face = 0.5 - edge
	switch {
	case t < face:
		return halfWide * (2*t/face - 1), halfHigh
	case t < 0.5:
		return halfWide, halfHigh * (1 - 2*(t-face)/edge)
	case t < 0.5+face:
		return halfWide * (1 - 2*(t-0.5)/face), -halfHigh
	}
	return -halfWide, halfHigh * (2*(t-0.5-face)/edge - 1)
}

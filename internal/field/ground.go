package field

import "math"

// groundKind is what a picture's things stand on.
type groundKind int

const (
	soilGround groundKind = iota
	strawGround
	grassGround
	boardGround
	gravelGround
	clothGround
	groundKinds
)

// ground is the floor of a picture.
type ground struct {
	kind    groundKind
	place   vec
	turn    float64 // direction of furrows, straw and boards
	wet     float64 // 0 dry .. 1 wet: darker, shinier
	tone    float64 // 0..1 between a kind's colours
	furrows float64 // height of the rows, metres
	level   float64 // height of the floor, metres
	vague   float64 // finest detail drawn, metres; 0 = as fine as the pixels
}

func groundOf(d dice) ground {
	kinds := []groundKind{soilGround, soilGround, soilGround, strawGround, strawGround, grassGround, boardGround, boardGround, gravelGround, clothGround}
	return ground{
		kind: choose(d, kinds...), place: d.place(), turn: d.angle(), wet: max(0, d.between(-0.5, 0.9)),
		tone: d.Float64(), furrows: d.between(0, 0.04),
	}
}

// spot is one place on the ground.
type spot struct {
	height, open, gloss float64
	col                 vec
}

// render makes the layer of the ground that the camera sees nearer than far
// metres and that nothing hides.
func (g *ground) render(tex *noise, cam *camera, far float64, hidden []bool) *layer {
	l := &layer{w: cam.w, h: cam.h, px: make([]texel, cam.w*cam.h)}
	// One more row and column, for the slopes at the edge.
	w := cam.w + 1
	above, row := make([]vec, w), make([]vec, w)
	for y := range cam.h + 1 {
		above, row = row, above
		for x := range w {
			ray := cam.ray(float64(x)+0.5, float64(y)+0.5)
			depth := (g.level - cam.at.Z) / ray.Z
			if ray.Z > -1e-3 || depth > far || (x < cam.w && y < cam.h && hidden[y*cam.w+x]) {
				row[x] = vec{Z: math.NaN()}
				continue
			}
			p := cam.at.along(ray, depth)
			s := g.spot(tex, p.X, p.Y, depth/cam.focal+g.vague)
			p.Z = g.level + s.height
			row[x] = p
			if y < cam.h && x < cam.w {
				l.px[y*cam.w+x] = texel{
					col:   [3]float32{float32(s.col.X), float32(s.col.Y), float32(s.col.Z)},
					depth: float32(depth), open: float32(s.open), gloss: float32(s.gloss), alpha: 1,
				}
			}
		}
		if y > 0 {
			slopes(l.px[(y-1)*cam.w:y*cam.w], above, row)
		}
	}
	return l
}

// slopes sets the normals of a row from its own places and the next row's.
func slopes(px []texel, row, below []vec) {
	for x := range px {
		n := vec{Z: 1}
		if p := row[x]; !math.IsNaN(p.Z) && !math.IsNaN(row[x+1].Z) && !math.IsNaN(below[x].Z) {
			n = below[x].sub(p).cross(row[x+1].sub(p)).unit()
			if n.Z < 0 {
				n = n.scale(-1)
			}
		}
		px[x].n = [3]float32{float32(n.X), float32(n.Y), float32(n.Z)}
	}
}

// octaves is how many octaves of detail, the coarsest of the given length
// (metres), are worth drawing for pixels of the given size.
func octaves(length, pixel float64, most int) int {
	n := int(math.Log2(length / max(pixel, 1e-5)))
	return max(1, min(n, most))
}

// spot returns the ground at a place, for pixels of the given size (metres).
func (g *ground) spot(tex *noise, x, y, pixel float64) spot {
	s, c := math.Sincos(g.turn)
	u, v := c*x+s*y, c*y-s*x // u along the rows
	var out spot
	switch g.kind {
	case strawGround:
		out = g.straw(tex, u, v, pixel)
	case grassGround:
		out = g.grass(tex, u, v, pixel)
	case boardGround:
		out = g.boards(tex, u, v, pixel)
	case gravelGround:
		out = g.gravel(tex, u, v, pixel)
	case clothGround:
		out = g.cloth(tex, u, v, pixel)
	default:
		out = g.soil(tex, u, v, pixel)
	}
	if g.wet > 0 {
		out.col = out.col.scale(1 - 0.45*g.wet)
		out.gloss = lerp(out.gloss, 0.5, g.wet*0.6)
	}
	return out
}

func (g *ground) soil(tex *noise, u, v, pixel float64) spot {
	p := vec{u * 9, v * 9, 0}.add(g.place)
	n := octaves(0.11, pixel, 7)
	broad := tex.cloudy(vec{u * 2.3, v * 2.3, 4}.add(g.place), 2)
	clods := tex.cloudy(p, n)
	lumps := math.Abs(tex.cloudy(p.scale(2.1), max(1, n-1)))
	row := math.Sin(v*2*math.Pi/0.75) * g.furrows
	h := row + 0.030*clods + 0.040*lumps + 0.02*broad
	dark, pale := srgb(0x4a3626).mix(srgb(0x5a3a24), g.tone), srgb(0x8c6f52).mix(srgb(0x9b7350), g.tone)
	t := clamp(0.42+0.9*clods+0.8*lumps+0.5*broad, 0, 1)
	return spot{height: h, col: dark.mix(pale, t), open: clamp(0.55+1.2*lumps+0.6*clods, 0.3, 1)}
}

// strawCell is the side of the squares that straw is strewn by, metres.
const strawCell = 0.024

// straw is a mat of stalks that lie any way, one over the other.
func (g *ground) straw(tex *noise, u, v, pixel float64) spot {
	x, y := u/strawCell+40*g.place.X, v/strawCell+40*g.place.Y
	cx, cy := math.Floor(x), math.Floor(y)
	bend := 0.35 * tex.at(u*5, v*5, g.place.Z)
	best, tone := -1.0, 0.0
	for k := range 3 {
		for j := -1.0; j <= 1; j++ {
			for i := -1.0; i <= 1; i++ {
				a, b := cx+i, cy+j
				rank := tex.cell(a, b, 4*k+3)
				if rank <= best {
					continue
				}
				dx, dy := x-a-0.5-0.5*tex.cell(a, b, 4*k), y-b-0.5-0.5*tex.cell(a, b, 4*k+1)
				s, c := math.Sincos(math.Pi*tex.cell(a, b, 4*k+2) + bend)
				along, across := c*dx+s*dy, (c*dy-s*dx)*strawCell/0.0017
				if along*along < 0.9 && across*across < 1 {
					best, tone = rank, 0.62+0.3*rank-0.4*across*across
				}
			}
		}
	}
	// What is too far to be told apart is an even gold.
	even := 0.5 + 0.5*tex.cloudy(vec{u * 14, v * 14, 1}.add(g.place), 3)
	away := step(0.0012, 0.003, pixel)
	base := srgb(0x6e5630).mix(srgb(0x4a3a22), 0.5+0.5*even)
	col := srgb(0x86693a).mix(srgb(0xd8bf7c), clamp(tone, 0, 1)).mix(srgb(0xb3a58a), 0.4*g.tone)
	if best <= -1 {
		col = base
	}
	col = col.mix(srgb(0x8a7040).mix(srgb(0xc4a866), even), away)
	height := 0.010*best + 0.002*tone + 0.015*even
	return spot{height: height * (1 - 0.7*away), col: col, open: clamp(lerp(0.62+0.38*best, 0.8, away), 0.3, 1), gloss: 0.08}
}

// grass is short turf: tufts, with the blades' streaks leaning this way and that.
func (g *ground) grass(tex *noise, u, v, pixel float64) spot {
	n := octaves(0.08, pixel, 5)
	tufts := tex.cloudy(vec{u * 13, v * 13, 0}.add(g.place), n)
	lean := tex.cloudy(vec{u * 6, v * 6, 5}.add(g.place), 2)
	near := step(0.004, 0.001, pixel)
	fine := near * tex.at(u*170+9*tufts+14*lean, v*38+6*tufts, g.place.Z)
	fine += 0.5 * near * tex.at(u*90-6*tufts, v*90+9*lean, g.place.Y)
	dry := tex.cloudy(vec{u * 4, v * 4, 8}.add(g.place), 3)
	t := clamp(0.42+0.45*fine+0.7*tufts+0.25*lean, 0, 1)
	col := srgb(0x26381a).mix(srgb(0x7f9648), t)
	col = col.mix(srgb(0xa0905a), 0.75*step(0.25-0.4*g.tone, 0.6, dry+0.3*fine))
	return spot{height: 0.03*tufts + 0.010*fine, col: col, open: clamp(0.4+0.55*t, 0.25, 1), gloss: 0.06}
}

// boardWidth is the width of a plank, metres.
const boardWidth = 0.11

func (g *ground) boards(tex *noise, u, v, pixel float64) spot {
	x := v/boardWidth + g.place.X
	id := math.Floor(x)
	f := x - id
	seam := min(f, 1-f) * boardWidth
	near := step(0.004, 0.0008, pixel)
	gap := step(0.0045, 0.0018, seam) * (0.25 + 0.75*near)
	shift := id * 7.7
	grain := tex.cloudy(vec{u*1.6 + shift, f*9 + shift, g.place.Y}, 4)
	rings := math.Sin((f*5+2.4*grain)*7 + id)
	fibre := near * tex.at(u*14+shift, v*330, g.place.Z)
	old, fresh := srgb(0x8b8378), srgb(0xa98558)
	col := old.mix(fresh, clamp(g.tone+0.25*tex.at(shift, 1, 2), 0, 1))
	col = col.scale(1 + 0.22*tex.at(shift, 5, 9)).scale(1 + 0.16*rings + 0.2*fibre + 0.25*grain)
	col = col.mix(srgb(0x120d08), gap)
	stain := step(0.2, 0.5, tex.cloudy(vec{u * 5, v * 5, 3}.add(g.place), 4))
	col = col.mix(srgb(0x4d3d2c), 0.4*stain)
	return spot{
		height: 0.0009*rings*0.4 + 0.0007*fibre - 0.006*gap + 0.002*tex.at(shift, 0, 0), col: col,
		open: 1 - 0.75*gap,
	}
}

func (g *ground) gravel(tex *noise, u, v, pixel float64) spot {
	best, second, id := 9.0, 9.0, 0.0
	x, y := u*70+40*g.place.X, v*70+40*g.place.Y
	cx, cy := math.Floor(x), math.Floor(y)
	for j := -1.0; j <= 1; j++ {
		for i := -1.0; i <= 1; i++ {
			a, b := cx+i, cy+j
			px := a + 0.5 + 0.5*tex.cell(a, b, 0)
			py := b + 0.5 + 0.5*tex.cell(a, b, 1)
			d := (px-x)*(px-x) + (py-y)*(py-y)
			if d < best {
				best, second, id = d, best, tex.cell(a, b, 2)
			} else if d < second {
				second = d
			}
		}
	}
	edge := math.Sqrt(second) - math.Sqrt(best)
	dome := step(0, 0.5, edge)
	n := tex.cloudy(vec{x, y, 2}.add(g.place), octaves(0.03, pixel, 3))
	col := srgb(0x6f6a62).mix(srgb(0xb3aa9a), clamp(0.5+0.6*id+0.4*n, 0, 1))
	col = col.mix(srgb(0x9a8468), 0.5*g.tone).scale(0.5 + 0.5*dome)
	away := step(0.0015, 0.005, pixel)
	col = col.mix(srgb(0x86806f).scale(1+0.4*n), away)
	return spot{height: (0.008*dome + 0.006*id + 0.003*n) * (1 - away), col: col, open: 0.45 + 0.55*dome}
}

// cloth is a tarpaulin or mulch film with folds.
func (g *ground) cloth(tex *noise, u, v, pixel float64) spot {
	folds := tex.cloudy(vec{u * 3, v * 5, 0}.add(g.place), 3)
	sharp := tex.ridged(vec{u*2.2 + folds, v * 2.2, 3}.add(g.place), 2)
	weave := tex.at(u*400, v*20, 1) + tex.at(u*20, v*400, 2)
	if pixel > 0.0025 {
		weave = 0
	}
	colours := []vec{srgb(0x3a3d40), srgb(0x4c6a86), srgb(0x5e6f55), srgb(0xb9b4a8)}
	col := colours[int(g.tone*3.999)].scale(1 + 0.10*weave)
	dust := step(0.0, 0.4, tex.cloudy(vec{u * 6, v * 6, 6}.add(g.place), 4))
	col = col.mix(srgb(0x8a745a), 0.55*dust)
	return spot{height: 0.02*folds + 0.022*sharp, col: col, open: 0.9, gloss: 0.22 * (1 - dust)}
}

package field

import "math"

// leaf is a pumpkin's leaf: broad, with five blunt lobes, a notch at the stalk,
// pale veins and a rough green blade that yellows and browns from the edge.
type leaf struct {
	size   float64 // metres from the stalk to the tip
	age    float64 // 0 fresh .. 1 yellow and brown
	cup    float64 // how far the edge rises (or hangs, < 0), share of the size
	wave   float64
	spot   float64 // pale blotches between the veins
	green  vec
	place  vec
	lobing float64
}

func leafOf(d dice, age float64) leaf {
	return leaf{
		size: d.between(0.08, 0.15), age: clamp(age+d.between(-0.25, 0.25), 0, 1), cup: d.between(-0.25, 0.22),
		wave: d.between(0.04, 0.12), spot: d.between(0, 0.7), place: d.place(), lobing: d.between(0.08, 0.2),
		green: srgb(0x4a6b2a).mix(srgb(0x66853c), d.Float64()),
	}
}

// veinAt are the directions of the main veins, the tip at 0.
func veinAt(k int) float64 { return float64(k-2) * 0.98 }

// outline is the blade's reach in a direction, as a share of its size.
func (l *leaf) outline(a float64) float64 {
	lobe := math.Cos(a * 2 * math.Pi / 0.98 / 1)
	r := 0.86 + l.lobing*0.6*lobe*step(2.6, 2.1, math.Abs(a))
	notch := (math.Pi - math.Abs(a)) / 0.42
	r *= 1 - 0.86*math.Exp(-notch*notch)
	r *= 1 - 0.12*math.Abs(a)/math.Pi
	return r * (1 + 0.022*math.Sin(a*23) + 0.015*math.Sin(a*41+1))
}

// grow cuts the blade; the frame's origin is where the stalk joins, x points to the tip.
func (l *leaf) grow(tex *noise, cam *camera, fr frame) *patch {
	rows := cam.pieces(l.size*0.8, cam.depthOf(fr.at), 10, 70)
	cols := rows * 4
	fr.size = l.size
	p := newPatch(cols, rows, true)
	p.twoSided = true
	for r := range rows {
		t := float64(r) / float64(rows-1)
		for c := range cols {
			a := 2*math.Pi*float64(c)/float64(cols) - math.Pi
			l.point(tex, fr, t, a, &p.v[r*cols+c])
		}
	}
	p.bend(1)
	for c := range cols {
		p.v[c].n = p.v[cols+c].n
	}
	return p
}

func (l *leaf) point(tex *noise, fr frame, t, a float64, v *vertex) {
	reach := l.outline(a) * t
	x, y := reach*math.Cos(a), reach*math.Sin(a)
	vein := 0.0
	for k := range 5 {
		off := a - veinAt(k)
		if math.Abs(off) > 1 {
			continue
		}
		// A vein narrows outwards; branches leave it forwards.
		d := math.Abs(off) * t
		vein = max(vein, step(0.035, 0.012, d+0.02*t))
		branch := math.Abs(math.Mod(t*6.5-math.Abs(off)*3.2+7, 1) - 0.5)
		vein = max(vein, 0.55*step(0.1, 0.03, branch)*step(0.05, 0.12, t)*step(0.5, 0.4, math.Abs(off)))
	}
	n := tex.cloudy(vec{x*2.2 + l.place.X, y*2.2 + l.place.Y, l.place.Z}, 4)
	z := l.cup*t*t + l.wave*t*(math.Sin(3*a+l.place.X)+1.2*n) - 0.018*vein
	v.p = fr.point(vec{x, y, z})
	col := l.green.scale(1 + 0.5*n)
	blotch := step(0.1, 0.4, tex.cloudy(vec{x*5 + l.place.Y, y*5 + l.place.X, 3}, 3))
	col = col.mix(srgb(0xb9c3a2), 0.35*l.spot*blotch*(1-vein))
	col = col.mix(srgb(0xa9b878), 0.62*vein)
	sick := l.age*1.7 - 0.75 + 0.35*t + 0.6*n
	col = col.mix(srgb(0xb79b3a), step(0.0, 0.45, sick)*0.85)
	col = col.mix(srgb(0x6e4f2c), step(0.38, 0.75, sick))
	v.col, v.open, v.gloss = col, 0.95-0.15*(1-t), 0.14*(1-l.age)
	v.thin = 0.5 * (1 - 0.5*l.age)
}

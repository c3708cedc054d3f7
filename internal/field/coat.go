package field

import "math"

// The coats of things that are round, or orange, or striped, and no pumpkins.

// watermelonCoat is smooth and green with dark, torn stripes from end to end.
func watermelonCoat(d dice) coat {
	o, stripes := d.place(), float64(9+d.IntN(5))
	dark, pale := srgb(0x1d3a18).mix(srgb(0x2a4a1e), d.Float64()), srgb(0x7fa356).mix(srgb(0xa3b870), d.Float64())
	plainDark := d.chance(0.2)
	return func(tex *noise, q vec, lat, lon float64) (vec, float64, float64) {
		torn := tex.cloudy(vec{q.X * 6, q.Y * 6, q.Z * 3}.add(o), 4)
		wide := tex.cloudy(q.scale(2).add(o), 2)
		wave := math.Cos(lon*stripes + 2.8*torn + 1.5*wide)
		t := step(-0.25, 0.35, wave+0.5*torn)
		veins := tex.ridged(vec{q.X * 9, q.Y * 9, q.Z * 5}.add(o), 2)
		col := pale.mix(dark, t).mix(dark, 0.35*step(0.7, 0.9, veins))
		if plainDark {
			col = dark.mix(pale, 0.10+0.18*(1-t))
		}
		return col, 0.5, 0
	}
}

// melonCoat is tan, with a corky net, over faint green furrows.
func melonCoat(d dice) coat {
	o, ribs := d.place(), float64(9+d.IntN(3))
	base := srgb(0xc9b27a).mix(srgb(0xbfa75a), d.Float64())
	return func(tex *noise, q vec, lat, lon float64) (vec, float64, float64) {
		furrow := step(0.82, 1, math.Cos(lon*ribs))
		net := tex.ridged(q.scale(13).add(o), 2)
		in := step(0.66, 0.80, net) * (1 - 0.9*furrow)
		col := base.scale(0.82).mix(srgb(0x7c8a4c), 0.45*furrow+0.2)
		col = col.mix(srgb(0xdccba4), 0.9*in)
		return col, 0.08, 0.012*in - 0.012*furrow
	}
}

// citrusCoat is a pored rind with a small navel.
func citrusCoat(d dice) coat {
	o := d.place()
	base := choose(d, srgb(0xee8412), srgb(0xf08c1c), srgb(0xe8b422), srgb(0xdd6a16))
	return func(tex *noise, q vec, lat, _ float64) (vec, float64, float64) {
		pore := tex.at(q.X*34+o.X, q.Y*34+o.Y, q.Z*34+o.Z)
		in := step(0.3, 0.75, pore)
		col := base.scale(1+0.10*tex.cloudy(q.scale(2).add(o), 2)).mix(base.scale(0.72), 0.5*in)
		button := step(0.12, 0.07, lat)
		col = col.mix(srgb(0x5f6a30), button)
		return col, 0.55 * (1 - button), -0.008*in - 0.05*step(0.3, 0.0, lat)
	}
}

// appleCoat is streaked red over yellow, or green.
func appleCoat(d dice) coat {
	o := d.place()
	under := choose(d, srgb(0xd8b84a), srgb(0x9fb443))
	over := choose(d, srgb(0xa51c1c), srgb(0xc23a22), srgb(0x8fae3a))
	return func(tex *noise, q vec, lat, lon float64) (vec, float64, float64) {
		streak := tex.at(math.Cos(lon)*18+o.X, math.Sin(lon)*18+o.Y, lat*1.3)
		t := clamp(0.62+0.6*streak+0.9*tex.cloudy(q.scale(1.5).add(o), 2), 0, 1)
		col := under.mix(over, t)
		dot := step(0.66, 0.8, tex.at(q.X*26+o.Z, q.Y*26, q.Z*26))
		col = col.mix(srgb(0xe2cf9a), 0.5*dot).mix(srgb(0x6b5a2a), step(0.32, 0.1, lat))
		return col, 0.75, -0.28 * math.Exp(-lat*lat/0.06)
	}
}

// ballCoat is a basketball: pebbled, with black seams.
func ballCoat(d dice) coat {
	base := choose(d, srgb(0xc7641f), srgb(0xd9742a), srgb(0xb5521c))
	axis, side := randomDirection(d), vec{}
	side, _ = axis.aside()
	third := axis.cross(side)
	return func(tex *noise, q vec, _, _ float64) (vec, float64, float64) {
		a, b, c := q.dot(axis), q.dot(side), q.dot(third)
		seam := min(math.Abs(a), math.Abs(b))
		// Two bowed seams besides the two great circles.
		seam = min(seam, math.Abs(math.Abs(c)-0.42-0.42*a*a*1.2))
		in := step(0.034, 0.022, seam)
		pebble := tex.at(q.X*52, q.Y*52, q.Z*52)
		col := base.scale(1+0.14*pebble).mix(srgb(0x15110f), in)
		return col, 0.3 * (1 - in), 0.005*pebble*(1-in) - 0.012*in
	}
}

// stoneCoat is grey or brown rock with lichen.
func stoneCoat(d dice) coat {
	o, lichen := d.place(), d.between(-0.1, 0.5)
	base := choose(d, srgb(0x7d7a74), srgb(0x8f8168), srgb(0x6a5f58), srgb(0xa06f48))
	return func(tex *noise, q vec, _, _ float64) (vec, float64, float64) {
		n := tex.cloudy(q.scale(3.2).add(o), 5)
		crack := tex.ridged(q.scale(2.4).add(o), 3)
		fine := tex.at(q.X*40+o.X, q.Y*40, q.Z*40)
		col := base.scale(clamp(1+0.7*n+0.15*fine, 0.3, 1.7))
		col = col.mix(srgb(0xa9a98a), 0.6*step(0.25, 0.45, tex.cloudy(q.scale(4).add(o).scale(1.1), 3)+lichen-0.3))
		return col, 0.04, 0.10*n + 0.02*fine*0.5 - 0.05*step(0.78, 0.95, crack)
	}
}

// cabbageCoat is overlapping pale leaves with ribs.
func cabbageCoat(d dice) coat {
	o := d.place()
	base := srgb(0x86a86a).mix(srgb(0xa9c08a), d.Float64())
	if d.chance(0.2) {
		base = srgb(0x5c3a5a)
	}
	return func(tex *noise, q vec, lat, lon float64) (vec, float64, float64) {
		// Wrapped leaves, each with a pale midrib that branches towards its edge.
		t := lon/1.05 + 0.35*tex.at(q.X+o.X, q.Y+o.Y, q.Z+o.Z) + 16
		off := math.Abs(t-math.Floor(t)-0.5) * 2 // 0 midrib .. 1 where leaves meet
		rib := step(0.16*(1.1-0.55*math.Sin(lat)), 0.03, off*math.Sin(lat))
		side := math.Abs(math.Mod(lat*3.2+off*1.6+0.4*tex.at(q.X*3, q.Y*3, q.Z*3), 0.5)-0.25) * 4
		vein := max(rib, 0.7*step(0.22, 0.06, side)*(1-off*0.6))
		seam := step(0.86, 0.99, off)
		crinkle := tex.cloudy(q.scale(6).add(o), 4)
		col := base.scale(1+0.55*crinkle).mix(base.mix(srgb(0xe4ead2), 0.8), 0.75*vein)
		return col.scale(1 - 0.55*seam), 0.14, 0.03*crinkle + 0.010*vein - 0.06*seam + 0.03*(1-off)
	}
}

// tomatoCoat is smooth, red and shining.
func tomatoCoat(d dice) coat {
	base := srgb(0xc8261a).mix(srgb(0xdd5a22), d.Float64())
	o := d.place()
	return func(tex *noise, q vec, lat, _ float64) (vec, float64, float64) {
		n := tex.cloudy(q.scale(2).add(o), 2)
		col := base.scale(1+0.25*n).mix(srgb(0x7a8a30), 0.5*step(0.7, 0.2, lat+0.3*n))
		return col, 0.9, -0.12 * math.Exp(-lat*lat/0.08)
	}
}

package field

import "math"

// glove is a hand in a work glove, seen from above, reaching into the picture.
type glove struct {
	col, cuff, sleeve vec
	place             vec
	spread            float64 // how far the fingers are apart, radians
	curl              float64 // how far they bend down
	heading           float64 // where the hand points
}

func gloveOf(d dice) *glove {
	return &glove{
		col:    choose(d, srgb(0xc9a36a), srgb(0xd97a2a), srgb(0x5b6a7a), srgb(0x9c9a8e), srgb(0xb88a52), srgb(0x47663f)),
		cuff:   choose(d, srgb(0x7a5a3a), srgb(0x2c3440), srgb(0xb9b0a0)),
		sleeve: choose(d, srgb(0x33445c), srgb(0x6a2f2a), srgb(0x4a4d3c), srgb(0x8a8478)),
		place:  d.place(), spread: d.between(0.12, 0.3), curl: d.between(0.1, 0.7), heading: d.angle(),
	}
}

func (g *glove) rest(*noise, frame) float64 { return 0.35 }

// grow makes palm, fingers, thumb, cuff and forearm; the frame's size is half the hand.
func (g *glove) grow(tex *noise, cam *camera, fr frame) []*patch {
	fr = upright(fr.at, g.heading, fr.size)
	fabric := func(base vec) func(t, a float64) vec {
		return func(t, a float64) vec {
			n := tex.cloudy(vec{t*3 + g.place.X, math.Cos(a) * 2, math.Sin(a)*2 + g.place.Y}, 4)
			return base.scale(1 + 0.55*n)
		}
	}
	limb := func(base vec, flat float64, radii []float64, pts ...vec) *patch {
		t := tube{flat: flat, col: fabric(base), gloss: 0.06}
		for i, p := range pts {
			t.path = append(t.path, fr.point(p))
			t.radius = append(t.radius, radii[min(i, len(radii)-1)]*fr.size)
		}
		return t.grow(cam)
	}
	out := []*patch{
		limb(g.col, 0.55, []float64{0.34, 0.44, 0.46, 0.36}, vec{X: -0.45}, vec{X: -0.15, Z: 0.05}, vec{X: 0.25, Z: 0.08}, vec{X: 0.5, Z: 0.05}),
		limb(g.cuff, 0.8, []float64{0.36, 0.40, 0.42}, vec{X: -0.5}, vec{X: -0.75, Z: 0.04}, vec{X: -1.0, Z: 0.1}),
		limb(g.sleeve, 0.9, []float64{0.38, 0.44, 0.5, 0.55}, vec{X: -0.95, Z: 0.1}, vec{X: -1.6, Z: 0.35}, vec{X: -2.4, Z: 0.7}, vec{X: -3.6, Z: 1.3}),
	}
	for k := range 4 {
		side := (float64(k) - 1.5) * 0.21
		a := (float64(k) - 1.5) * g.spread
		reach := 0.62 - 0.05*math.Abs(float64(k)-1.3)
		s, c := math.Sincos(a)
		root := vec{0.45, side, 0.06}
		mid := root.add(vec{c * reach * 0.55, s * reach * 0.55, 0.04 - 0.05*g.curl})
		tip := root.add(vec{c * reach * (1 - 0.3*g.curl), s * reach, -0.3 * g.curl})
		out = append(out, limb(g.col, 0.9, []float64{0.125, 0.12, 0.10}, root, mid, tip))
	}
	thumb := limb(g.col, 0.9, []float64{0.17, 0.15, 0.11}, vec{-0.2, 0.3, 0.0}, vec{0.05, 0.55, -0.02}, vec{0.32, 0.68, -0.1})
	return append(out, thumb)
}

package field

import "math"

// lathe is a thing turned about its axis: a bucket, a flower pot.
type lathe struct {
	profile [][2]float64 // radius and height, in units of the thing's size, from the middle of the floor outside to the middle inside
	col     func(tex *noise, t, a float64, p vec) vec
	gloss   float64
	handle  *tube // in metres, about the thing's place; nil for none
}

func (o *lathe) rest(*noise, frame) float64 { return 0 }

func (o *lathe) grow(tex *noise, cam *camera, fr frame) []*patch {
	depth := cam.depthOf(fr.at)
	cols := cam.pieces(2*math.Pi*fr.size*0.7, depth, 32, 400)
	per := cam.pieces(1.2*fr.size, depth, 12, 200) / 4
	rows := (len(o.profile)-1)*per + 1
	p := newPatch(cols, rows, true)
	for r := range rows {
		t := float64(r) / float64(per)
		i := min(int(t), len(o.profile)-2)
		f := t - float64(i)
		radius := lerp(o.profile[i][0], o.profile[i+1][0], f)
		z := lerp(o.profile[i][1], o.profile[i+1][1], f)
		for c := range cols {
			a := 2 * math.Pi * float64(c) / float64(cols)
			local := vec{radius * math.Cos(a), radius * math.Sin(a), z}
			v := &p.v[r*cols+c]
			v.p = fr.point(local)
			v.col, v.gloss, v.open = o.col(tex, t, a, local), o.gloss, 1
			if inside := t - float64(len(o.profile)-3); inside > 0 {
				v.open = clamp(1-0.6*inside, 0.2, 1)
			}
		}
	}
	p.bend(1)
	p.poles()
	out := []*patch{p}
	if o.handle != nil {
		h := *o.handle
		h.path = make([]vec, len(o.handle.path))
		for i, q := range o.handle.path {
			h.path[i] = fr.point(q)
		}
		out = append(out, h.grow(cam))
	}
	return out
}

// bucketOf is a pail with a wire handle.
func bucketOf(d dice) *lathe {
	base := choose(d, srgb(0xd96a1a), srgb(0xc23b22), srgb(0x2f5d8c), srgb(0x8a9098), srgb(0x2d2f31), srgb(0xd9b02c), srgb(0x3f7a45))
	o := d.place()
	angle := d.angle()
	handle := &tube{radius: []float64{0.004, 0.004, 0.006, 0.004, 0.004}, col: plain(srgb(0x8d8d8d)), gloss: 0.5, flat: 1}
	lean := d.between(-1.5, 1.5)
	for k := range 5 {
		s, c := math.Sincos(math.Pi * float64(k) / 4)
		handle.path = append(handle.path, vec{c, s * math.Sin(lean), 1.3 + s*math.Cos(lean)*0.9}.turnZ(angle))
	}
	return &lathe{
		profile: [][2]float64{{0, 0}, {0.72, 0}, {0.97, 1.42}, {1.03, 1.42}, {1.03, 1.5}, {0.95, 1.5}, {0.70, 0.06}, {0, 0.05}},
		gloss:   0.45, handle: handle,
		col: func(tex *noise, t, _ float64, p vec) vec {
			scuff := step(0.15, 0.45, tex.cloudy(p.scale(4).add(o), 4))
			col := base.mix(base.mix(srgb(0xb8b0a4), 0.5), 0.5*scuff)
			dirt := step(0.5, -0.1, p.Z+0.5*tex.cloudy(p.scale(6).add(o), 3)) * step(5, 4, t)
			return col.mix(srgb(0x6b553e), 0.7*dirt)
		},
	}
}

// potOf is a clay flower pot, with soil in it.
func potOf(d dice) *lathe {
	base := srgb(0xb4623a).mix(srgb(0xa8552c), d.Float64())
	o := d.place()
	return &lathe{
		profile: [][2]float64{{0, 0}, {0.66, 0}, {0.88, 1.12}, {1.0, 1.12}, {1.02, 1.46}, {0.93, 1.46}, {0.86, 1.3}, {0, 1.3}},
		gloss:   0.04,
		col: func(tex *noise, t, _ float64, p vec) vec {
			n := tex.cloudy(p.scale(5).add(o), 4)
			if t > 6 {
				return srgb(0x3d2c1f).scale(1 + 0.9*n)
			}
			salt := step(0.05, 0.4, tex.cloudy(p.scale(3).add(o), 4))
			return base.scale(1+0.3*n).mix(srgb(0xd8c8b8), 0.5*salt)
		},
	}
}

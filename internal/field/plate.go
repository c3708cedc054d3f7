package field

// plate is the part of a scene that stays: its layers, and how much sun they get.
type plate struct {
	layers []*layer
	lit    [][]float32 // now, with the guests' shadows
	bare   [][]float32 // without guests, for bareStep
	map0   *shadowMap  // of the plate alone, for bareStep
	casts  []*patch
	open   bool // the camera sees over the ground's end

	bareStep int64
	litFor   litKey
}

// litKey says what the light on the plate was worked out for.
type litKey struct {
	step   int64
	guests [2]guestKey
}

type guestKey struct {
	stay   stay
	offset vec
}

func (s *Scene) newPlate() *plate {
	g := s.still.build(s.studio)
	p := &plate{layers: g.layers, casts: g.casts, bareStep: -1 << 62}
	p.open = s.cam.ray(0, 0).unit().Z > -0.2
	for _, l := range p.layers {
		p.lit = append(p.lit, make([]float32, len(l.px)))
		p.bare = append(p.bare, make([]float32, len(l.px)))
	}
	return p
}

// turn works out which texels the sun reaches, for a step of the sun and the
// guests where they are. What did not change since the last call is kept.
func (p *plate) turn(s *Scene, at sunStep, guests []*guest) {
	if p.bareStep != at.index {
		p.bareStep = at.index
		p.map0 = newShadowMap(vec{}, at.towards, 1.15, 560, 0.004)
		p.map0.add(p.casts)
		sh := shader{cam: &s.cam, light: light{towards: at.towards}, shadow: p.map0}
		for i, l := range p.layers {
			sh.reach(l, p.bare[i], nil)
		}
	}
	key := litKey{step: at.index}
	for i, g := range guests {
		key.guests[i] = guestKey{g.stay, g.offset}
	}
	if key == p.litFor {
		return
	}
	p.litFor = key
	full := p.map0.clone()
	for _, g := range guests {
		full.add(g.standing())
	}
	sh := shader{cam: &s.cam, light: light{towards: at.towards}, shadow: full}
	for i, l := range p.layers {
		copy(p.lit[i], p.bare[i])
		if len(guests) > 0 {
			sh.reach(l, p.lit[i], full.changed(p.map0))
		}
	}
	for _, g := range guests {
		if g.layer != nil {
			g.lit = resized(g.lit, len(g.layer.px))
			sh.reach(g.layer, g.lit, nil)
		}
	}
}

// standing is the guest's surfaces where it is now.
func (g *guest) standing() []*patch {
	if g.offset == (vec{}) {
		return g.patches
	}
	out := make([]*patch, len(g.patches))
	for i, p := range g.patches {
		out[i] = p.moved(g.offset)
	}
	return out
}

func resized(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}

// reach fills lit with the share of sun on each texel; with an area of the
// shadow map given, only on those that the area can have changed.
func (s *shader) reach(l *layer, lit []float32, area *rect) {
	for y := range l.h {
		for x := range l.w {
			t := &l.px[y*l.w+x]
			if t.alpha == 0 {
				continue
			}
			p := s.cam.at.along(s.cam.ray(float64(l.x0+x)+0.5, float64(l.y0+y)+0.5), float64(t.depth))
			if area != nil && !s.shadow.within(p, area) {
				continue
			}
			lit[y*l.w+x] = float32(s.sunOn(t, p))
		}
	}
}

func (m *shadowMap) clone() *shadowMap {
	c := *m
	c.height = append([]float32(nil), m.height...)
	return &c
}

// changed is the area of cells in which m differs from an older map of the same
// sun, with room for the soft edge.
func (m *shadowMap) changed(old *shadowMap) *rect {
	r := rect{m.side, m.side, 0, 0}
	for y := range m.side {
		for x := range m.side {
			if i := y*m.side + x; m.height[i] != old.height[i] {
				r = rect{min(r.x0, x), min(r.y0, y), max(r.x1, x+1), max(r.y1, y+1)}
			}
		}
	}
	const edge = 10
	return &rect{r.x0 - edge, r.y0 - edge, r.x1 + edge, r.y1 + edge}
}

// within reports whether a place is seen by the sun inside an area of cells.
func (m *shadowMap) within(p vec, area *rect) bool {
	d := p.sub(m.centre)
	x := int(d.dot(m.right)*m.scale) + m.side/2
	y := int(d.dot(m.down)*m.scale) + m.side/2
	return x >= area.x0 && x < area.x1 && y >= area.y0 && y < area.y1
}

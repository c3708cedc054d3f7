package field

import (
	"math"
	"sort"
	"time"

	"gourdian/internal/vision"
)

// Scene is a fixed camera's view of a table in the field, over hours and days of
// the field clock. Things come, stay under a changing light, and go. What it
// shows is a function of the query and the moment alone, so frames may be asked
// for in any order. Render belongs to one goroutine; Visits may be called beside it.
type Scene struct {
	set    settings
	studio *studio
	spots  []vec // where things stand
	cam    camera
	still  *still // the empty table in its field, and what is drawn of it:
	plate  *plate // both are made by the first Render
	shown  map[stay]*guest
	canvas *canvas
	spare  *canvas
}

// ParseScene makes a scene from a query such as
//
//	seed=7&speed=60&width=960&height=720&varieties=orange,flat&visits=40
//
// Keys: seed; speed, field seconds a second (0.01..10000, default 1); width and
// height in pixels (160..1920, default 960x720); varieties, a list; visits an
// hour over all stands (0.1..240, default 40); strange, the share of visits by
// things that are no pumpkins (0..1, default 0.14); two=1 for two stands, one in
// each half; start, the field clock's beginning (RFC 3339); mud=DAY, the first
// day with mud on the lens; new=VARIETY@DAY, a variety that is new from that day.
// An unknown key, a key given twice and a value out of range are errors.
func ParseScene(query string) (*Scene, error) {
	set, err := parse(query)
	if err != nil {
		return nil, err
	}
	s := &Scene{set: set, studio: newStudio(), cam: set.aim(), spots: []vec{{}}, shown: make(map[stay]*guest)}
	if set.two {
		s.spots = []vec{{X: -0.27}, {X: 0.27}}
	}
	return s, nil
}

// Start is the field clock's beginning.
func (s *Scene) Start() time.Time { return s.set.start }

// Speed is how many seconds of the field clock pass in one second.
func (s *Scene) Speed() float64 { return s.set.speed }

// Size is the width and height of the pictures in pixels.
func (s *Scene) Size() (w, h int) { return s.set.width, s.set.height }

// aim points the camera at the table, which only the query and the seed decide.
func (set *settings) aim() camera {
	d := dice{source(realmScene, set.seed, 3)}
	pitch, distance := d.between(0.42, 0.60), 0.92
	if set.two {
		// Each zone is half the picture's width.
		distance = max(1.3, distance*2*float64(min(set.width, set.height))/float64(set.width))
	}
	target := vec{0, 0, 0.095}
	at := target.add(vec{0, -math.Cos(pitch), math.Sin(pitch)}.scale(distance))
	cam := lookAt(at, target, 0.56, set.width, set.height)
	cam.fine = 1
	return cam
}

// lay sets the table in the field.
func (s *Scene) lay() *still {
	d := dice{source(realmScene, s.set.seed, 7)}
	st := newStill(d, s.cam)
	st.ground.level, st.ground.vague = -tableHigh, 0.004
	st.ground.kind = choose(d, soilGround, soilGround, grassGround)
	half := 0.55
	if s.set.two {
		half = 0.95
	}
	st.props = append(st.props, table(d, s.studio.tex, &st.cam, half)...)
	s.plant(d, st)
	return st
}

// plant puts rows of pumpkin plants behind the table.
func (s *Scene) plant(d dice, st *still) {
	age := d.between(0, 0.6)
	for row := range 3 {
		y := 0.75 + 0.55*float64(row)
		for k := range 16 {
			at := vec{(float64(k) - 7.5) * 0.16 * (1 + 0.25*float64(row)), y + d.between(-0.14, 0.14), -tableHigh}
			g := &garden{d: d, tex: s.studio.tex, cam: &st.cam, floor: -tableHigh}
			for range 2 {
				g.leafAt(at.add(vec{X: d.between(-0.07, 0.07)}), age, 0.24)
			}
			st.props = append(st.props, g.props...)
		}
	}
	g := &garden{d: d, tex: s.studio.tex, cam: &st.cam, clear: 0.5, reach: 1.2, floor: -tableHigh}
	g.clods(40, srgb(0x7a5c42))
	g.blades(12, 0.12)
	st.props = append(st.props, g.props...)
	top := &garden{d: d, tex: s.studio.tex, cam: &st.cam, clear: 0.22, reach: 0.06}
	top.straws(5)
	st.props = append(st.props, top.props...)
}

// Render draws the view at a moment of the field clock into dst, whose size it
// sets. The first call takes a second; later ones a fraction of a frame's time.
func (s *Scene) Render(dst *vision.Image, at time.Time) {
	if s.plate == nil {
		s.still = s.lay()
		s.plate = s.newPlate()
		s.canvas, s.spare = newCanvas(s.set.width, s.set.height), newCanvas(s.set.width, s.set.height)
	}
	sky := s.skyAt(at)
	guests := s.present(at)
	s.plate.turn(s, sky.step, guests)
	c := s.canvas
	if s.plate.open {
		s.still.backdrop(s.studio.tex, c, &sky.light)
	}
	sh := shader{cam: &s.cam, light: sky.light, tex: s.studio.tex}
	for _, g := range guests {
		sh.bodies = append(sh.bodies, body{g.specimen.at(s.studio.tex, s.spots[g.stay.stand], 0).at.add(g.offset), g.specimen.size})
	}
	for i, l := range s.plate.layers {
		sh.paint(c, l, s.plate.lit[i])
	}
	for _, g := range guests {
		sh.paint(c, g.layer, g.lit)
	}
	ln := sky.lens
	ln.apply(s.studio.tex, c, s.spare, &sky.light)
	if need := 3 * c.w * c.h; len(dst.Pix) != need {
		dst.Pix = make([]uint8, need)
	}
	dst.W, dst.H = c.w, c.h
	grain := source(realmScene, s.set.seed, 4, uint64(at.UnixNano()))
	s.studio.tone.develop(dst, c, &sky.light, grain)
}

// guest is a thing on its stand, cut into pieces and drawn.
type guest struct {
	stay     stay
	specimen *specimen
	patches  []*patch // at rest
	offset   vec      // how far from rest it is now
	layer    *layer   // as it stands now
	drawn    vec      // the offset that layer was drawn for
	lit      []float32
}

// present returns the guests at a moment, the farthest first, and forgets the others.
func (s *Scene) present(at time.Time) []*guest {
	var out []*guest
	keep := make(map[stay]*guest, len(s.spots))
	for stand := range s.spots {
		slot := s.slotOf(stand, at)
		st, ok := s.stayIn(stand, slot)
		if !ok || at.Before(st.arrive) || !at.Before(st.leave) {
			continue
		}
		g := s.shown[st]
		if g == nil {
			sp := s.guest(st)
			g = &guest{stay: st, specimen: sp}
			fr := sp.at(s.studio.tex, s.spots[stand], 0)
			g.patches = sp.model.grow(s.studio.tex, &s.cam, fr)
			g.layer = s.studio.raster.draw(&s.cam, g.patches)
		}
		g.move(s.studio.raster, &s.cam, s.offset(st, at))
		keep[st] = g
		out = append(out, g)
	}
	s.shown = keep
	return out
}

// offset is how far from its place a thing is that comes or goes: it slides in
// along the table, slowing down, and is taken away upwards.
func (s *Scene) offset(st stay, at time.Time) vec {
	side := 1.0
	if st.slot%2 == 0 {
		side = -1
	}
	if len(s.spots) == 2 {
		side = float64(2*st.stand - 1)
	}
	if f := at.Sub(st.arrive).Seconds() / travel.Seconds(); f < 1 {
		r := (1 - f) * (1 - f)
		return vec{side * 0.75 * r, -0.1 * r, 0.22 * r * math.Sqrt(r)}
	}
	if f := 1 - st.leave.Sub(at).Seconds()/travel.Seconds(); f > 0 {
		return vec{side * 0.7 * f * f, -0.25 * f * f, 0.30 * f}
	}
	return vec{}
}

// move draws the guest where it is, if it is not drawn there yet.
func (g *guest) move(ra *raster, cam *camera, offset vec) {
	g.offset = offset
	if offset == g.drawn {
		return
	}
	patches := make([]*patch, len(g.patches))
	for i, p := range g.patches {
		patches[i] = p.moved(offset)
	}
	g.layer, g.drawn = ra.draw(cam, patches), offset
}

// restBox is the box of a thing at rest on a stand, from a coarse drawing.
func (s *Scene) restBox(sp *specimen, stand int) Box {
	cam := s.cam
	const shrink = 6.0
	cam.focal, cam.cx, cam.cy = cam.focal/shrink, cam.cx/shrink, cam.cy/shrink
	box := rect{math.MaxInt32, math.MaxInt32, math.MinInt32, math.MinInt32}
	for _, p := range sp.model.grow(s.studio.tex, &cam, sp.at(s.studio.tex, s.spots[stand], 0)) {
		for i := range p.v {
			x, y, depth := s.cam.project(p.v[i].p)
			if depth > 0 {
				box.x0, box.y0 = min(box.x0, int(x)), min(box.y0, int(y))
				box.x1, box.y1 = max(box.x1, int(x)+1), max(box.y1, int(y)+1)
			}
		}
	}
	return box.within(s.set.width, s.set.height).box()
}

func sortVisits(v []Visit) {
	sort.SliceStable(v, func(i, j int) bool { return v[i].Arrive.Before(v[j].Arrive) })
}

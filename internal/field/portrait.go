package field

import "gourdian/internal/vision"

// portrait is one photo of one plant for training: who stands there, and from
// which random numbers the place, the light and the lens are drawn.
type portrait struct {
	class   Class
	kind    string // of a thing that is no pumpkin
	variety Variety
	thing   dice // the same for every photo of the thing
	view    dice
}

// Things that are no pumpkin but have no body of their own.
const (
	emptyPlace = "empty"
	leafPile   = "leaves"
)

// strangerOf draws what a photo without a pumpkin shows.
func strangerOf(d dice) string {
	switch {
	case d.chance(0.24):
		return emptyPlace
	case d.chance(0.09):
		return leafPile
	}
	return choose(d, lookalikeKinds()...)
}

// take renders the photo.
func (p *portrait) take(st *studio, side int) (*vision.Image, []Thing) {
	var sp *specimen
	switch {
	case p.class != NotPumpkin:
		sp = pumpkin(p.thing, st.tex, p.variety, p.class)
	case p.kind != emptyPlace && p.kind != leafPile:
		sp = lookalike(p.thing, p.kind)
	}
	d := p.view
	// Most photos are framed like a board's zone; some are wider.
	fill := d.between(0.42, 0.82)
	if d.chance(0.18) {
		fill = d.between(0.28, 0.42)
	}
	width, height, clear := 0.28, 0.2, 0.16
	if sp != nil {
		width, height = spanOf(sp)
		clear = width * 0.6
	}
	s := newStill(d, view(d, side, width, height, fill))
	if sp != nil {
		s.place(st, sp, vec{}, d.between(-0.3, 0.3))
	}
	switch p.kind {
	case emptyPlace:
		clear = d.between(0.02, 0.2)
	case leafPile:
		g := &garden{d: d, tex: st.tex, cam: &s.cam, clear: 0.01, reach: 0.2}
		g.pile(14+d.IntN(16), d.between(0, 1))
		s.props = append(s.props, g.props...)
	}
	s.furnish(st, d, clear)
	return s.finish(st, d)
}

// finish draws the light, the weather and the lens, and takes the picture.
func (s *still) finish(st *studio, d dice) (*vision.Image, []Thing) {
	g := s.build(st)
	w := weatherOf(d)
	lt := lightOf(d, w)
	return s.picture(st, g, lt, w, lensOf(d, w), d), g.truth
}

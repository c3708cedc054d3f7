package sighting

// background is what is known of the empty place: its appearances in several
// lights, and what stood there lately, because the empty place is what comes
// back, pixel for pixel, between different things.
type background struct {
	known []*Appearance // newest last
	gone  []*Appearance // scenes that went, newest last
}

const (
	maxKnown  = 6
	maxPassed = 8
)

// is reports whether a confirmed scene is the empty place. sure says that the
// model is sure of no fruit in it: the first such scene is taken for it.
func (b *background) is(s *scene, limit float64, sure bool) bool {
	for _, k := range b.known {
		if difference(k, s.newest) <= limit {
			b.keep(s.newest)
			return true
		}
	}
	recurs := false
	for _, p := range b.gone {
		recurs = recurs || difference(p, s.newest) <= limit
	}
	if recurs || sure && len(b.known) == 0 {
		b.keep(s.newest)
		return true
	}
	return false
}

func (b *background) keep(a *Appearance) {
	b.known = append(b.known, a)
	if len(b.known) > maxKnown {
		b.known = b.known[1:]
	}
}

// refresh follows the light while the place stands empty.
func (b *background) refresh(a *Appearance, _ float64) {
	b.known[len(b.known)-1] = a
}

// passed remembers a scene that went.
func (b *background) passed(s *scene, _ float64) {
	if s.empty {
		return
	}
	b.gone = append(b.gone, s.newest)
	if len(b.gone) > maxPassed {
		b.gone = b.gone[1:]
	}
}

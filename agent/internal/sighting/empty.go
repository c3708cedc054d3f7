package sighting

import "slices"

// background is what is known of the empty place: its appearances in several
// lights, and the scenes that went lately, because the empty place is what
// comes back, pixel for pixel, between different things.
type background struct {
	known []*Appearance // oldest first
	gone  []*memory     // oldest first
}

// memory is a scene that went and may come back.
type memory struct {
	look    *Appearance
	returns int
}

const (
	// maxKnown appearances are about one for each hour of a day of changing light.
	maxKnown = 8
	maxGone  = 8
	// A scene in which the model sees no fruit is the empty place when it comes
	// back once; one that the model calls a fruit, when it has come back so often.
	fruitReturns = 2
	// doubtful is the share of the usual difference within which a scene is the
	// empty place against the odds: the model sees a fruit in it, or the empty
	// place stood there until this very moment and has been seen to change.
	doubtful = 0.5
)

// holds decides whether a confirmed scene is the empty place. fruit says that
// the model sees one in it, left that it follows at once on the empty place:
// then what has come is a thing, however like an earlier one it is. While
// nothing is known, the first scene without a fruit is taken for the empty place.
func (b *background) holds(s *scene, fruit, left bool) bool {
	limit := 1.0
	if fruit || left {
		limit = doubtful
	}
	if k := b.nearest(s.newest, left); k >= 0 && laterDifference(b.known[k], s.newest) <= limit {
		before := b.known[k]
		b.known = slices.Delete(b.known, k, k+1)
		b.learn(before, s.newest)
		return true
	}
	if len(b.known) == 0 && !fruit || !left && b.returned(s, fruit) {
		b.learn(nil, s.newest)
		return true
	}
	return false
}

// nearest is the place among the known ones that a look differs from least, -1
// while there is none. Where the empty place has just been left, only what is
// like it can be the same place in another light: a thing that was once taken
// for the empty place, because it stood there at the start, says nothing then.
func (b *background) nearest(look *Appearance, left bool) int {
	best, least := -1, 0.0
	for i, k := range b.known {
		if left && laterDifference(k, b.known[len(b.known)-1]) > 1 {
			continue
		}
		if d := laterDifference(k, look); best < 0 || d < least {
			best, least = i, d
		}
	}
	return best
}

// learn adds an appearance as the newest one. Where it is much like before (the
// one that it was recognised by), it takes that one's place.
func (b *background) learn(before, now *Appearance) {
	if before != nil && difference(before, now) > 1 {
		b.known = append(b.known, before)
	}
	b.known = append(b.known, now)
	if len(b.known) > maxKnown {
		b.known = append(b.known[:0], b.known[1:]...)
	}
}

// refresh follows the light while the place stands empty.
func (b *background) refresh(now *Appearance) {
	if len(b.known) > 0 {
		b.known[len(b.known)-1] = now
	}
}

// returned reports whether the scene has been there before, and often enough.
func (b *background) returned(s *scene, fruit bool) bool {
	for i, m := range b.gone {
		if difference(m.look, s.newest) > 1 {
			continue
		}
		m.returns++
		m.look = s.newest
		if !fruit || m.returns >= fruitReturns {
			b.gone = append(b.gone[:i], b.gone[i+1:]...)
			return true
		}
		return false
	}
	return false
}

// leave remembers a scene that went and was no empty place.
func (b *background) leave(s *scene) {
	for _, m := range b.gone {
		if difference(m.look, s.newest) <= 1 {
			m.look = s.newest
			return
		}
	}
	b.gone = append(b.gone, &memory{look: s.newest})
	if len(b.gone) > maxGone {
		b.gone = append(b.gone[:0], b.gone[1:]...)
	}
}

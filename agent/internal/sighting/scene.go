package sighting

import (
	"time"

	"gourdian/internal/verdict"
	"gourdian/internal/wire"
)

// scene is what a zone shows over some frames.
type scene struct {
	first, last time.Time // field clock
	firstWall   time.Time
	frames      int
	ballot      *verdict.Ballot
	newest      *Appearance // stands for the scene
	refreshed   time.Time   // field clock of newest
	best        float64     // sharpness of the best picture; those of bad quality count nothing
	empty       bool
}

func newScene(b *verdict.Ballot, at, wall time.Time) *scene {
	return &scene{first: at, firstWall: wall, ballot: b}
}

// refreshEvery is how long (field time) one frame stands for the scene. What
// moves faster than the light, a thing being carried away, is still compared
// with how it stood before.
const refreshEvery = 5 * time.Second

// like reports whether a frame shows this scene.
func (s *scene) like(look *Appearance, limit float64) bool {
	return difference(s.newest, look) <= limit
}

// betterBy is how much sharper a picture must be to replace the best one.
const betterBy = 1.1

// add counts a frame and reports whether it is the best picture so far.
func (s *scene) add(o Observation, look *Appearance) (best bool) {
	s.frames++
	s.last = o.At
	if s.newest == nil || o.At.Sub(s.refreshed) >= refreshEvery {
		s.newest, s.refreshed = look, o.At
	}
	s.ballot.Add(o.Decision)
	sharpness := o.Sharpness
	if o.Decision.Reason == wire.ReasonQuality {
		sharpness = 0
	}
	if s.frames > 1 && sharpness <= s.best*betterBy {
		return false
	}
	s.best = sharpness
	return true
}

func (s *scene) sighting() Sighting {
	return Sighting{First: s.first, Last: s.last, FirstWall: s.firstWall, Frames: s.frames, Decision: s.ballot.Result()}
}

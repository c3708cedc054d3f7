package sighting

import (
	"time"

	"gourdian/internal/verdict"
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

// overnight is how long (field time) nothing was seen when the light may be
// altogether another: then what looks much the same has stood there all along.
const overnight = time.Hour

// stays reports whether a frame of that moment still shows this scene.
func (s *scene) stays(look *Appearance, at time.Time, limit float64) bool {
	if at.Sub(s.last) >= overnight && laterDifference(s.newest, look) <= 1 {
		return true
	}
	return s.like(look, limit)
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
	sharpness := o.sharpness()
	if s.frames > 1 && sharpness <= s.best*betterBy {
		return false
	}
	s.best = sharpness
	return true
}

// move puts the scene's times on a field clock that was set by d.
func (s *scene) move(d time.Duration) {
	s.first, s.last, s.refreshed = s.first.Add(d), s.last.Add(d), s.refreshed.Add(d)
}

func (s *scene) sighting() Sighting {
	return Sighting{First: s.first, Last: s.last, FirstWall: s.firstWall, Frames: s.frames, Decision: s.ballot.Result()}
}

package sighting

import (
	"time"

	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// Observation is one scored frame of a zone. The tracker keeps nothing of it
// beyond the call.
type Observation struct {
	At        time.Time        // field clock
	Wall      time.Time        // wall clock
	Luma      vision.Luma      // the zone at 112x112
	Embedding []float32        // nil where no network looked at the frame
	Decision  verdict.Decision // the verdict on this frame
	Sharpness float64          // quality.Sharpness of the zone
}

// sharpness is what the frame is worth as a picture: nothing if its quality is bad.
func (o *Observation) sharpness() float64 {
	if o.Decision.Reason == wire.ReasonQuality {
		return 0
	}
	return o.Sharpness
}

// Kind says what happened to a sighting.
type Kind int

// Kinds of event.
const (
	Opened  Kind = iota // something has come to stand there
	Updated             // it still stands there
	Closed              // it has gone or given way to something else
)

// Sighting is what stands in the zone, from arrival until it changes.
type Sighting struct {
	First     time.Time // field clock of its first frame
	Last      time.Time // field clock of its newest frame
	FirstWall time.Time // wall clock of its first frame
	Frames    int       // frames seen
	Decision  verdict.Decision
}

// Event tells the caller about a sighting. Its memory is the caller's.
type Event struct {
	Kind     Kind
	Sighting Sighting
	// Best says that the frame just observed is the best picture so far of this
	// sighting; never set with Closed.
	Best bool
}

// Config is what a Tracker needs to know.
type Config struct {
	NewBallot   func() *verdict.Ballot // for frames of the running model
	Sensitivity string                 // "low", "normal", "high"; "" = normal
	// Fruit reports whether a verdict says that a fruit is there; a scene of
	// which it does not may be the empty place while that is not known yet.
	// nil: any verdict but wire.NotPumpkin and wire.Unsure.
	Fruit func(verdict.Decision) bool
}

// Tracker follows one zone. One goroutine uses it.
type Tracker struct {
	config    Config
	limit     float64 // difference above which two frames show different scenes
	scene     *scene  // what stands there now; nil before the first confirmed one
	candidate *scene  // what may have taken its place
	spare     *verdict.Ballot
	empty     background
	seen      time.Time // field clock of the last observation
}

// settle is the least field time between the first frame of a change and the
// one that confirms it.
const settle = 1500 * time.Millisecond

// recent is how long ago (field time) a scene may have been seen for a change
// to be the thing's and not the light's.
const recent = time.Minute

// longestGap is the field time between two frames above which the clock was set:
// longer than a night in which nothing is scored.
const longestGap = 24 * time.Hour

// New returns a tracker that knows nothing of its zone.
func New(c Config) *Tracker {
	if c.Fruit == nil {
		c.Fruit = func(d verdict.Decision) bool { return d.Verdict != wire.NotPumpkin && d.Verdict != wire.Unsure }
	}
	return &Tracker{config: c, limit: limitOf(c.Sensitivity)}
}

// Observe takes the next frame. It returns at most one Closed and after it at
// most one Opened or Updated; a frame that confirms a change belongs to the new
// scene.
func (t *Tracker) Observe(o Observation) []Event {
	look := newAppearance(o.Luma, o.Embedding)
	t.follow(o.At)
	if look.blind() {
		return nil
	}
	if t.scene != nil && t.scene.stays(look, o.At, t.limit) {
		t.drop()
		return t.stay(o, look)
	}
	if t.candidate == nil || !t.candidate.like(look, t.limit) {
		t.drop()
		t.candidate = newScene(t.ballot(), o.At, o.Wall)
	}
	t.candidate.add(o, look)
	if o.At.Sub(t.candidate.first) < settle {
		return nil
	}
	return t.change(o)
}

// follow notices a field clock that was set, back or far ahead: what is there
// has then stood there for as long as before, on the new clock.
func (t *Tracker) follow(now time.Time) {
	passed := now.Sub(t.seen)
	if !t.seen.IsZero() && (passed < 0 || passed > longestGap) {
		t.drop()
		if t.scene != nil {
			t.scene.move(passed)
		}
	}
	t.seen = now
}

// stay counts a frame of the scene that is there already.
func (t *Tracker) stay(o Observation, look *Appearance) []Event {
	best := t.scene.add(o, look)
	if t.scene.empty {
		t.empty.refresh(t.scene.newest)
		return nil
	}
	return []Event{{Kind: Updated, Sighting: t.scene.sighting(), Best: best}}
}

// change puts the confirmed candidate in the place of the scene.
func (t *Tracker) change(o Observation) []Event {
	var events []Event
	left := false // the empty place, just now
	if old := t.scene; old != nil {
		left = old.empty && t.candidate.first.Sub(old.last) < recent
		if !old.empty {
			events = append(events, Event{Kind: Closed, Sighting: old.sighting()})
			t.empty.leave(old)
		}
		old.ballot.Reset()
		t.spare = old.ballot
	}
	t.scene, t.candidate = t.candidate, nil
	decision := t.scene.ballot.Result()
	t.scene.empty = t.empty.holds(t.scene, t.config.Fruit(decision), left)
	if t.scene.empty {
		return events
	}
	t.scene.best = o.sharpness()
	return append(events, Event{Kind: Opened, Sighting: t.scene.sighting(), Best: true})
}

// Flush closes what stands there, for the end of a source or a stop.
func (t *Tracker) Flush() []Event {
	t.drop()
	old := t.scene
	t.scene = nil
	if old == nil || old.empty {
		return nil
	}
	return []Event{{Kind: Closed, Sighting: old.sighting()}}
}

// Current returns what stands there now; ok is false while the place is empty
// or nothing is known yet.
func (t *Tracker) Current() (s Sighting, ok bool) {
	if t.scene == nil || t.scene.empty {
		return Sighting{}, false
	}
	return t.scene.sighting(), true
}

// drop forgets the candidate.
func (t *Tracker) drop() {
	if t.candidate != nil {
		t.candidate.ballot.Reset()
		t.spare, t.candidate = t.candidate.ballot, nil
	}
}

func (t *Tracker) ballot() *verdict.Ballot {
	if b := t.spare; b != nil {
		t.spare = nil
		return b
	}
	return t.config.NewBallot()
}

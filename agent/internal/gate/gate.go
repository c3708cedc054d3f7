package gate

import (
	"maps"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/quality"
	"gourdian/internal/vision"
)

// Reasons for leaving a frame out.
const (
	Rate      = "rate"      // sooner than the settings' frames per second allow
	Duplicate = "duplicate" // the same picture once more, to the last bit
	Still     = "still"     // nothing has changed since the last scored frame
	Blur      = "blur"      // out of focus or shaken in every zone
	Exposure  = "exposure"  // too dark or too bright in every zone
	Night     = "night"     // so dark that nothing can be made out
)

const (
	// follow is how many frames are scored after a change, and followTime the
	// field time that they have to cover at least: enough to confirm the change
	// (package sighting) and for a vote.
	follow     = 8
	followTime = 3 * time.Second
	// patience is how long (wall clock) unsound frames are left out before they
	// are scored all the same.
	patience = 3 * time.Second
	// defaultIdle is how often an unchanged scene is scored.
	defaultIdle = 2 * time.Second
	// defaultRate is in frames per second.
	defaultRate = 5.0
)

// Config says how often frames are scored.
type Config struct {
	FramesPerSecond float64       // the most, by the frames' wall clock; 0 = 5
	IdleEvery       time.Duration // between frames of an unchanged scene, wall clock; 0 = 2 s
	NightPause      bool          // leave out frames too dark to make anything out
}

// Gate chooses the frames of one camera. One goroutine uses it.
type Gate struct {
	interval time.Duration
	idle     time.Duration
	pause    bool
	skips    map[string]uint64

	next       time.Time // wall clock: when the rate allows the next frame
	scoredAt   time.Time // wall clock of the last scored frame
	soundAt    time.Time // wall clock of the last frame with a sound zone
	zones      []view    // the last scored frame
	last       []vision.Luma
	follow     int       // frames still to be scored after a change
	followTill time.Time // field clock
}

// New returns a gate that lets the first frame through.
func New(c Config) *Gate {
	if !(c.FramesPerSecond > 0) {
		c.FramesPerSecond = defaultRate
	}
	if c.IdleEvery <= 0 {
		c.IdleEvery = defaultIdle
	}
	return &Gate{
		interval: time.Duration(float64(time.Second) / c.FramesPerSecond),
		idle:     c.IdleEvery,
		pause:    c.NightPause,
		skips:    make(map[string]uint64),
	}
}

// Check returns why the frame is left out, "" when it is to be scored. Frames
// of a finite source (those with a name) are always scored: each is a picture
// of its own.
func (g *Gate) Check(frame *capture.Frame) (reason string) {
	if frame.Name != "" {
		return ""
	}
	reason = g.judge(frame)
	if reason != "" {
		g.skips[reason]++
	}
	return reason
}

// Skips returns how many frames were left out for each reason; a copy.
func (g *Gate) Skips() map[string]uint64 { return maps.Clone(g.skips) }

func (g *Gate) judge(frame *capture.Frame) string {
	wall := frame.WallAt
	if wall.Before(g.scoredAt) { // the wall clock was set back
		g.next, g.scoredAt, g.soundAt = wall, wall, wall
	}
	// Frames come with jitter: one that is a little early counts as on time,
	// and the schedule, not the frame, sets the next moment.
	if wall.Before(g.next.Add(-g.interval / 4)) {
		return Rate
	}
	if g.pause && quality.Measure(frame.Luma).P99 < quality.NightBelow {
		return Night
	}
	idle := wall.Sub(g.scoredAt) >= g.idle
	if fault := faultOf(frame); fault == "" {
		g.soundAt = wall
	} else if !g.scoredAt.IsZero() && (wall.Sub(g.soundAt) < patience || !idle) {
		return fault
	}
	same := g.same(frame)
	views := viewsOf(frame.ZoneLumas)
	switch {
	case changed(g.zones, views):
		g.follow, g.followTill = follow, frame.CapturedAt.Add(followTime)
	case g.follow > 0 || frame.CapturedAt.Before(g.followTill):
		// A picture that is shown for long (a looped photo) says nothing new,
		// but it must be confirmed like any other change.
		if same && !idle {
			return Duplicate
		}
	case !idle:
		if same {
			return Duplicate
		}
		return Still
	}
	g.score(frame, views)
	return ""
}

// score notes that the frame goes through.
func (g *Gate) score(frame *capture.Frame, views []view) {
	wall := frame.WallAt
	if late := wall.Add(-g.interval); g.next.Before(late) {
		g.next = late
	}
	g.next = g.next.Add(g.interval)
	g.scoredAt, g.zones, g.last = wall, views, frame.ZoneLumas
	g.follow = max(0, g.follow-1)
}

// faultOf names what is wrong with every zone of a frame, "" if one is sound.
func faultOf(frame *capture.Frame) string {
	fault := ""
	for i, luma := range frame.ZoneLumas {
		report := quality.Assess(luma, sharpnessOf(frame, i))
		switch {
		case report.Sound():
			return ""
		case report.Blurred:
			fault = Blur
		default:
			fault = Exposure
		}
	}
	return fault
}

func sharpnessOf(frame *capture.Frame, zone int) float64 {
	if zone < len(frame.Sharpness) {
		return frame.Sharpness[zone]
	}
	return 0
}

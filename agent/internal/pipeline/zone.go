package pipeline

import (
	"context"
	"slices"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/sighting"
	"gourdian/internal/capture"
	"gourdian/internal/quality"
	"gourdian/internal/sketch"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// wholeZone names the zone of a camera in which nobody has drawn one.
const wholeZone = "all"

// zone is one place before a camera.
type zone struct {
	id      string
	square  vision.Zone
	tracker *sighting.Tracker   // nil before the first model
	best    []byte              // JPEG of the best frame of the sighting that is open
	print   quality.Fingerprint // of the zone in best
	seen    seen                // in best
	state   live.ZoneState
}

// newZones are the drawn zones; one that is among the old ones stays as it is.
func (p *Pipeline) newZones(drawn []vision.Zone, old []*zone) []*zone {
	if len(drawn) == 0 {
		drawn = []vision.Zone{{ID: wholeZone}}
	}
	zones := make([]*zone, len(drawn))
	for i, square := range drawn {
		if at := slices.IndexFunc(old, func(z *zone) bool { return z.square == square }); at >= 0 {
			zones[i] = old[at]
			continue
		}
		zones[i] = &zone{id: square.ID, square: square, state: live.ZoneState{Zone: square.ID}}
		if p.decider != nil {
			zones[i].begin(p.decider, p.settings.Sensitivity)
		}
	}
	return zones
}

// begin starts tracking with a new decider.
func (z *zone) begin(decider *verdict.Decider, sensitivity string) {
	z.tracker = sighting.New(sighting.Config{NewBallot: decider.Ballot, Sensitivity: sensitivity})
	z.best = nil
	z.state = live.ZoneState{Zone: z.id}
}

// current shows d as what stands in the zone.
func (z *zone) current(since time.Time, frames int, d verdict.Decision, classes []string) {
	z.state = live.ZoneState{
		Zone: z.id, Occupied: true, Since: since, Frames: frames,
		Verdict: d.Verdict, Reason: d.Reason,
		Probabilities: byClass(d.Probabilities, classes), Novelty: d.Novelty,
	}
}

// track lets the zone's tracker see a frame and acts on what it says.
func (p *Pipeline) track(ctx context.Context, frame *capture.Frame, i int, d verdict.Decision) {
	z := p.zones[i]
	events := z.tracker.Observe(sighting.Observation{
		At: frame.CapturedAt, Wall: frame.WallAt,
		Luma: frame.ZoneLumas[i], Sharpness: frame.Sharpness[i],
		Embedding: p.scores.Embedding, Decision: d,
	})
	for _, e := range events {
		if e.Kind == sighting.Closed {
			p.close(ctx, z, e.Sighting)
			continue
		}
		if e.Best {
			z.best, z.print, z.seen = frame.JPEG, quality.FingerprintOf(frame.ZoneLumas[i]), p.seen(frame, i)
		}
		z.current(e.Sighting.First, e.Sighting.Frames, e.Sighting.Decision, p.model.Params.Classes)
	}
}

// close records a sighting that is over.
func (p *Pipeline) close(ctx context.Context, z *zone, s sighting.Sighting) {
	p.keep(ctx, p.record(z, s), z.best, z.print, sightOf(s.Decision, z.seen))
	z.best, z.state = nil, live.ZoneState{Zone: z.id}
}

// record is what is kept of a sighting.
func (p *Pipeline) record(z *zone, s sighting.Sighting) wire.Record {
	return wire.Record{
		Boot:       p.config.Boot,
		CapturedAt: s.First.UTC(), WallAt: s.FirstWall.UTC(), Clock: p.config.Clock(),
		Camera: p.config.ID, Zone: z.id,
		Frames: s.Frames, Seconds: s.Last.Sub(s.First).Seconds(),
		Model: p.model.ID, Preprocess: p.model.Preprocess, Variant: p.model.Variant,
		Probabilities: byClass(s.Decision.Probabilities, p.model.Params.Classes),
		Novelty:       s.Decision.Novelty,
		Verdict:       s.Decision.Verdict, Reason: s.Decision.Reason,
	}
}

// keep stores a record. One that finds no room is the store's to count and the
// guard's to show; the log hears of each new reason once.
func (p *Pipeline) keep(ctx context.Context, record wire.Record, jpeg []byte, look quality.Fingerprint, sight *sketch.Sight) {
	_, err := p.config.Keeper.Append(ctx, record, jpeg, look, sight)
	switch {
	case err == nil:
		p.notKept = ""
	case ctx.Err() == nil && p.notKept != err.Error():
		p.notKept = err.Error()
		p.config.Log.Warn("a sighting was not kept", "error", err)
	}
}

// single is a picture of a finite source as a sighting of its own.
func single(frame *capture.Frame, d verdict.Decision) sighting.Sighting {
	return sighting.Sighting{First: frame.CapturedAt, Last: frame.CapturedAt, FirstWall: frame.WallAt, Frames: 1, Decision: d}
}

// seen is what a sketch takes of a frame itself.
type seen struct {
	look  quality.Report
	place sketch.Vector // of the embedding
}

// seen measures the zone of the frame that was scored last.
func (p *Pipeline) seen(frame *capture.Frame, i int) seen {
	return seen{quality.Assess(frame.ZoneLumas[i], frame.Sharpness[i]), p.axes.Project(p.scores.Embedding)}
}

// sightOf is what a sketch takes of a sighting.
func sightOf(d verdict.Decision, s seen) *sketch.Sight {
	return &sketch.Sight{
		Verdict: d.Verdict, Reason: d.Reason, Class: d.Top, Probabilities: slices.Clone(d.Probabilities), Novelty: d.Novelty, Look: s.look, Place: s.place,
	}
}

func lookOf(frame *capture.Frame, i int) verdict.Look {
	r := quality.Assess(frame.ZoneLumas[i], frame.Sharpness[i])
	return verdict.Look{Blurred: r.Blurred, Dark: r.Dark, Bright: r.Bright}
}

func byClass(probabilities []float64, classes []string) map[string]float64 {
	if len(probabilities) != len(classes) {
		return nil // no network looked
	}
	m := make(map[string]float64, len(classes))
	for i, class := range classes {
		m[class] = probabilities[i]
	}
	return m
}

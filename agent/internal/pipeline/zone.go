package pipeline

import (
	"context"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/sighting"
	"gourdian/internal/capture"
	"gourdian/internal/quality"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// wholeZone names the zone of a camera in which nobody has drawn one.
const wholeZone = "all"

// zone is one place before a camera.
type zone struct {
	id      string
	tracker *sighting.Tracker
	best    []byte // JPEG of the best frame of the sighting that is open
	state   live.ZoneState
}

func newZones(drawn []vision.Zone) []*zone {
	if len(drawn) == 0 {
		drawn = []vision.Zone{{ID: wholeZone}}
	}
	zones := make([]*zone, len(drawn))
	for i, z := range drawn {
		zones[i] = &zone{id: z.ID, state: live.ZoneState{Zone: z.ID}}
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
			p.keep(ctx, i, e.Sighting, z.best)
			z.best, z.state = nil, live.ZoneState{Zone: z.id}
			continue
		}
		if e.Best {
			z.best = frame.JPEG
		}
		z.current(e.Sighting.First, e.Sighting.Frames, e.Sighting.Decision, p.model.Params.Classes)
	}
}

// keep makes the record of a sighting and stores it.
func (p *Pipeline) keep(ctx context.Context, i int, s sighting.Sighting, jpeg []byte) {
	record := wire.Record{
		Boot:       p.config.Boot,
		CapturedAt: s.First.UTC(), WallAt: s.FirstWall.UTC(), Clock: p.config.Clock(),
		Camera: p.config.ID, Zone: p.zones[i].id,
		Frames: s.Frames, Seconds: s.Last.Sub(s.First).Seconds(),
		Model: p.model.ID, Preprocess: p.model.Preprocess, Variant: p.model.Variant,
		Probabilities: byClass(s.Decision.Probabilities, p.model.Params.Classes),
		Novelty:       s.Decision.Novelty,
		Verdict:       s.Decision.Verdict, Reason: s.Decision.Reason,
	}
	if _, err := p.config.Keeper.Append(ctx, record, jpeg); err != nil {
		p.config.Log.Debug("not kept", "camera", p.config.ID, "error", err) // the store counts it and the page says so
	}
}

// single is a picture of a finite source as a sighting of its own.
func single(frame *capture.Frame, d verdict.Decision) sighting.Sighting {
	return sighting.Sighting{First: frame.CapturedAt, Last: frame.CapturedAt, FirstWall: frame.WallAt, Frames: 1, Decision: d}
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

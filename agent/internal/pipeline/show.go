package pipeline

import (
	"context"
	"errors"
	"strconv"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/capture"
	"gourdian/internal/worker"
)

// patience is how long a camera may be silent before the page says so: a
// worker that is started again is back sooner.
const patience = 5 * time.Second

// show puts the frame and what came of it on the page.
func (p *Pipeline) show(frame *capture.Frame, skip string) {
	zones, skips := p.states(), p.skipped()
	p.config.Board.SetFrame(p.config.ID, frame.JPEG, frame.WallAt, frame.CapturedAt, frame.Seq, func(c *live.Camera) {
		c.W, c.H, c.Dropped, c.FPS = frame.W, frame.H, frame.Dropped, p.rate.perSecond()
		c.LastSkip, c.Scored, c.Skips, c.Zones = skip, p.scored, skips, zones
	})
}

func (p *Pipeline) states() []live.ZoneState {
	zones := make([]live.ZoneState, len(p.zones))
	for i, z := range p.zones {
		zones[i] = z.state
	}
	return zones
}

// finished says that a source came to its end. What stood there then stands
// there no more.
func (p *Pipeline) finished(ctx context.Context) {
	for _, z := range p.zones {
		if z.tracker == nil {
			continue
		}
		for _, e := range z.tracker.Flush() {
			p.close(ctx, z, e.Sighting)
		}
	}
	zones := p.states()
	p.config.Board.UpdateCamera(p.config.ID, func(c *live.Camera) { c.Finished, c.Zones = true, zones })
	p.config.Board.Raise(live.Condition{Code: "source_finished", Severity: live.Info, Subject: p.config.ID})
	p.clearSilence()
}

// silent says why there is no picture: at once where the worker has died, and
// once it has lasted where it may be the start or a pause.
func (p *Pipeline) silent(err error) {
	c, atOnce := causeOfSilence(err, time.Since(p.heard))
	if !atOnce && time.Since(p.heard) < patience {
		return
	}
	c.Severity, c.Subject = live.Serious, p.config.ID
	for _, other := range silenceCodes() {
		if other != c.Code {
			p.config.Board.Clear(other, p.config.ID)
		}
	}
	p.config.Board.Raise(c)
	p.config.Board.UpdateCamera(p.config.ID, func(s *live.Camera) { s.WorkerNote = c.Code })
}

// causeOfSilence is the condition that fits an error of Camera.Next.
func causeOfSilence(err error, quiet time.Duration) (c live.Condition, atOnce bool) {
	missing := func(why string) live.Condition {
		return live.Condition{Code: "camera_missing", Args: map[string]string{"why": why}}
	}
	var failure *worker.Failure
	var answer *worker.Error
	switch {
	case errors.Is(err, capture.ErrNotOpen) && errors.As(err, &answer):
		return missing(answer.Message), false
	case !errors.As(err, &failure):
		return live.Condition{Code: "camera_silent", Args: map[string]string{"time": spoken(quiet)}}, false
	}
	switch failure.Code {
	case worker.CodeMismatch:
		return live.Condition{Code: "workers_mismatch", Args: map[string]string{"program": capture.Program, "why": failure.Err.Error()}}, false
	case worker.CodeRefused, worker.CodeMissing:
		return missing(failure.Err.Error()), false
	case worker.CodeCrashed, worker.CodeHung:
		return live.Condition{Code: "camera_restarting"}, true
	default:
		return live.Condition{Code: "camera_restarting"}, false
	}
}

// spoken is a duration in the largest unit that fits, in steps that do not
// wake the page at every look.
func spoken(d time.Duration) string {
	if d < time.Minute {
		return strconv.Itoa(int(d/(5*time.Second))*5) + " s"
	}
	return strconv.Itoa(int(d/time.Minute)) + " min"
}

// silenceCodes are the conditions of a camera without pictures.
func silenceCodes() []string {
	return []string{"camera_silent", "camera_missing", "camera_restarting", "workers_mismatch"}
}

func (p *Pipeline) clearSilence() {
	for _, code := range silenceCodes() {
		p.config.Board.Clear(code, p.config.ID)
	}
	p.config.Board.UpdateCamera(p.config.ID, func(s *live.Camera) { s.WorkerNote = "" })
}

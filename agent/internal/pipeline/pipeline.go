package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"time"

	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/gate"
	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// Reasons why a frame was not scored, beside those of the gate.
const (
	skipNoModel    = "no_model"    // no bundle is loaded
	skipEngineDown = "engine_down" // the inference worker is coming back
	skipBadScores  = "bad_scores"  // it answered what is no number
)

// idleEvery is how often a scene in which nothing moves is scored.
const idleEvery = time.Second

// Scorer runs the board's model; *engine.Engine is one.
type Scorer interface {
	Model() *engine.Model
	Score(ctx context.Context, m *engine.Model, in vision.Tensor, out *infer.Scores) error
}

// Keeper stores a record with its picture. The record is on disk when Append
// returns nil; an error means that it is not kept, which the keeper counts.
type Keeper interface {
	Append(ctx context.Context, record wire.Record, jpeg []byte) (seq uint64, err error)
}

// Board shows what the camera does; *live.Hub is one.
type Board interface {
	SetFrame(camera string, jpeg []byte, at, field time.Time, seq uint64)
	UpdateCamera(camera string, edit func(*live.Camera))
	Raise(live.Condition)
	Clear(code, subject string)
}

// Config is what one camera's pipeline works with.
type Config struct {
	ID       string
	Camera   capture.Camera
	Scorer   Scorer
	Keeper   Keeper
	Board    Board
	Settings func() settings.Camera // in force now
	Clock    func() wire.Clock
	Boot     string // of the records, new for each start of the agent
	Log      *slog.Logger
}

// Pipeline carries one camera's frames to records. Run is its only goroutine.
type Pipeline struct {
	config   Config
	settings settings.Camera
	gate     *gate.Gate
	model    *engine.Model
	decider  *verdict.Decider
	zones    []*zone
	scores   infer.Scores
	rate     rate
	heard    time.Time // wall clock of the newest frame, or of the start
	scored   uint64
	engineOK bool
}

// New returns a Pipeline that Run will bring to life.
func New(config Config) *Pipeline {
	return &Pipeline{config: config, engineOK: true}
}

// Run carries frames until ctx is done. What stands before a live camera then
// is not recorded: it will still stand there at the next start, and must not
// count twice.
func (p *Pipeline) Run(ctx context.Context) error {
	p.heard = time.Now()
	for ctx.Err() == nil {
		p.apply(p.config.Settings())
		frame, err := p.config.Camera.Next(ctx, capture.Request{Zones: p.settings.Zones})
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, io.EOF):
			p.finished()
			<-ctx.Done()
		case err != nil:
			p.silent(err)
		default:
			p.observe(ctx, frame)
		}
	}
	return nil
}

// apply takes new settings over between two frames. Other zones are other
// places: what stood in the old ones is forgotten.
func (p *Pipeline) apply(s settings.Camera) {
	if p.gate != nil && reflect.DeepEqual(s, p.settings) {
		return
	}
	sameZones := p.gate != nil && reflect.DeepEqual(s.Zones, p.settings.Zones) && s.Sensitivity == p.settings.Sensitivity
	p.settings = s
	p.gate = gate.New(gate.Config{FramesPerSecond: s.FramesPerSecond, IdleEvery: idleEvery, NightPause: s.NightPause})
	if !sameZones {
		p.zones = newZones(s.Zones)
		p.model = nil // trackers are made with the model
	}
	p.config.Board.UpdateCamera(p.config.ID, func(c *live.Camera) {
		c.Name = s.Name
		c.Finite = p.config.Camera.Kind() == capture.Finite
	})
}

// observe carries one frame through all stages.
func (p *Pipeline) observe(ctx context.Context, frame *capture.Frame) {
	p.heard = time.Now()
	p.rate.add(p.heard)
	p.config.Board.SetFrame(p.config.ID, frame.JPEG, frame.WallAt, frame.CapturedAt, frame.Seq)
	p.clearSilence()
	reason := p.look(ctx, frame)
	if reason == "" {
		p.scored++
	}
	p.show(frame, reason)
}

// look is gate, score, verdict, sighting and record; it returns why the frame
// was not scored, "" when it was.
func (p *Pipeline) look(ctx context.Context, frame *capture.Frame) (skip string) {
	finite := p.config.Camera.Kind() == capture.Finite
	if !finite { // a person chose a folder's pictures: each gets its verdict
		if skip := p.gate.Check(frame); skip != "" {
			return skip
		}
	}
	if skip := p.useModel(); skip != "" {
		return skip
	}
	for i := range p.zones {
		decision, skip := p.judge(ctx, frame, i)
		if skip != "" {
			return skip
		}
		if finite {
			p.zones[i].current(frame.CapturedAt, 1, decision, p.model.Params.Classes)
			p.keep(ctx, i, single(frame, decision), frame.JPEG)
			continue
		}
		p.track(ctx, frame, i, decision)
	}
	return ""
}

// useModel follows the engine to a new model: sightings begin anew with it.
func (p *Pipeline) useModel() (skip string) {
	model := p.config.Scorer.Model()
	if model == nil {
		return skipNoModel
	}
	if model == p.model {
		return ""
	}
	decider, err := verdict.NewDecider(model.Params)
	if err != nil { // the engine checked them when it opened the bundle
		p.config.Log.Error("use model", "camera", p.config.ID, "error", err)
		return skipNoModel
	}
	p.model, p.decider = model, decider
	for _, z := range p.zones {
		z.begin(decider, p.settings.Sensitivity)
	}
	return ""
}

// judge is the verdict on one zone of one frame.
func (p *Pipeline) judge(ctx context.Context, frame *capture.Frame, i int) (d verdict.Decision, skip string) {
	err := p.config.Scorer.Score(ctx, p.model, frame.Tensors[i], &p.scores)
	if err == nil {
		d, err = p.decider.Decide(p.scores.Embedding, p.scores.Logits, lookOf(frame, i))
	}
	if (err == nil) != p.engineOK {
		p.engineOK = err == nil
		p.config.Log.Info("engine", "camera", p.config.ID, "scoring", p.engineOK, "error", err)
	}
	switch {
	case err == nil:
		return d, ""
	case errors.Is(err, infer.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		return d, skipEngineDown
	default:
		return d, skipBadScores
	}
}

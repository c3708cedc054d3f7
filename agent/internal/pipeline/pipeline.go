package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"time"

	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/gate"
	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/quality"
	"gourdian/internal/sketch"
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

const (
	// idleEvery is how often a scene in which nothing moves is scored.
	idleEvery = time.Second
	// longestRest is the longest pause between two pictures of a board that is
	// slowed down: well below live.StaleAfter, so that the page stays live.
	longestRest = 5 * time.Second
	// tryAgain is the pause before a picture of a finite source is scored once
	// more, tryFor how long one is waited for that the engine can't score: it may
	// be the picture that the engine dies of.
	tryAgain = 500 * time.Millisecond
	tryFor   = 2 * time.Minute
)

// Scorer runs the board's model; *engine.Engine is one.
type Scorer interface {
	Model() *engine.Model
	Score(ctx context.Context, m *engine.Model, in vision.Tensor, out *infer.Scores) error
}

// Keeper stores a record with its picture, how that looks, and what the hour's
// sketch is to take of it. The record is on disk when Append
// returns nil; an error means that it is not kept, which the keeper counts.
type Keeper interface {
	Append(ctx context.Context, record wire.Record, jpeg []byte, look quality.Fingerprint, sight *sketch.Sight) (seq uint64, err error)
}

// Board shows what the camera does; *live.Hub is one.
type Board interface {
	SetFrame(camera string, jpeg []byte, at, field time.Time, seq uint64, edit func(*live.Camera))
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
	Rate     func() float64         // share of the settings' frames per second that the board bears now; nil = all
	Clock    func() wire.Clock
	Boot     string // of the records, new for each start of the agent
	Log      *slog.Logger
}

// Pipeline carries one camera's frames to records. Run is its only goroutine.
type Pipeline struct {
	config   Config
	settings settings.Camera
	slowed   float64 // Rate as it was last taken over
	gate     *gate.Gate
	model    *engine.Model
	decider  *verdict.Decider
	axes     *sketch.Projector // for embeddings of model
	zones    []*zone
	scores   infer.Scores
	rate     rate
	view     view
	heard    time.Time // wall clock of the newest frame, or of the start
	scored   uint64
	skips    map[string]uint64 // by reason, but for those that the present gate counts
	engineOK bool
	notKept  string // why the newest record was not kept, "" when it was
}

// New returns a Pipeline that Run will bring to life.
func New(config Config) *Pipeline {
	if config.Rate == nil {
		config.Rate = func() float64 { return 1 }
	}
	return &Pipeline{config: config, skips: map[string]uint64{}, engineOK: true}
}

// Run carries frames until ctx is done. What stands before a live camera then
// is not recorded: it will still stand there at the next start, and must not
// count twice.
func (p *Pipeline) Run(ctx context.Context) error {
	p.heard = time.Now()
	for ctx.Err() == nil {
		p.apply(p.config.Settings(), p.config.Rate())
		if !p.rest(ctx) {
			return nil
		}
		frame, err := p.config.Camera.Next(ctx, capture.Request{Zones: p.settings.Zones})
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, io.EOF):
			p.finished(ctx)
			<-ctx.Done()
		case err != nil:
			p.silent(err)
		default:
			p.observe(ctx, frame)
		}
	}
	return nil
}

func (p *Pipeline) finite() bool { return p.config.Camera.Kind() == capture.Finite }

// apply takes new settings over between two frames. A zone that was drawn anew
// is another place: what stood in the old one is forgotten, and counts once
// where it is seen again.
func (p *Pipeline) apply(s settings.Camera, rate float64) {
	if p.gate != nil && rate == p.slowed && reflect.DeepEqual(s, p.settings) {
		return
	}
	old := p.zones
	if p.gate != nil {
		add(p.skips, p.gate.Skips())
	}
	if s.Sensitivity != p.settings.Sensitivity {
		old = nil
	}
	p.settings, p.slowed = s, rate
	p.gate = gate.New(gate.Config{
		FramesPerSecond: s.FramesPerSecond * rate, IdleEvery: time.Duration(float64(idleEvery) / rate), NightPause: s.NightPause,
	})
	p.zones = p.newZones(s.Zones, old)
	p.config.Board.UpdateCamera(p.config.ID, func(c *live.Camera) {
		c.Name, c.Finite = s.Name, p.finite()
	})
}

// rest waits, where the board is slowed down, until the next picture is due:
// one that the camera's worker need not prepare heats nobody. It reports
// whether to go on.
func (p *Pipeline) rest(ctx context.Context) bool {
	if p.slowed >= 1 {
		return true
	}
	pause := longestRest
	if fps := p.settings.FramesPerSecond * p.slowed; fps*longestRest.Seconds() > 1 {
		pause = time.Duration(float64(time.Second) / fps)
	}
	timer := time.NewTimer(time.Until(p.heard.Add(pause)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func add(sums, counts map[string]uint64) {
	for key, n := range counts {
		sums[key] += n
	}
}

// observe carries one frame through all stages.
func (p *Pipeline) observe(ctx context.Context, frame *capture.Frame) {
	p.heard = time.Now()
	p.rate.add(p.heard)
	p.clearSilence()
	var reason string
	if p.finite() {
		reason = p.insist(ctx, frame)
	} else {
		p.judgeView(frame)
		if reason = p.gate.Check(frame); reason == "" {
			reason = p.count(p.look(ctx, frame))
		}
	}
	if reason == "" {
		p.scored++
	}
	p.show(frame, reason)
}

// count counts a reason that is not the gate's.
func (p *Pipeline) count(skip string) string {
	if skip != "" {
		p.skips[skip]++
	}
	return skip
}

// skipped is every reason since the start with its count; a copy.
func (p *Pipeline) skipped() map[string]uint64 {
	all := maps.Clone(p.skips)
	add(all, p.gate.Skips())
	return all
}

// look is score, verdict, sighting and record of a live camera's frame; it
// returns why the frame was not scored, "" when it was.
func (p *Pipeline) look(ctx context.Context, frame *capture.Frame) (skip string) {
	if skip := p.useModel(); skip != "" {
		return skip
	}
	for i := range p.zones {
		decision, skip := p.judge(ctx, frame, i)
		if skip != "" {
			return skip
		}
		p.track(ctx, frame, i, decision)
	}
	return ""
}

// insist is look for a picture that a person chose and that comes once: no gate
// leaves it out, and while there is no engine it waits.
func (p *Pipeline) insist(ctx context.Context, frame *capture.Frame) (skip string) {
	for began := time.Now(); ; {
		skip := p.lookOnce(ctx, frame)
		if skip == skipNoModel {
			began = time.Now() // nobody has tried it yet
		}
		waits := skip == skipNoModel || skip == skipEngineDown && time.Since(began) < tryFor
		if !waits || ctx.Err() != nil {
			return p.count(skip)
		}
		p.show(frame, skip)
		select {
		case <-time.After(tryAgain):
		case <-ctx.Done():
		}
	}
}

// lookOnce judges all zones of a finite source's picture and then records them:
// a picture is recorded as a whole or not at all, and so never twice.
func (p *Pipeline) lookOnce(ctx context.Context, frame *capture.Frame) (skip string) {
	if skip := p.useModel(); skip != "" {
		return skip
	}
	records, sights := make([]wire.Record, len(p.zones)), make([]*sketch.Sight, len(p.zones))
	for i, z := range p.zones {
		decision, skip := p.judge(ctx, frame, i)
		if skip != "" {
			return skip
		}
		z.current(frame.CapturedAt, 1, decision, p.model.Params.Classes)
		records[i], sights[i] = p.record(z, single(frame, decision)), sightOf(decision, p.seen(frame, i))
	}
	for i, record := range records {
		p.keep(ctx, record, frame.JPEG, quality.FingerprintOf(frame.ZoneLumas[i]), sights[i])
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
		p.config.Log.Error("use model", "error", err)
		return skipNoModel
	}
	p.model, p.decider, p.axes = model, decider, sketch.NewProjector(model.Params.References.Dim)
	for _, z := range p.zones {
		z.begin(decider, p.settings.Sensitivity)
	}
	return ""
}

// judge is the verdict on one zone of one frame.
func (p *Pipeline) judge(ctx context.Context, frame *capture.Frame, i int) (d verdict.Decision, skip string) {
	err := p.config.Scorer.Score(ctx, p.model, frame.Tensors[i], &p.scores)
	for tries := 0; errors.Is(err, engine.ErrExchanged) && tries < 2 && p.useModel() == ""; tries++ {
		err = p.config.Scorer.Score(ctx, p.model, frame.Tensors[i], &p.scores) // between two models no frame is lost
	}
	if err == nil {
		d, err = p.decider.Decide(p.scores.Embedding, p.scores.Logits, lookOf(frame, i))
	}
	if (err == nil) != p.engineOK {
		p.engineOK = err == nil
		p.config.Log.Info("engine", "scoring", p.engineOK, "error", err)
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

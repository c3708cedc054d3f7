package update

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/live"
	"gourdian/internal/wire"
)

// folderName is where all of it lies in the data folder.
const folderName = "update"

// Pauses between two tries of what may pass: a line that is cut, a hub that is
// away. They double.
const (
	shortest = 5 * time.Second
	longest  = 30 * time.Minute
)

// Engine runs models; *engine.Engine is one.
type Engine interface {
	Model() *engine.Model
	Health() engine.Health
	Prepare(ctx context.Context, path string) (*engine.Candidate, error)
	Vacate(ctx context.Context) error
	Time(ctx context.Context, c *engine.Candidate, most time.Duration) (engine.Speed, error)
	Shadow(ctx context.Context, c *engine.Candidate, most int, told func(engine.Shadow)) (engine.Shadow, error)
	Switch(ctx context.Context, c *engine.Candidate) error
	Reopen(ctx context.Context) error
	Watch(ctx context.Context, told func(frames, unsure uint64)) error
}

// Board is where the update says how it is; *live.Hub is one.
type Board interface {
	State() live.State
	SetUpdate(live.Update)
}

// Plan is how long a model has to prove itself.
type Plan struct {
	ShadowFrames int           // scored by both models
	Shadow       time.Duration // for so long at most, whichever comes first
	Soak         time.Duration // under watch, once it serves
}

// Config is what an Update needs.
type Config struct {
	Data     string   // the data folder
	Own      string   // path of the board's own bundle, which may be missing
	Variants []string // that may run here
	Frame    time.Duration
	Plan     Plan
	Engine   Engine
	Board    Board
	Free     func() (bytes int64, err error) // of the disk
	Beside   func() bool                     // memory bears a second model now
	Built    time.Time                       // of the program; zero where unknown
	Now      func() time.Time
	Log      *slog.Logger
}

// wish is what the hub wants.
type wish struct {
	Bundle  string `json:"bundle"`
	Rollout string `json:"rollout"`
	Release bool   `json:"release"`
}

// Update follows what the hub wants. Any goroutine may call it; Run does the work.
type Update struct {
	*post
	config Config
	slots  *slots
	trust  *trust
	clock  *clock
	wake   chan struct{} // holds one: Run is to look again
	back   chan struct{} // holds one: somebody at the board wants the model before
	unsure float64       // share of the shadow's frames that the newest model was unsure of; Run's own

	mu      sync.Mutex // guards what follows
	paused  bool
	root    string             // that the hub offers
	hub     string             // its CA, "" = the board belongs to none
	working context.CancelFunc // ends what Run does for a wish that is none any more; nil = nothing
	on      string             // rollout that Run works on
	state   *wire.UpdateState
}

// New opens what a board remembers. Before Run, Chosen and Unfit can be asked.
func New(c Config) (*Update, error) {
	f := folder(filepath.Join(c.Data, folderName))
	if err := os.MkdirAll(string(f), 0o750); err != nil {
		return nil, fmt.Errorf("open updates: %w", err)
	}
	slots, err := openSlots(f)
	if err != nil {
		c.Log.Warn("what is remembered of models from the hub", "error", err)
	}
	u := &Update{post: newPost(), config: c, slots: slots, wake: make(chan struct{}, 1), back: make(chan struct{}, 1)}
	u.clock = openClock(f.path(clockName), c.Built, c.Now, c.Log)
	u.trust = &trust{dir: f.path(trustName), clock: u.clock, get: u.post.metadata}
	j := slots.now()
	u.hub, u.state = j.Hub, j.State
	u.show()
	return u, nil
}

// Chosen is the path of the hub's model, "" where the board's own serves.
func (u *Update) Chosen() string { return u.slots.chosen() }

// Unfit hears that the hub's model can't be opened, and reports whether another
// one is chosen now.
func (u *Update) Unfit(path string, err error) bool {
	j := u.slots.now()
	if j.Current == "" || u.slots.folder.bundle(j.Current) != path {
		return true
	}
	u.config.Log.Error("the hub's model can't be opened, going back", "model", j.Current, "error", err)
	if err := u.goBack("it can't be opened any more: " + err.Error()); err != nil {
		u.config.Log.Error("go back", "error", err)
		return false
	}
	return true
}

// Belong hears to which hub the board belongs, and whom that one wants it to
// trust. Another hub's signatures are another trust.
func (u *Update) Belong(hub, root string) error {
	u.mu.Lock()
	same := u.hub == hub
	u.hub = hub
	u.mu.Unlock()
	if !same {
		if err := os.RemoveAll(u.trust.dir); err != nil {
			return fmt.Errorf("forget whom the last hub trusted: %w", err)
		}
		if err := u.slots.change(func(j *journal) { j.Hub, j.Wish, j.Refused = hub, wish{}, nil }); err != nil {
			return err
		}
	}
	return u.trust.pin(root)
}

// Alone hears that the board belongs to no hub: then its own model runs.
func (u *Update) Alone() {
	u.mu.Lock()
	was := u.hub
	u.hub = ""
	u.mu.Unlock()
	if was != "" {
		u.want(wish{Rollout: "left", Release: true})
	}
}

// Want hears what the hub desires. It never waits.
func (u *Update) Want(d wire.Desired) error {
	u.mu.Lock()
	u.paused = d.Pause
	u.mu.Unlock()
	err := u.trust.pin(d.Root)
	if d.Model != nil {
		u.want(wish{Bundle: d.Model.Bundle, Rollout: d.Model.Rollout, Release: d.Model.Release})
	}
	u.nudge()
	return err
}

func (u *Update) want(w wish) {
	if u.slots.now().Wish != w {
		if err := u.slots.change(func(j *journal) { j.Wish = w }); err != nil {
			u.config.Log.Warn("what the hub wants can't be kept; it says it again", "error", err)
			return
		}
	}
	u.mu.Lock()
	if u.working != nil && u.on != w.Rollout {
		u.working()
	}
	u.mu.Unlock()
	u.nudge()
}

func (u *Update) nudge() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// Connected hears of the link.
func (u *Update) Connected(yes bool) {
	u.post.Connected(yes)
	u.nudge()
}

// GoBack lets the model before the hub's one serve again, because somebody at
// the board wants it. It reports whether there is one.
func (u *Update) GoBack() bool {
	if u.slots.now().Current == "" {
		return false
	}
	select {
	case u.back <- struct{}{}:
	default:
	}
	u.mu.Lock()
	if u.working != nil {
		u.working()
	}
	u.mu.Unlock()
	return true
}

// State is how the newest wish does, nil where there was none.
func (u *Update) State() *wire.UpdateState {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.state == nil {
		return nil
	}
	state := *u.state
	return &state
}

// errByHand is the reason of GoBack.
var errByHand = errors.New("somebody at the board chose the model before")

// Run follows the hub's wishes until ctx is done.
func (u *Update) Run(ctx context.Context) error {
	ticker := time.NewTicker(shortest)
	defer ticker.Stop()
	var again time.Time // before it nothing is tried again
	failures := 0
	faulty := 0
	u.nudge() // a model may be under watch
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-u.wake:
			again = time.Time{}
		case <-ticker.C:
		case <-u.back:
			u.returnTo(ctx, errByHand)
		}
		u.clock.keep()
		if faulty = u.faulty(faulty); faulty >= faultyLooks {
			u.returnTo(ctx, errors.New("its worker does not come back"))
		}
		if time.Now().Before(again) {
			continue
		}
		if err := u.follow(ctx); err != nil && ctx.Err() == nil {
			failures++
			pause := min(shortest<<min(failures, 10), longest)
			again = time.Now().Add(pause)
			u.config.Log.Warn("a model is not here yet", "error", err, "next", pause)
			continue
		}
		failures = 0
	}
	return nil
}

// faultyLooks is how often in a row the worker of the hub's model has refused it
// before the board goes back: its library may have been exchanged.
const faultyLooks = 6

func (u *Update) faulty(so int) int {
	h := u.config.Engine.Health()
	if j := u.slots.now(); j.Current == "" || h.ID != j.Current || h.Up || h.Code != "refused" {
		return 0
	}
	return so + 1
}

// follow does what the hub wants as far as that is possible now. An error is one
// that may pass.
func (u *Update) follow(ctx context.Context) error {
	j := u.slots.now()
	w := j.Wish
	if j.Soaking && (w.Rollout == "" || w.Bundle == j.Current) {
		w.Bundle = j.Current
		if j.State != nil && j.State.Bundle == j.Current {
			w.Rollout = j.State.Rollout
		}
		return u.attempt(ctx, w)
	}
	switch {
	case w.Rollout == "":
		return nil
	case w.Release:
		return u.release(ctx, w)
	case slices.Contains(j.Refused, w.Rollout):
		if j.State == nil || j.State.Rollout != w.Rollout { // an older one came again
			u.tell(wire.UpdateState{Bundle: w.Bundle, Rollout: w.Rollout, Stage: wire.StageRefused, Why: "it was refused here before"})
		}
		return nil
	case j.Current == w.Bundle && !j.Soaking:
		if j.State == nil || j.State.Rollout != w.Rollout || j.State.Stage != wire.StageCommitted {
			u.tell(wire.UpdateState{Bundle: w.Bundle, Rollout: w.Rollout, Stage: wire.StageCommitted})
		}
		return nil
	}
	return u.attempt(ctx, w)
}

// attempt works on a wish until it is at an end, or another one comes.
func (u *Update) attempt(run context.Context, w wish) error {
	ctx, end := context.WithCancel(run)
	defer end()
	u.mu.Lock()
	u.working, u.on = end, w.Rollout
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.working, u.on = nil, ""
	}()
	err := u.take(run, ctx, w)
	var no *refusal
	if errors.As(err, &no) {
		u.refused(w, no)
		return nil
	}
	if ctx.Err() != nil { // another wish came
		u.nudge()
		return nil
	}
	if err != nil {
		u.edit(w, func(s *wire.UpdateState) {
			s.Stage, s.Why = wire.StageWaiting, wire.Text(err.Error(), wire.MaxText)
		})
	}
	return err
}

// release lets the board's own model serve.
func (u *Update) release(ctx context.Context, w wish) error {
	j := u.slots.now()
	if j.Current == "" {
		return nil
	}
	if _, err := os.Stat(u.config.Own); err != nil {
		u.config.Log.Warn("the hub lets go of its model, and the board has none of its own; it stays", "error", err)
		return nil
	}
	err := u.slots.change(func(j *journal) {
		j.Current, j.Previous, j.Soaking, j.Starts = "", "", false, 0
	})
	if err != nil {
		return err
	}
	u.config.Log.Info("the hub lets go of its model", "rollout", w.Rollout)
	u.tell(wire.UpdateState{Rollout: w.Rollout, Stage: wire.StageCommitted})
	return u.serve(ctx, u.config.Own)
}

// refused notes that a model will not run here.
func (u *Update) refused(w wish, no *refusal) {
	u.config.Log.Warn("a model from the hub is refused", "model", w.Bundle, "step", string(no.step), "error", no.err)
	u.edit(w, func(s *wire.UpdateState) {
		s.Stage, s.Step, s.Why = wire.StageRefused, no.step, wire.Text(no.Error(), wire.MaxText)
	})
	err := u.slots.change(func(j *journal) {
		j.refuse(w.Rollout)
		j.State = u.State()
	})
	if err = errors.Join(err, u.slots.sweep()); err != nil {
		u.config.Log.Warn("update", "error", err)
	}
}

// tell says how the newest wish does.
func (u *Update) tell(s wire.UpdateState) {
	s.At = u.config.Now().UTC()
	u.mu.Lock()
	u.state = &s
	u.mu.Unlock()
	u.show()
}

// edit changes what is said of a wish.
func (u *Update) edit(w wish, change func(*wire.UpdateState)) {
	s := wire.UpdateState{Bundle: w.Bundle, Rollout: w.Rollout}
	if was := u.State(); was != nil && was.Rollout == w.Rollout && was.Bundle == w.Bundle {
		s = *was
	}
	change(&s)
	u.tell(s)
}

// show tells the page.
func (u *Update) show() {
	j := u.slots.now()
	v := live.Update{Current: j.Current, Previous: j.Previous, Soaking: j.Soaking}
	if s := u.State(); s != nil {
		v.State = *s
	}
	u.config.Board.SetUpdate(v)
}

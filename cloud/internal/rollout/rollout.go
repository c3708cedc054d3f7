package rollout

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// State is how a rollout stands.
type State string

// States.
const (
	Running State = "running"
	Paused  State = "paused"  // by a person
	Stopped State = "stopped" // by itself: boards failed
	Done    State = "done"    // all boards were told, and those that were seen run it
	Aborted State = "aborted" // by a person, for good
)

// Open reports whether a rollout may still tell boards.
func (s State) Open() bool { return s == Running || s == Paused || s == Stopped }

// Standing is how a board stands in a rollout.
type Standing string

// Standings.
const (
	Queued     Standing = "queued"     // its wave has not begun
	Told       Standing = "told"       // and not heard of since
	Working    Standing = "working"    // it takes or tries the model
	Runs       Standing = "runs"       // it runs the model for good
	Failed     Standing = "failed"     // it refused the model, or went back
	Superseded Standing = "superseded" // a newer rollout took it over
	Skipped    Standing = "skipped"    // it left the fleet, or the rollout ended before its wave
	Returning  Standing = "returning"  // told to go back to what it ran before
	Returned   Standing = "returned"
)

// Errors of this package; they say what a person asked for.
var (
	ErrNotFound = errors.New("there is no such rollout")
	ErrState    = errors.New("the rollout's state does not allow that")
	ErrReason   = errors.New("a reason of 1 to 500 bytes is needed")
	ErrNobody   = errors.New("no board is meant")
	ErrPlan     = errors.New("the plan can't be carried out")
	ErrVersion  = errors.New("there is no such model version")
)

// Rollout is one.
type Rollout struct {
	bun.BaseModel `bun:"table:rollout,alias:r"`

	ID       string `bun:"id,pk"`
	Number   int64  `bun:"number"` // counts, for people
	Version  int64  `bun:"version"`
	Bundle   string `bun:"bundle"`
	State    State  `bun:"state"`
	Why      string `bun:"why"` // it was stopped: device and what it said
	Who      string `bun:"who"`
	Reason   string `bun:"reason"`
	PlanText string `bun:"plan"`
	Wave     int    `bun:"wave"`     // the newest that was told, from 0
	Forgiven int    `bun:"forgiven"` // failures that a person has seen and let pass
	Micros   int64  `bun:"started_at"`
	WaveAt   int64  `bun:"wave_at"`
	EndedAt  int64  `bun:"ended_at"`
}

// Plan is how it goes.
func (r Rollout) Plan() Plan {
	var p Plan
	_ = json.Unmarshal([]byte(r.PlanText), &p) // as Start wrote it
	return p
}

// StartedAt is when it began.
func (r Rollout) StartedAt() time.Time { return db.Time(r.Micros) }

// Ended is when it ended, zero while it has not.
func (r Rollout) Ended() time.Time { return db.Time(r.EndedAt) }

// Board is a board in a rollout.
type Board struct {
	bun.BaseModel `bun:"table:rollout_board,alias:rb"`

	Rollout   string   `bun:"rollout,pk"`
	Device    string   `bun:"device,pk"`
	Wave      int      `bun:"wave"`
	State     Standing `bun:"state"`
	Stage     string   `bun:"stage"` // as the board says it, see wire.UpdateState
	Step      string   `bun:"step"`
	Why       string   `bun:"why"`
	Before    string   `bun:"before"` // bundle that it ran when it was told
	DoneBytes int64    `bun:"done"`
	Total     int64    `bun:"total"`
	Reused    int64    `bun:"reused"`
	Shadow    string   `bun:"shadow"` // wire.ShadowState, "" = none
	OfferedAt int64    `bun:"offered_at"`
	ChangedAt int64    `bun:"changed_at"`

	Name   string `bun:"-"`
	Site   string `bun:"-"`
	Online bool   `bun:"-"`
	Gone   bool   `bun:"-"` // it may no longer connect
	Wanted string `bun:"-"` // id of the rollout by which the hub wants a model of it now, "" = it wants none
}

// Changed is when its standing last changed.
func (b Board) Changed() time.Time { return db.Time(b.ChangedAt) }

// Tried is what its shadow run gave; ok is false where there was none.
func (b Board) Tried() (s wire.ShadowState, ok bool) {
	return s, b.Shadow != "" && json.Unmarshal([]byte(b.Shadow), &s) == nil
}

// Event is one line of a rollout's history.
type Event struct {
	bun.BaseModel `bun:"table:rollout_event,alias:e"`

	Rollout string `bun:"rollout,pk"`
	N       int64  `bun:"n,pk"`
	Micros  int64  `bun:"at"`
	Who     string `bun:"who"` // "" = the hub itself
	What    string `bun:"what"`
	Detail  string `bun:"detail"`
}

// At is when it happened.
func (e Event) At() time.Time { return db.Time(e.Micros) }

package label

import (
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"gourdian/internal/wire"
)

// CantTell is the label of a picture that a person can't judge.
const CantTell wire.Verdict = "cant_tell"

// Labels are those of the task "grade", in the order of the keys 1 to 5.
func Labels() []wire.Verdict {
	return []wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.NotPumpkin, CantTell}
}

// Known reports whether a person can give this label.
func Known(name wire.Verdict) bool { return slices.Contains(Labels(), name) }

// claimFor is how long a picture is kept for who looks at it, where nothing
// else is said.
const claimFor = 10 * time.Minute

// MaxClaims is how many pictures one person holds at a time: the one in sight
// and those that are loaded ahead.
const MaxClaims = 4

// Errors of a store.
var (
	ErrUnknown  = errors.New("not a label")
	ErrNotFound = errors.New("no such picture")
	// ErrChanged: somebody labelled the picture since it was looked at.
	ErrChanged = errors.New("somebody else labelled this picture meanwhile")
	// ErrNothing: there is nothing of this person that can be undone.
	ErrNothing = errors.New("there is nothing to undo")
)

// Current is what a picture's label is now; the zero Current has none.
type Current struct {
	bun.BaseModel `bun:"table:labels"`

	Hash    string       `bun:"hash,pk"`
	Label   wire.Verdict `bun:"label"` // "" = taken back
	Version int64        `bun:"version"`
	By      string       `bun:"labelled_by"`
	At      int64        `bun:"labelled_at"` // microseconds UTC
}

// What an event did.
const (
	DidLabel = "label"
	DidUndo  = "undo"
)

// Event is one step in the history of a picture's label.
type Event struct {
	bun.BaseModel `bun:"table:label_events"`

	Hash    string       `bun:"hash,pk"`
	Version int64        `bun:"version,pk"` // that the step made
	What    string       `bun:"what"`
	From    wire.Verdict `bun:"from_label"`
	To      wire.Verdict `bun:"to_label"`
	By      string       `bun:"labelled_by"`
	At      int64        `bun:"labelled_at"`
	Undone  bool         `bun:"undone"` // by a later step
	Batch   string       `bun:"batch"`  // of labels that were given at once, "" = alone
}

// When is the time of the event.
func (e *Event) When() time.Time { return time.UnixMicro(e.At).UTC() }

type claim struct {
	bun.BaseModel `bun:"table:label_claims,alias:c"`

	Hash  string `bun:"hash,pk"`
	Who   string `bun:"who"`
	Until int64  `bun:"until"`
}

// Progress counts the queue.
type Progress struct {
	Waiting  int // checked pictures without a label, near-duplicates left out
	Labelled int
	ByLabel  map[wire.Verdict]int
}

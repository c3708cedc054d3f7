package work

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/people"
)

// Kind says what sort of work a thing is.
type Kind string

// Kinds, in the order of the page.
const (
	Alarm    Kind = "alarm"    // something is not as it should be
	Decision Kind = "decision" // somebody has to say yes or no
	Label    Kind = "label"    // pictures without a label
	Doubt    Kind = "doubt"    // labels that may be wrong
	Verify   Kind = "verify"   // pictures that somebody has to look at first
	Import   Kind = "import"   // files that were not taken
)

// Kinds returns all kinds in the order of the page.
func Kinds() []Kind { return []Kind{Alarm, Decision, Label, Doubt, Verify, Import} }

// Item is one thing that waits.
type Item struct {
	Key   string            // names it for as long as it waits: "board.silent:gd-1"
	Kind  Kind              //
	Text  string            // key of the catalogue, with ".one" and ".other" where it counts
	Args  map[string]string // of the text
	Count int               // how many; 1 where it is one thing
	Since time.Time         // zero = not known
	Path  string            // of the page that does it
	Least people.Role       // who may do it
	// Mark tells this time from another time that the same thing waits; "" = it
	// is always the same, only more or less of it.
	Mark string
}

// Source looks what waits in one part of the hub. It answers within a second or
// two and for any number of goroutines.
type Source interface {
	Waiting(ctx context.Context) ([]Item, error)
}

// SourceFunc is a function that is a Source.
type SourceFunc func(ctx context.Context) ([]Item, error)

// Waiting asks the function.
func (f SourceFunc) Waiting(ctx context.Context) ([]Item, error) { return f(ctx) }

// Errors that people are told about.
var (
	// ErrGone: the thing does not wait any more.
	ErrGone = errors.New("this does not wait any more")
	// ErrChanged: somebody did something with it since the person looked.
	ErrChanged = errors.New("somebody else changed this meanwhile")
	// ErrRole: the person may not do it.
	ErrRole = errors.New("this person may not do that")
	// ErrNote: a note is empty or too long.
	ErrNote = errors.New("a note has 1 to 500 characters")
	// ErrWhat: there is no such thing to do.
	ErrWhat = errors.New("no such thing can be done")
	// ErrNothing: the person's last step is not the newest one.
	ErrNothing = errors.New("there is nothing to undo")
)

// MaxNote bounds a note in bytes.
const MaxNote = 500

// States of a card.
const (
	open    = ""
	done    = "done"
	snoozed = "snoozed"
)

// Card is a thing that waits, with what people made of it.
type Card struct {
	Item

	Owner   string // name of a person, "" = nobody
	Hidden  bool   // done or put off
	Done    bool
	Until   time.Time // put off until then
	Version int64     // for whoever changes it
	Steps   []Step    // the newest first; notes are steps
}

// Step is one thing that a person did with a card.
type Step struct {
	Version int64
	What    string // "take", "assign", "release", "done", "snooze", "open", "note", "undo"
	Detail  string // the note, the owner or the time
	By      string
	At      time.Time
	Undone  bool
}

// What people do with cards.
const (
	DidTake    = "take"
	DidAssign  = "assign"
	DidRelease = "release"
	DidDone    = "done"
	DidSnooze  = "snooze"
	DidOpen    = "open"
	DidNote    = "note"
	DidUndo    = "undo"
)

type cardRow struct {
	bun.BaseModel `bun:"table:work_cards"`

	Item      string `bun:"item,pk"      json:"-"`
	Owner     string `bun:"owner"        json:"owner"`
	State     string `bun:"state"        json:"state"`
	Until     int64  `bun:"until"        json:"until"`
	Mark      string `bun:"mark"         json:"mark"`
	MarkCount int64  `bun:"mark_count"   json:"mark_count"`
	Version   int64  `bun:"version"      json:"-"`
}

type eventRow struct {
	bun.BaseModel `bun:"table:work_events"`

	Item    string `bun:"item,pk"`
	Version int64  `bun:"version,pk"`
	What    string `bun:"what"`
	Detail  string `bun:"detail"`
	Before  string `bun:"before"` // the card as JSON
	By      string `bun:"changed_by"`
	At      int64  `bun:"changed_at"`
	Undone  bool   `bun:"undone"`
}

func (r *eventRow) step() Step {
	return Step{Version: r.Version, What: r.What, Detail: r.Detail, By: r.By, At: db.Time(r.At), Undone: r.Undone}
}

// card joins a thing with what people made of it.
func (r *cardRow) card(item Item, now time.Time) Card {
	c := Card{Item: item, Owner: r.Owner, Version: r.Version}
	switch r.State {
	case done:
		c.Done = r.Mark == item.Mark && int64(item.Count) <= r.MarkCount
		c.Hidden = c.Done
	case snoozed:
		c.Until = db.Time(r.Until)
		c.Hidden = r.Mark == item.Mark && now.Before(c.Until)
	}
	return c
}

package fleet

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// Standing says whether a board may connect.
type Standing string

// Standings.
const (
	Active  Standing = "active"
	Revoked Standing = "revoked" // it may not come back without an admin
	Removed Standing = "removed" // gone from the lists; any token lets it join anew
)

// Errors of this package; they say what a person asked for.
var (
	ErrNotFound = errors.New("there is no such board")
	ErrName     = errors.New("a name has 1 to 80 printable characters")
	ErrState    = errors.New("the board's state does not allow that")
	ErrSettings = errors.New("these settings can't be sent to a board")
)

// Board is one board as the hub knows it.
type Board struct {
	bun.BaseModel `bun:"table:board,alias:b"`

	Device    string   `bun:"device,pk"`
	Name      string   `bun:"name"`
	Site      string   `bun:"site"`
	Group     string   `bun:"team"` // "" = none
	State     Standing `bun:"state"`
	KeyHash   string   `bun:"key_hash"`
	Serial    string   `bun:"serial"`
	Until     int64    `bun:"cert_until"` // micros, as all times here
	Joined    int64    `bun:"joined_at"`
	Token     string   `bun:"token"`
	Successor string   `bun:"successor"` // the device that replaced it, "" = none
	Agent     string   `bun:"agent"`
	Model     string   `bun:"model"`    // bundle
	Severity  string   `bun:"severity"` // of its worst condition, "" = none
	Unsent    int64    `bun:"unsent"`
	Goodbye   bool     `bun:"goodbye"` // it ended its last connection itself
	Seen      int64    `bun:"seen_at"` // 0 = never
	Status    string   `bun:"status"`  // the newest wire.State, "" = none
	StatusAt  int64    `bun:"status_at"`
	Wish      int64    `bun:"wish"`     // version of what is desired
	Settings  string   `bun:"settings"` // desired, JSON
	LogLines  string   `bun:"log_lines"`
	Contract  int64    `bun:"contract"` // that it spoke last, 0 = not known
	Unfit     string   `bun:"unfit"`    // code of what on the board does not fit its agent, "" = all does
	WantText  string   `bun:"wanted"`   // Wanted as JSON, "" = nothing

	Online bool `bun:"-"`
}

// Reported is what the board last said of itself; ok is false where it never
// has.
func (b Board) Reported() (state wire.State, ok bool) {
	if b.Status == "" || json.Unmarshal([]byte(b.Status), &state) != nil {
		return wire.State{}, false
	}
	return state, true
}

// Log is the tail of the board's log, the newest line last.
func (b Board) Log() []wire.LogLine {
	var lines []wire.LogLine
	if b.LogLines == "" || json.Unmarshal([]byte(b.LogLines), &lines) != nil {
		return nil
	}
	return lines
}

// Times for pages; zero where there is none.
func (b Board) SeenAt() time.Time           { return db.Time(b.Seen) }
func (b Board) JoinedAt() time.Time         { return db.Time(b.Joined) }
func (b Board) CertificateUntil() time.Time { return db.Time(b.Until) }
func (b Board) ReportedAt() time.Time       { return db.Time(b.StatusAt) }

// Health is how a board is, in one word that the catalogue has words for.
type Health string

// Healths. Offline boards are not broken: they look on and send later. A
// silent one broke off without a goodbye.
const (
	Well     Health = "well"
	Warning  Health = "warning"
	Failing  Health = "failing"
	Offline  Health = "offline" // it said goodbye
	Silent   Health = "silent"  // its connection broke
	Never    Health = "never"   // it has joined and not come yet
	Barred   Health = "revoked"
	GoneAway Health = "removed"
)

// Health of the board, as far as the hub can know.
func (b Board) Health() Health {
	switch {
	case b.State == Revoked:
		return Barred
	case b.State == Removed:
		return GoneAway
	case !b.Online && b.Seen == 0:
		return Never
	case !b.Online && b.Goodbye:
		return Offline
	case !b.Online:
		return Silent
	case b.Severity == "serious":
		return Failing
	case b.Severity == "warning":
		return Warning
	default:
		return Well
	}
}

// Desired is what the hub says to the board.
func (b Board) Desired() wire.Desired {
	d := wire.Desired{Contract: wire.Contract, Version: uint64(b.Wish), Name: b.Name, Site: b.Site}
	if b.Settings != "" && json.Unmarshal([]byte(b.Settings), &d.Settings) != nil {
		d.Settings = nil
	}
	wanted := b.Wanted()
	d.Model, d.Pause = wanted.Model, wanted.Pause
	return d
}

// Wanted is what the hub wants of a board's model.
type Wanted struct {
	Model *wire.DesiredModel `json:"model,omitempty"`
	Pause bool               `json:"pause,omitempty"`
}

// Wanted is what the hub wants of the board's model now.
func (b Board) Wanted() (w Wanted) {
	if b.WantText == "" || json.Unmarshal([]byte(b.WantText), &w) != nil {
		return Wanted{}
	}
	return w
}

// Event is one line of a board's history.
type Event struct {
	bun.BaseModel `bun:"table:board_event,alias:e"`

	Device string `bun:"device,pk"`
	Micros int64  `bun:"at,pk"`
	N      int64  `bun:"n,pk"` // tells apart what happened at one moment
	What   string `bun:"what"`
	Detail string `bun:"detail"`
}

// At is when it happened.
func (e Event) At() time.Time { return db.Time(e.Micros) }

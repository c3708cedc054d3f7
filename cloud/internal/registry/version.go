package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/internal/bundle"
)

// MaxText bounds reasons and notes in bytes.
const MaxText = 500

// Errors of a registry. What is wrong with a bundle wraps bundle.ErrBundle.
var (
	// ErrNotFound: there is no such version.
	ErrNotFound = errors.New("no such model version")
	// ErrChampion: the champion can't be deleted.
	ErrChampion = errors.New("the champion can't be deleted")
	// ErrReason: a move needs a reason of at most MaxText bytes.
	ErrReason = errors.New("a reason of 1 to 500 bytes is needed")
	// ErrChanged: somebody else moved the alias since it was looked at.
	ErrChanged = errors.New("somebody else changed this meanwhile")
	// ErrNothingBefore: there is no earlier champion to go back to.
	ErrNothingBefore = errors.New("there was no champion before this one")
	// ErrInUse: boards are being brought the version.
	ErrInUse = errors.New("a rollout of this version is not finished")
	// ErrTooLarge: more bytes than a bundle may have.
	ErrTooLarge = errors.New("the file is larger than any bundle")
)

// Version is one pushed bundle.
type Version struct {
	Number   int64
	Bundle   string // id
	Blob     string // SHA-256 of the file
	Bytes    int64
	PushedBy string
	PushedAt time.Time
	Notes    string
	Deleted  bool // its file is gone
	Facts    Facts
}

// Facts is what a version's manifest says.
type Facts struct {
	Name       string            `json:"name"`
	Task       string            `json:"task"`
	Classes    []bundle.Class    `json:"classes"`
	Backbone   string            `json:"backbone"`
	Preprocess string            `json:"preprocess"`
	Variants   []string          `json:"variants"`
	Provenance bundle.Provenance `json:"provenance"`
}

func factsOf(m *bundle.Manifest) Facts {
	f := Facts{
		Name: m.Name, Task: m.Task, Classes: m.Classes, Backbone: m.Backbone, Preprocess: m.Preprocess, Provenance: m.Provenance,
	}
	for _, v := range m.Variants {
		f.Variants = append(f.Variants, v.Name)
	}
	return f
}

// Alias names a version; a revision counts its moves.
type Alias struct {
	Number   int64 // 0 = none yet
	Revision int64
}

// Move is one move of the alias "champion".
type Move struct {
	Revision int64
	From, To int64 // versions; From 0 = none before
	By       string
	At       time.Time
	Reason   string
}

// champion is the one alias.
const champion = "champion"

type versionRow struct {
	bun.BaseModel `bun:"table:models"`

	Number   int64  `bun:"number,pk"`
	Bundle   string `bun:"bundle"`
	Blob     string `bun:"blob"`
	Bytes    int64  `bun:"bytes"`
	Facts    string `bun:"facts"`
	PushedBy string `bun:"pushed_by"`
	PushedAt int64  `bun:"pushed_at"`
	Notes    string `bun:"notes"`
	Deleted  bool   `bun:"deleted"`
}

func (r *versionRow) version() (Version, error) {
	v := Version{
		Number: r.Number, Bundle: r.Bundle, Blob: r.Blob, Bytes: r.Bytes, PushedBy: r.PushedBy,
		PushedAt: time.UnixMicro(r.PushedAt).UTC(), Notes: r.Notes, Deleted: r.Deleted,
	}
	if err := json.Unmarshal([]byte(r.Facts), &v.Facts); err != nil {
		return v, fmt.Errorf("facts of model version %d: %w", r.Number, err)
	}
	return v, nil
}

type aliasRow struct {
	bun.BaseModel `bun:"table:model_aliases"`

	Name     string `bun:"name,pk"`
	Number   int64  `bun:"number"`
	Revision int64  `bun:"revision"`
}

type moveRow struct {
	bun.BaseModel `bun:"table:model_moves"`

	Alias    string `bun:"alias,pk"`
	Revision int64  `bun:"revision,pk"`
	From     int64  `bun:"from_number"`
	To       int64  `bun:"to_number"`
	By       string `bun:"moved_by"`
	At       int64  `bun:"moved_at"`
	Reason   string `bun:"reason"`
}

func (r *moveRow) move() Move {
	return Move{Revision: r.Revision, From: r.From, To: r.To, By: r.By, At: time.UnixMicro(r.At).UTC(), Reason: r.Reason}
}

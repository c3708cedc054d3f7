package sample

import (
	"errors"
	"time"

	"github.com/uptrace/bun"

	"gourdian/internal/quality"
	"gourdian/internal/wire"
)

// Source says who brought a picture.
type Source string

// Sources of pictures.
const (
	FromBoard   Source = "board"
	FromVisitor Source = "visitor"
	FromImport  Source = "import"
)

// State is where a picture stands.
type State string

// States of a picture. Coming ones have no bytes yet, refused and deleted ones
// have none any more.
const (
	Coming  State = "coming"
	Kept    State = "kept"
	Refused State = "refused"
	Deleted State = "deleted"
)

// Fault says what is wrong with a picture as a code of the catalogue.
type Fault string

// Faults of pictures. Only broken ones and tiny ones are never kept.
const (
	Sound     Fault = ""
	Broken    Fault = "broken"
	Tiny      Fault = "tiny"
	Dark      Fault = "dark"
	Bright    Fault = "bright"
	Blurred   Fault = "blurred"
	Duplicate Fault = "duplicate"
	TooLarge  Fault = "too_large"
	Unlikely  Fault = "not_pumpkin" // probably none, says the champion; of imports
)

// MinSide is the shorter side, in pixels, that a picture must have: below it
// the model's square would be invented.
const MinSide = 96

// Errors of a store.
var (
	ErrNotFound = errors.New("no such picture")
	ErrFull     = errors.New("the hub's room for pictures is used up")
)

// Sample is one picture.
type Sample struct {
	bun.BaseModel `bun:"table:samples,alias:s"`

	Hash        string         `bun:"hash,pk"`
	Bytes       int64          `bun:"bytes"`
	Source      Source         `bun:"source"`
	Device      string         `bun:"device"` // of a board
	Site        string         `bun:"site"`
	Camera      string         `bun:"camera"`
	Zone        string         `bun:"zone"`
	Epoch       string         `bun:"epoch"`
	Seq         int64          `bun:"seq"`
	Origin      string         `bun:"origin"` // name of the import and of the file in it
	Why         wire.SampleWhy `bun:"why"`
	Worth       float64        `bun:"worth"`
	Verdict     wire.Verdict   `bun:"verdict"`
	Correction  wire.Verdict   `bun:"correction"`
	CapturedAt  int64          `bun:"captured_at"` // microseconds UTC, as all times here
	ReceivedAt  int64          `bun:"received_at"`
	State       State          `bun:"state"`
	Checked     bool           `bun:"checked"` // what follows is known
	Fault       Fault          `bun:"fault"`
	DuplicateOf string         `bun:"duplicate_of"`
	Width       int            `bun:"width"`
	Height      int            `bun:"height"`
	Sharpness   float64        `bun:"sharpness"`
	Brightness  float64        `bun:"brightness"`
	Fingerprint int64          `bun:"fingerprint"`
	Queue       string         `bun:"queue"`    // whether it waits for a label: by rule, "in" or "out"
	LeftOut     bool           `bun:"left_out"` // a person left it out of training

	// Label, LabelVersion and LabelledBy come with lists; package label owns them.
	Label        string `bun:"label,scanonly"`
	LabelVersion int64  `bun:"label_version,scanonly"`
	LabelledBy   string `bun:"labelled_by,scanonly"`
}

// Captured is when the picture was taken, by the clock of its source.
func (s *Sample) Captured() time.Time { return at(s.CapturedAt) }

// Received is when the hub had the whole picture.
func (s *Sample) Received() time.Time { return at(s.ReceivedAt) }

func at(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// faultOf is the first thing that is wrong with a picture's look.
func faultOf(r quality.Report) Fault {
	switch {
	case r.Dark || r.Night:
		return Dark
	case r.Bright:
		return Bright
	case r.Blurred:
		return Blurred
	}
	return Sound
}

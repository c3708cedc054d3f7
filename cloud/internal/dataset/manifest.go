package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// Format is the version of the manifest's form.
const Format = 1

// Split is a side on which a whole group stands.
type Split string

// Splits. A model learns from Train and is tuned on Validation; Golden is set
// aside for good and measures it.
const (
	Train      Split = "train"
	Validation Split = "validation"
	Golden     Split = "golden"
)

// Splits are all, in the order of pages.
func Splits() []Split { return []Split{Train, Validation, Golden} }

// Manifest is a data set. It does not change.
type Manifest struct {
	Format  int            `json:"format"`
	Task    string         `json:"task"`
	Classes []wire.Verdict `json:"classes"` // of the task, in the order of its logits
	// AsOf is the label revision: labels are as they were known at that moment.
	AsOf     time.Time `json:"as_of"`
	Rules    Rules     `json:"rules"`
	Pictures []Picture `json:"pictures"` // sorted by Image
	LeftOut  []LeftOut `json:"left_out"` // labelled ones, sorted by Image
}

// Rules are the settings that a manifest was made by.
type Rules struct {
	GoldenPercent int `json:"golden_percent"` // of the groups of a class; as many again are for validation
	NearDuplicate int `json:"near_duplicate"` // largest distance of the fingerprints of one cluster
}

// Picture is one picture of a manifest.
type Picture struct {
	Image   string        `json:"image"` // SHA-256 of its bytes
	Class   wire.Verdict  `json:"class"`
	Group   string        `json:"group"` // all pictures of a group have one Split
	Split   Split         `json:"split"`
	Source  sample.Source `json:"source"`
	Site    string        `json:"site"`
	Board   string        `json:"board"`   // "" = it comes from no board
	Session string        `json:"session"` // the day of the field clock, or the visit of an import
	// Cluster is the first of the near-duplicates that this picture is one of, ""
	// = it has none.
	Cluster string  `json:"cluster"`
	Labels  []Label `json:"labels"` // one for each person, sorted by Version; all have Class
}

// Label is the newest label that one person gave a picture and did not take
// back. A picture's hash and the version name it.
type Label struct {
	Version int64     `json:"version"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Why says why a labelled picture is left out.
type Why string

// Reasons, of which the first that holds is named.
const (
	ByHand    Why = "by_hand"   // a person left it out of training
	CantTell  Why = "cant_tell" // nobody can judge it
	Disputed  Why = "disputed"  // people's labels of it differ
	Unchecked Why = "unchecked" // no worker has looked at it yet
	Leaks     Why = "leaks"     // it shows the scene of a picture of another group
	NoClass   Why = "no_class"  // the task does not know its label
)

// Whys are all reasons in the order of pages.
func Whys() []Why { return []Why{Disputed, CantTell, ByHand, Leaks, Unchecked, NoClass} }

// LeftOut is a labelled picture that is not in the data set.
type LeftOut struct {
	Image string `json:"image"`
	Why   Why    `json:"why"`
}

// maxManifest bounds a manifest that is read, in bytes: about a million pictures.
const maxManifest = 512 << 20

// ErrManifest is wrapped where bytes are no manifest of this form.
var ErrManifest = errors.New("not a manifest of a data set")

// Encode writes the one form of a manifest, whose SHA-256 is its name.
func (m *Manifest) Encode() ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	return data, nil
}

// Decode reads what Encode wrote, and nothing else.
func Decode(data []byte) (*Manifest, error) {
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	m := new(Manifest)
	if err := in.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if m.Format != Format {
		return nil, fmt.Errorf("%w: format %d, this program knows %d", ErrManifest, m.Format, Format)
	}
	again, err := m.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, fmt.Errorf("%w: not written in the one way", ErrManifest)
	}
	return m, m.check()
}

// check holds what every reader relies on.
func (m *Manifest) check() error {
	sides := map[string]Split{}
	for i := range m.Pictures {
		p := &m.Pictures[i]
		side, met := sides[p.Group]
		switch {
		case i > 0 && m.Pictures[i-1].Image >= p.Image:
			return fmt.Errorf("%w: its pictures are not sorted", ErrManifest)
		case !slices.Contains(m.Classes, p.Class):
			return fmt.Errorf("%w: picture %.12s has the class %.40q", ErrManifest, p.Image, p.Class)
		case !slices.Contains(Splits(), p.Split):
			return fmt.Errorf("%w: picture %.12s stands in %.40q", ErrManifest, p.Image, p.Split)
		case met && side != p.Split:
			return fmt.Errorf("%w: the group %.60q stands on two sides", ErrManifest, p.Group)
		}
		sides[p.Group] = p.Split
	}
	return nil
}

// Learning returns the pictures that a model may see while it is made: those of
// Train and Validation. The golden ones are had from Store.Golden alone, which
// writes down that they were used.
func (m *Manifest) Learning() []Picture {
	var out []Picture
	for i := range m.Pictures {
		if m.Pictures[i].Split != Golden {
			out = append(out, m.Pictures[i])
		}
	}
	return out
}

// Cell counts pictures and their groups.
type Cell struct{ Pictures, Groups int }

// Counts are what a manifest holds.
type Counts struct {
	Cells   map[wire.Verdict]map[Split]Cell // by class and side
	Class   map[wire.Verdict]Cell           // of all sides
	Split   map[Split]Cell                  // of all classes
	All     Cell
	LeftOut map[Why]int
}

// Count counts what a manifest holds.
func (m *Manifest) Count() Counts {
	c := Counts{Cells: map[wire.Verdict]map[Split]Cell{}, Class: map[wire.Verdict]Cell{}, Split: map[Split]Cell{}, LeftOut: map[Why]int{}}
	for _, class := range m.Classes {
		c.Cells[class] = map[Split]Cell{}
	}
	met := map[[3]string]bool{}
	first := func(key ...string) int {
		k := [3]string{}
		copy(k[:], key)
		if met[k] {
			return 0
		}
		met[k] = true
		return 1
	}
	for i := range m.Pictures {
		p := &m.Pictures[i]
		cell, class, split := c.Cells[p.Class][p.Split], c.Class[p.Class], c.Split[p.Split]
		inClass, all := first(p.Group, string(p.Class)), first(p.Group)
		c.Cells[p.Class][p.Split] = Cell{cell.Pictures + 1, cell.Groups + inClass}
		c.Class[p.Class] = Cell{class.Pictures + 1, class.Groups + inClass}
		c.Split[p.Split] = Cell{split.Pictures + 1, split.Groups + all}
		c.All = Cell{c.All.Pictures + 1, c.All.Groups + all}
	}
	for _, one := range m.LeftOut {
		c.LeftOut[one.Why]++
	}
	return c
}

package dataset

import (
	"slices"
	"time"

	"gourdian/cloud/internal/label"
	"gourdian/internal/wire"
)

// opinion is what people say of one picture at one moment.
type opinion struct {
	hash   string
	label  wire.Verdict // in force, "" = taken back
	raters []rating     // newest of each person, sorted by version
	// first is the first label that ever said what the picture shows; it decides
	// the side of the picture's group and is never taken back.
	first   wire.Verdict
	firstAt int64
}

type rating struct {
	by      string
	label   wire.Verdict
	version int64
	at      int64
}

// opinionOf plays the steps of one picture's label back, the oldest first. It
// does not read Event.Undone, which a later moment may have set: a step that
// takes back always takes back the one before it.
func opinionOf(events []label.Event) opinion {
	o := opinion{hash: events[0].Hash}
	var given []rating
	for _, e := range events {
		o.label = e.To
		if e.What == label.DidUndo {
			given = slices.DeleteFunc(given, func(r rating) bool { return r.version == e.Version-1 })
			continue
		}
		given = append(given, rating{e.By, e.To, e.Version, e.At})
		if o.first == "" && e.To != label.CantTell {
			o.first, o.firstAt = e.To, e.At
		}
	}
	for i, r := range given {
		newer := slices.ContainsFunc(given[i+1:], func(n rating) bool { return n.by == r.by })
		if !newer {
			o.raters = append(o.raters, r)
		}
	}
	return o
}

// verdict says which class a picture has, or why none can be said.
func (o *opinion) verdict(classes []wire.Verdict) (wire.Verdict, Why) {
	for _, r := range o.raters {
		if r.label != o.raters[0].label {
			return "", Disputed
		}
	}
	switch {
	case o.label == label.CantTell:
		return "", CantTell
	case !slices.Contains(classes, o.label):
		return "", NoClass
	}
	return o.label, ""
}

// labels are those of a manifest.
func (o *opinion) labels() []Label {
	out := make([]Label, len(o.raters))
	for i, r := range o.raters {
		out[i] = Label{r.version, r.by, time.UnixMicro(r.at).UTC()}
	}
	return out
}

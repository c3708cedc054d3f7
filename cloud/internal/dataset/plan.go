package dataset

import (
	"cmp"
	"slices"
	"time"

	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
	"gourdian/models"
)

// classes are those of the task, in the order of its logits.
func classes() []wire.Verdict {
	var out []wire.Verdict
	for _, name := range models.Grade().Names() {
		out = append(out, wire.Verdict(name))
	}
	return out
}

// known is what the hub knew at one moment: the pictures that somebody labelled,
// the steps of their labels by picture and version, and the sides of groups.
type known struct {
	asOf    time.Time
	samples []sample.Sample
	events  []label.Event
	decided []standing
	rules   Rules
}

// plan makes the manifest of what is known, and returns with it all groups with
// their sides. It depends on nothing else, so that another hub makes the same.
func plan(k known) (*Manifest, []standing) {
	opinions := opinionsOf(k.events)
	byHash := map[string]*sample.Sample{}
	var checked []*sample.Sample
	for i := range k.samples {
		s := &k.samples[i]
		byHash[s.Hash] = s
		if _, labelled := opinions[s.Hash]; labelled && s.Checked {
			checked = append(checked, s)
		}
	}
	sides := sidesOf(k, byHash, opinions)
	side := map[string]Split{}
	for _, g := range sides {
		side[g.Group] = g.Split
	}
	near := clusters(checked)
	m := &Manifest{Format: Format, Task: models.TaskGrade, Classes: classes(), AsOf: k.asOf, Rules: k.rules, Pictures: []Picture{}, LeftOut: []LeftOut{}}
	for hash, s := range byHash {
		o, labelled := opinions[hash]
		if !labelled || o.label == "" {
			continue
		}
		class, why := o.verdict(m.Classes)
		switch twin := byHash[s.DuplicateOf]; {
		case s.LeftOut:
			why = ByHand
		case why == "" && !s.Checked:
			why = Unchecked
		case why == "" && twin != nil && groupOf(twin) != groupOf(s):
			why = Leaks
		}
		if why != "" {
			m.LeftOut = append(m.LeftOut, LeftOut{hash, why})
			continue
		}
		m.Pictures = append(m.Pictures, Picture{
			Image: hash, Class: class, Group: groupOf(s), Split: side[groupOf(s)], Source: s.Source, Site: s.Site, Board: s.Device,
			Session: sessionOf(s), Cluster: near[hash], Labels: o.labels(),
		})
	}
	slices.SortFunc(m.Pictures, func(a, b Picture) int { return cmp.Compare(a.Image, b.Image) })
	slices.SortFunc(m.LeftOut, func(a, b LeftOut) int { return cmp.Compare(a.Image, b.Image) })
	return m, sides
}

// opinionsOf are what people say of each picture.
func opinionsOf(events []label.Event) map[string]opinion {
	out := map[string]opinion{}
	for from := 0; from < len(events); {
		to := from + 1
		for to < len(events) && events[to].Hash == events[from].Hash {
			to++
		}
		out[events[from].Hash] = opinionOf(events[from:to])
		from = to
	}
	return out
}

// sidesOf decides the sides of all groups in which somebody ever said what a
// picture shows. Groups whose pictures are gone keep their turn.
func sidesOf(k known, byHash map[string]*sample.Sample, opinions map[string]opinion) []standing {
	groups := map[string]standing{}
	for hash, o := range opinions {
		s := byHash[hash]
		if s == nil || o.first == "" {
			continue
		}
		one := standing{Group: groupOf(s), Stratum: o.first, FirstAt: o.firstAt}
		before, met := groups[one.Group]
		if !met || cmp.Or(cmp.Compare(one.FirstAt, before.FirstAt), cmp.Compare(one.Stratum, before.Stratum)) < 0 {
			groups[one.Group] = one
		}
	}
	for _, one := range k.decided {
		if one.FirstAt <= k.asOf.UnixMicro() {
			groups[one.Group] = one
		}
	}
	all := make([]standing, 0, len(groups))
	for _, one := range groups {
		all = append(all, one)
	}
	decide(all, k.rules.GoldenPercent)
	return all
}

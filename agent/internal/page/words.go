package page

import (
	"slices"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// verdictView is a verdict as a reader meets it.
type verdictView struct {
	Name wire.Verdict
	web.Look
}

// verdict says a verdict or a label in the words of the model.
func (v *voice) verdict(name wire.Verdict, model *live.Model) verdictView {
	var classes []web.Class
	if model != nil {
		for _, c := range model.Classes {
			classes = append(classes, web.Class(c))
		}
	}
	return verdictView{name, v.Verdict(string(name), classes)}
}

// verdictOrder lists the verdicts of a model, then others that were met, then
// "unsure".
func verdictOrder(model *live.Model, met map[wire.Verdict]int) []wire.Verdict {
	order := []wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.NotPumpkin}
	if model != nil {
		order = nil
		for _, class := range model.Classes {
			order = append(order, wire.Verdict(class.Name))
		}
	}
	var others []wire.Verdict
	for name := range met {
		if name != wire.Unsure && !slices.Contains(order, name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return append(append(order, others...), wire.Unsure)
}

// isCustom reports whether a model has other classes than the grades.
func isCustom(model *live.Model) bool { return model != nil && model.Task != "grade" }

// moment says how long ago something was.
func (s *Server) moment(v *voice, t, now time.Time) web.Moment {
	if t.IsZero() {
		return web.Moment{}
	}
	return v.Moment(t.In(s.opts.Location), now)
}

// clockTime says when something was by the clock, with the day where it was not
// that of now.
func (s *Server) clockTime(v *voice, t, now time.Time) web.Moment {
	m := s.moment(v, t, now)
	if t.IsZero() {
		return m
	}
	local := t.In(s.opts.Location)
	m.Text = v.Clock(local)
	if dateOf(local) != dateOf(now.In(s.opts.Location)) {
		m.Text = v.ShortDate(local) + ", " + m.Text
	}
	return m
}

// fieldNow is the time in the field: the clock of sightings and days.
func (s *Server) fieldNow(state live.State) time.Time {
	now := state.FieldNow
	if now.IsZero() {
		now = time.Now()
	}
	return now.In(s.opts.Location)
}

func dateOf(t time.Time) string { return t.Format(time.DateOnly) }

// cameraName is what the farmer calls a camera.
func cameraName(state live.State, id string) string {
	for i := range state.Settings.Cameras {
		if c := &state.Settings.Cameras[i]; c.ID == id && c.Name != "" {
			return c.Name
		}
	}
	for i := range state.Cameras {
		if c := &state.Cameras[i]; c.ID == id && c.Name != "" {
			return c.Name
		}
	}
	return id
}

// condition says what is not as it should be.
func (v *voice) condition(c live.Condition) string {
	key := "health." + c.Code
	if !v.Has(key) {
		return v.Say("health.unknown", "code", c.Code)
	}
	return v.Say(key, pairs(c.Args)...)
}

// remedy says what to do about a condition.
func (v *voice) remedy(c live.Condition) string {
	key := "health." + c.Code + ".do"
	if !v.Has(key) {
		return ""
	}
	return v.Say(key, pairs(c.Args)...)
}

func pairs(args map[string]string) []any {
	var list []any
	for name, value := range args {
		list = append(list, name, value)
	}
	return list
}

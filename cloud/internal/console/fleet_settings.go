package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/fleet"
)

// settingsView is what is desired of a board beside what it has.
type settingsView struct {
	Answer fleet.Answer
	Why    string // it refused, in its own words
	Groups []settingGroup
}

type settingGroup struct {
	Name string // of a camera, "" = the board
	Rows []settingRow
}

type settingRow struct {
	ID, Label      string
	InForce        string // in words
	Wanted         string // in words, "" = nothing else
	Value          string // of the field
	Number         bool
	Min, Max, Step string
	Choices        []choice
}

// settings shows those that the board has and the hub knows. ok is false where
// it has never reported any.
func (v *voice) settings(b fleet.Board) (view settingsView, ok bool) {
	state, _ := b.Reported()
	wanted := b.Desired().Settings
	view.Answer, view.Why = b.Answered()
	group := func(name, prefix string, known []fleet.Setting, now, wanted map[string]any) {
		g := settingGroup{Name: name}
		for _, s := range known {
			if value := s.Value(now); value != nil {
				g.Rows = append(g.Rows, v.setting(s, prefix, value, s.Value(wanted)))
			}
		}
		if len(g.Rows) > 0 {
			view.Groups = append(view.Groups, g)
		}
	}
	group("", "", fleet.Settings(), state.Settings, wanted)
	for _, one := range state.Cameras {
		name := one.Name
		if name == "" {
			name = one.ID
		}
		group(name, one.ID+".", fleet.CameraSettings(), fleet.Camera(state.Settings, one.ID), fleet.Camera(wanted, one.ID))
	}
	return view, len(view.Groups) > 0
}

func (v *voice) setting(s fleet.Setting, prefix string, now, wanted any) settingRow {
	row := settingRow{ID: prefix + s.Key, Label: v.Say("hub.fleet.set." + s.Key), InForce: v.settingValue(s, now), Number: s.Number()}
	shown := now
	if wanted != nil && wanted != now {
		row.Wanted, shown = v.settingValue(s, wanted), wanted
	}
	plain := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
	row.Value = settingText(shown)
	if s.Number() {
		row.Min, row.Max, row.Step = plain(s.Min), plain(s.Max), plain(s.Step)
		return row
	}
	values := []any{true, false}
	if s.Choices != nil {
		values = nil
		for _, name := range s.Choices {
			values = append(values, name)
		}
	}
	for _, value := range values {
		row.Choices = append(row.Choices, choice{settingText(value), v.settingValue(s, value), value == shown})
	}
	return row
}

// settingText is a value as a form has it.
func settingText(value any) string {
	switch value := value.(type) {
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(value)
	case string:
		return value
	}
	return ""
}

// settingValue is a value in words.
func (v *voice) settingValue(s fleet.Setting, value any) string {
	if n, ok := value.(float64); ok {
		if s.Step < 1 {
			return v.Decimal(n, 1)
		}
		return v.Whole(int(n))
	}
	text := settingText(value)
	return v.sayOr("hub.fleet.set."+s.Key+"."+text, text)
}

// settingOf reads what a form says of a setting, nil where it says nothing that
// could be one.
func settingOf(s fleet.Setting, typed string) any {
	switch {
	case s.Number():
		n, err := strconv.ParseFloat(typed, 64)
		if err != nil {
			return nil
		}
		return n
	case s.Choices != nil:
		return typed
	}
	return typed == "true"
}

// wish reads the form: what is other than what the board has. Where a farmer
// changed something else meanwhile, that stays.
func wish(c *gin.Context, b fleet.Board) map[string]any {
	state, _ := b.Reported()
	wanted := map[string]any{}
	take := func(known []fleet.Setting, prefix string, now, into map[string]any) {
		for _, s := range known {
			typed, sent := c.GetPostForm(prefix + s.Key)
			if had := s.Value(now); sent && had != nil {
				if value := settingOf(s, typed); value != had {
					s.Put(into, value)
				}
			}
		}
	}
	take(fleet.Settings(), "", state.Settings, wanted)
	var cameras []any
	for _, one := range state.Cameras {
		camera := map[string]any{}
		take(fleet.CameraSettings(), one.ID+".", fleet.Camera(state.Settings, one.ID), camera)
		if len(camera) > 0 {
			camera["id"] = one.ID
			cameras = append(cameras, camera)
		}
	}
	if cameras != nil {
		wanted["cameras"] = cameras
	}
	return wanted
}

func (f *Fleet) desire(c *gin.Context) {
	b, ok := f.board(c)
	if !ok {
		return
	}
	who, _ := api.Who(c)
	_, err := f.Fleet.Desire(c.Request.Context(), who.Name, b.Device, wish(c, b))
	if errors.Is(err, fleet.ErrSettings) {
		f.showBoard(c, http.StatusUnprocessableEntity, f.Console.voice(c).Say("hub.fleet.set_fault"))
		return
	}
	f.done(c, b.Device, err, "hub.fleet.set_sent", "name", b.Name)
}

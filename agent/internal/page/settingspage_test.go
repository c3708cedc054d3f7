package page

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
	"gourdian/internal/vision"
	"gourdian/internal/web"
)

// typed is a form of a board with cameras barn and row as a browser sends it,
// in which some fields of one camera, or of the board where camera is "", hold
// something else.
func typed(camera string, pairs ...string) url.Values {
	form := url.Values{"board_name": {"Patch"}, "language": {"es"}, "keep_pictures_mb": {"500"}, "samples.per_day": {"40"}, "samples.mb_per_day": {"15"}}
	for _, id := range []string{"barn", "row"} {
		form.Set("camera."+id+".name", "Camera "+id)
		form.Set("camera."+id+".frames_per_second", "2.5")
		form.Set("camera."+id+".sensitivity", "high")
	}
	form.Set("camera.row.night_pause", "on")
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i]
		if camera != "" {
			name = "camera." + camera + "." + name
		}
		form.Set(name, pairs[i+1])
	}
	return form
}

func (r *rig) sendSettings(form url.Values, cookie *http.Cookie) (status int, text, location string) {
	r.t.Helper()
	w := r.do(request{method: http.MethodPost, target: "/settings", form: form, cookie: cookie})
	return w.Code, w.Body.String(), w.Header().Get("Location")
}

func TestSettingsAreTakenAsTyped(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	form := typed("barn",
		"zone.0.id", "new", "zone.0.x", "12,5", "zone.0.y", "0", "zone.0.side", "33.33",
		"zone.1.id", "gone", "zone.1.x", "1", "zone.1.y", "1", "zone.1.side", "50", "zone.1.remove", "on",
		"zone.2.id", "", "zone.2.x", "", "zone.2.y", "", "zone.2.side", " ")
	if status, text, location := r.sendSettings(form, r.signIn()); status != http.StatusSeeOther || location != "/settings?saved=1" {
		t.Fatalf("%d: %s", status, text)
	}
	want := settings.Settings{BoardName: "Patch", Language: "es", KeepPicturesMB: 500, Samples: settings.Samples{PerDay: 40, MBPerDay: 15}, Cameras: []settings.Camera{
		{ID: "barn", Name: "Camera barn", FramesPerSecond: 2.5, Sensitivity: "high", Zones: []vision.Zone{{ID: "new", X: 1250, Side: 3333}}},
		{ID: "row", Name: "Camera row", FramesPerSecond: 2.5, Sensitivity: "high", NightPause: true, Zones: []vision.Zone{}},
	}}
	if got := r.control.applied; len(got) != 1 || fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestSettingsSurviveLookingAndSaving sends back what the page shows: nothing
// changes.
func TestSettingsSurviveLookingAndSaving(t *testing.T) {
	t.Parallel()
	s := settings.Default([]settings.Camera{{ID: "a", FramesPerSecond: 0.2, Zones: []vision.Zone{{ID: "z", X: 1, Y: 9999, Side: 3333}}}, {ID: "b", NightPause: true}})
	for _, lang := range web.Languages() {
		form := formOf(catalogue(t).In(lang), s)
		if got, problems := form.settings(); len(problems) > 0 || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", s) {
			t.Errorf("%s: %+v %v, want %+v", lang, got, problems, s)
		}
	}
}

func TestRefusedSettingsSayWhyAndLoseNothing(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	in := r.signIn()
	for name, c := range map[string]struct {
		camera, field, value string
		words                string
	}{
		"name left empty":         {"", "board_name", "  ", "Write 1 to 40 characters."},
		"name too long":           {"barn", "name", strings.Repeat("ñ", 41), "Write 1 to 40 characters."},
		"name not printable":      {"barn", "name", "a\x00b", "can be printed"},
		"quota of letters":        {"", "keep_pictures_mb", "lots", "Write a number from 50 to 1,000,000."},
		"quota too small":         {"", "keep_pictures_mb", "49", "Write a number from 50 to 1,000,000."},
		"quota beyond all":        {"", "keep_pictures_mb", "1e300", "Write a number from 50 to 1,000,000."},
		"photos of none":          {"", "samples.per_day", "0", "Write a number from 1 to 10,000."},
		"megabytes beyond all":    {"", "samples.mb_per_day", "10001", "Write a number from 1 to 10,000."},
		"rate not a number":       {"barn", "frames_per_second", "NaN", "Write a number from 0.2 to 30."},
		"rate too high":           {"barn", "frames_per_second", "31", "Write a number from 0.2 to 30."},
		"language unknown":        {"", "language", "xx", "Choose one of the answers."},
		"sensitivity unknown":     {"barn", "sensitivity", "<b>", "Choose one of the answers."},
		"zone without a name":     {"barn", "zone.0.x", "7", "letters without accents"},
		"zone's name with spaces": {"barn", "zone.0.id", "left side", "letters without accents"},
		"zone's side too small":   {"barn", "zone.0.side", "4.99", "Write a number from 5 to 100."},
		"zone outside":            {"barn", "zone.0.y", "-0.01", "Write a number from 0 to 100."},
	} {
		form := typed(c.camera, c.field, c.value)
		status, text, _ := r.sendSettings(form, in)
		if status != http.StatusUnprocessableEntity || !strings.Contains(text, c.words) || !strings.Contains(text, "Nothing was saved") {
			t.Errorf("%s: %d, without %q", name, status, c.words)
		}
		if want := `value="Camera row"`; !strings.Contains(text, want) {
			t.Errorf("%s: %s is lost", name, want)
		}
		if strings.Contains(text, "<b>") {
			t.Errorf("%s: what was typed came back as markup", name)
		}
	}
	if n := len(r.control.applied); n > 0 {
		t.Errorf("%d of them were put in force", n)
	}
}

func TestTooManyZonesAreRefusedNotLost(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	form := typed("")
	for n := range settings.MaxZones + 1 {
		for field, value := range map[string]string{"id": fmt.Sprintf("z%d", n), "x": "0", "y": "0", "side": "20"} {
			form.Set(fmt.Sprintf("camera.barn.zone.%d.%s", n, field), value)
		}
	}
	status, text, _ := r.sendSettings(form, r.signIn())
	if status != http.StatusUnprocessableEntity || !strings.Contains(text, "at most 16 zones") || !strings.Contains(text, `value="z16"`) {
		t.Errorf("%d", status)
	}
}

func TestTwoZonesOfOneName(t *testing.T) {
	t.Parallel()
	form := settingsForm{BoardName: "b", Language: "en", Keep: "100", PerDay: "1", MBPerDay: "1", Cameras: []cameraForm{{
		ID: "a", Name: "a", FPS: "1", Sensitivity: "low", Zones: []zoneForm{{"z", "0", "0", "50"}, {"z", "50", "0", "50"}},
	}}}
	_, problems := form.settings()
	if len(problems) != 1 || problems[0].Path != "cameras[0].zones[1].id" || problems[0].Code != settings.CodeTwice {
		t.Errorf("%v", problems)
	}
}

func TestVisitorMayLookAtSettingsAndNotChangeThem(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	text := r.get("/settings").Body.String()
	if strings.Contains(text, `<button class="main"`) || strings.Count(text, " disabled") < 9 {
		t.Error("a visitor is offered to change something")
	}
	if status, _, location := r.sendSettings(typed(""), nil); status != http.StatusSeeOther || location != "/pin?next=/settings" {
		t.Errorf("without a PIN chosen: %d %s", status, location)
	}
	r.signIn()
	if status, _, _ := r.sendSettings(typed(""), nil); status != http.StatusForbidden {
		t.Errorf("without a session: %d", status)
	}
	if n := len(r.control.applied); n > 0 {
		t.Errorf("%d changes by a visitor", n)
	}
}

// TestSessionThatEndedLosesNoTyping is about a farmer who was called away: the
// form asks for the PIN and keeps what stands in it.
func TestSessionThatEndedLosesNoTyping(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	r.signIn()
	form := typed("barn", "name", "Half typed")
	status, text, _ := r.sendSettings(form, nil)
	if status != http.StatusForbidden || !strings.Contains(text, `value="Half typed"`) || !strings.Contains(text, `name="pin"`) || strings.Contains(text, " disabled") {
		t.Fatalf("%d: %s", status, text)
	}
	form.Set("pin", "1111")
	if status, text, _ = r.sendSettings(form, nil); status != http.StatusForbidden || !strings.Contains(text, "That is not the PIN.") || !strings.Contains(text, `value="Half typed"`) {
		t.Errorf("a wrong PIN: %d", status)
	}
	if n := len(r.control.applied); n > 0 {
		t.Error("a wrong PIN changed settings")
	}
}

func TestRightPINWithTheFormSavesIt(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	r.signIn()
	form := typed("barn", "name", "Half typed")
	form.Set("pin", "2468")
	w := r.do(request{method: http.MethodPost, target: "/settings", form: form})
	if w.Code != http.StatusSeeOther || len(r.control.applied) != 1 || r.control.applied[0].Cameras[0].Name != "Half typed" {
		t.Errorf("%d, %d applied", w.Code, len(r.control.applied))
	}
	if cookies := w.Result().Cookies(); len(cookies) != 1 || cookies[0].Name != sessionCookie {
		t.Errorf("%v", cookies)
	}
}

func TestSettingsThatCannotBeKept(t *testing.T) {
	t.Parallel()
	for words, fault := range map[string]error{
		"could not keep it": errors.New("disk on fire"),
		"has no room":       fmt.Errorf("save: %w", store.ErrFull),
		"needs a change":    settings.Problems{{Path: "cameras[0].name", Code: settings.CodeLength, Min: 1, Max: 40}},
	} {
		r := fullRig(t)
		r.control.fault = fault
		status, text, _ := r.sendSettings(typed("barn", "name", "Kept in the form"), r.signIn())
		if status < 400 || !strings.Contains(text, words) || !strings.Contains(text, `value="Kept in the form"`) || strings.Contains(text, "on fire") {
			t.Errorf("%v: %d", fault, status)
		}
	}
}

func TestFloodOfAFormIsRefused(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	form := typed("barn", "name", strings.Repeat("x", maxBodyBytes))
	if status, text, _ := r.sendSettings(form, r.signIn()); status != http.StatusRequestEntityTooLarge || !strings.Contains(text, "more than the board takes") {
		t.Errorf("%d", status)
	}
}

func FuzzReadForm(f *testing.F) {
	f.Add("board_name=a&camera.a.zone.0.id=z&camera.a.zone.0.x=1e9&camera.a.frames_per_second=%00")
	f.Add("camera.a.zone.31.side=-Inf&camera.a.zone.31.id=%ff")
	f.Fuzz(func(t *testing.T, body string) {
		values, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		form := readForm(values, settings.Default([]settings.Camera{{ID: "a"}}))
		s, problems := form.settings()
		if (s.Validate() == nil) != (len(problems) == 0) && !slices.ContainsFunc(problems, func(p settings.Problem) bool { return p.Code == settings.CodeRange }) {
			t.Errorf("%+v: %v", s, problems)
		}
	})
}

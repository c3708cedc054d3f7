package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/setting"
	"gourdian/internal/web"
)

// Settings is the page on which an admin changes what may change while the hub
// runs.
type Settings struct {
	Console  *Console
	Settings *setting.Store
	// Test sends a message to a webhook, so that a person sees whether it arrives.
	Test func(ctx context.Context, webhook string) error
}

// webhookKey is the setting that can be tried out.
const webhookKey = "alerts.webhook"

// Section is the page with its addresses.
func (s *Settings) Section() Section {
	const path, form = "/settings", 16 << 10
	return Section{Name: "settings", Path: path, Least: people.Admin, Routes: []api.Route{
		{Method: http.MethodGet, Path: path, Least: people.Admin, Handler: s.serve},
		{Method: http.MethodPost, Path: path, Least: people.Admin, Limit: form, Handler: s.change},
		{Method: http.MethodPost, Path: path + "/undo", Least: people.Admin, Limit: form, Handler: s.undo},
		{Method: http.MethodPost, Path: path + "/test-alert", Least: people.Admin, Limit: form, PerMinute: 10, Handler: s.test},
	}}
}

type hubSettingsView struct {
	Groups []hubSettingGroup
	Last   *lastView
	Fault  string
}

type hubSettingGroup struct {
	Name, Title string
	Fields      []hubSettingView
	Free        bool // something of it can be changed
	Test        bool // it has something to try out
}

type hubSettingView struct {
	setting.Field

	ID, Label, Why, Bounds string
	Value                  string // as it is, or as it was typed
	Shown                  string // of a secret
	Mark                   string // of the value in force
	Options                []choice
	Fixed, OnPage          bool
	Default                string // in words
	Fault                  string
}

// lastView is the newest change, which can be taken back.
type lastView struct {
	Seq   int64
	Who   string
	When  web.Moment
	Edits []string
}

func (s *Settings) serve(c *gin.Context) { s.show(c, http.StatusOK, "", nil) }

// show is the page. typed, where it is not nil, is what a refused form held, and
// fault which of it can't be.
func (s *Settings) show(c *gin.Context, status int, said string, fault *setting.Fault) {
	v, now := s.Console.voice(c), s.Settings.Now()
	view := hubSettingsView{Fault: said}
	for _, name := range setting.Groups() {
		group := hubSettingGroup{Name: name, Title: v.Say("hub.settings." + name), Test: name == "alerts"}
		for _, f := range setting.Fields() {
			if f.Group != name {
				continue
			}
			one := s.field(v, f, &now)
			if fault != nil {
				if typed, there := c.GetPostForm(f.Key); there && f.Kind != setting.Secret {
					one.Value = typed
				}
				if fault.Key == f.Key {
					one.Fault = v.settingFault(fault, &one)
				}
			}
			group.Free = group.Free || !one.Fixed
			group.Fields = append(group.Fields, one)
		}
		view.Groups = append(view.Groups, group)
	}
	last, ok, err := s.Settings.Last(c.Request.Context())
	if err != nil {
		s.Console.fail(c, err)
		return
	}
	if ok {
		view.Last = &lastView{Seq: last.Seq, Who: last.By, When: v.ago(last.At)}
		for _, e := range last.Edits {
			view.Last.Edits = append(view.Last.Edits, s.edit(v, e))
		}
	}
	s.Console.show(c, status, page{Name: "settings", Nav: "settings", Title: v.Say("hub.nav.settings"), Body: view})
}

func (s *Settings) field(v *voice, f setting.Field, now *setting.Values) hubSettingView {
	value := f.Get(now)
	one := hubSettingView{
		Field: f, ID: strings.ReplaceAll(f.Key, ".", "-"), Label: v.Say("hub.setting." + f.Key), Why: v.Say("hub.setting." + f.Key + ".why"),
		Value: value, Mark: setting.Mark(value), Fixed: s.Settings.Fixed(f.Key), OnPage: s.Settings.OnPage(f.Key),
		Default: v.settingWord(f, s.Settings.Default(f)),
	}
	switch f.Kind {
	case setting.Secret:
		one.Value, one.Shown = "", f.Shown(value)
	case setting.Whole:
		one.Bounds = v.Say("hub.settings.whole", "least", v.Whole(int(f.Least)), "most", v.Whole(int(f.Most)))
	case setting.Number:
		one.Bounds = v.Say("hub.settings.number", "least", v.Decimal(f.Least, 2), "most", v.Whole(int(f.Most)))
	case setting.Choice:
		for _, name := range f.Choices {
			one.Options = append(one.Options, choice{name, v.settingWord(f, name), name == value})
		}
	case setting.Text:
		one.Bounds = v.Say("hub.settings.text", "most", int(f.Most))
	}
	return one
}

// settingWord says a value.
func (v *voice) settingWord(f setting.Field, value string) string {
	if value == "" {
		return v.sayOr("hub.setting."+f.Key+".none", v.Say("hub.detail.none"))
	}
	return v.sayOr("hub.setting."+f.Key+"."+value, f.Shown(value))
}

// edit says what became of one setting.
func (s *Settings) edit(v *voice, e setting.Edit) string {
	for _, f := range setting.Fields() {
		if f.Key != e.Key {
			continue
		}
		word := func(value *string) string {
			if value == nil {
				return v.settingWord(f, s.Settings.Default(f))
			}
			return v.settingWord(f, *value)
		}
		return v.Say("hub.setting."+f.Key) + ": " + word(e.Before) + " → " + word(e.After)
	}
	return e.Key
}

// settingFault says why a wish can't be.
func (v *voice) settingFault(f *setting.Fault, one *hubSettingView) string {
	switch {
	case errors.Is(f, setting.ErrFixed):
		return v.Say("hub.settings.fixed")
	case errors.Is(f, setting.ErrChanged):
		return v.Say("hub.settings.changed")
	case one.Bounds != "":
		return v.sayOr("hub.setting."+one.Key+".fault", one.Bounds)
	}
	return v.sayOr("hub.setting."+one.Key+".fault", v.Say("hub.settings.value_fault"))
}

// wishes are those of the form: of each field that it shows, and of one that
// shall be as if nothing was said here.
func wishes(c *gin.Context) []setting.Wish {
	var all []setting.Wish
	reset := c.PostForm("reset")
	for _, f := range setting.Fields() {
		w := setting.Wish{Key: f.Key, Seen: c.PostForm("seen." + f.Key)}
		if reset != "" { // one button, which saves nothing else
			if reset == f.Key {
				all = append(all, w)
			}
			continue
		}
		typed, there := c.GetPostForm(f.Key)
		typed = strings.TrimSpace(typed)
		if f.Kind == setting.Secret {
			switch {
			case c.PostForm("clear."+f.Key) == "yes":
				typed = ""
			case typed == "":
				there = false // it stays
			}
		}
		if there {
			w.Value = &typed
			all = append(all, w)
		}
	}
	return all
}

func (s *Settings) change(c *gin.Context) {
	who, _ := api.Who(c)
	made, err := s.Settings.Change(c.Request.Context(), who.Name, wishes(c))
	var fault *setting.Fault
	switch {
	case errors.As(err, &fault):
		status := http.StatusUnprocessableEntity
		if errors.Is(fault, setting.ErrChanged) {
			status = http.StatusConflict
		}
		s.show(c, status, s.Console.voice(c).Say("hub.settings.not_saved"), fault)
		return
	case err != nil:
		s.Console.fail(c, err)
		return
	case len(made.Edits) == 0:
		s.Console.flash(c, "hub.settings.nothing_new")
	default:
		s.Console.flash(c, "hub.settings.saved")
	}
	c.Redirect(http.StatusSeeOther, "/settings")
}

func (s *Settings) undo(c *gin.Context) {
	who, _ := api.Who(c)
	seq, err := strconv.ParseInt(c.PostForm("seq"), 10, 64)
	if err == nil {
		_, err = s.Settings.Undo(c.Request.Context(), who.Name, seq)
	}
	switch {
	case err == nil:
		s.Console.flash(c, "hub.settings.undone")
	case errors.Is(err, setting.ErrNothing), errors.Is(err, setting.ErrChanged), errors.Is(err, strconv.ErrSyntax):
		s.Console.flash(c, "hub.settings.changed")
	default:
		s.Console.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/settings")
}

// test sends a message to the address that was typed, else to the one in force.
func (s *Settings) test(c *gin.Context) {
	v, now := s.Console.voice(c), s.Settings.Now()
	address := strings.TrimSpace(c.PostForm(webhookKey))
	if s.Settings.Fixed(webhookKey) || address == "" {
		address = now.Alerts.Webhook
	}
	fields := setting.Fields()
	at := slices.IndexFunc(fields, func(f setting.Field) bool { return f.Key == webhookKey })
	if err := fields[at].Check(address); err != nil || address == "" {
		s.show(c, http.StatusUnprocessableEntity, v.Say("hub.settings.test_none"), nil)
		return
	}
	if err := s.Test(c.Request.Context(), address); err != nil {
		s.Console.opts.Log.Warn("a test alert was not taken", "to", setting.Hide(address), "error", err)
		s.show(c, http.StatusBadGateway, v.Say("hub.settings.test_failed", "address", setting.Hide(address), "error", plainError(err)), nil)
		return
	}
	s.Console.flash(c, "hub.settings.test_sent", "address", setting.Hide(address))
	c.Redirect(http.StatusSeeOther, "/settings")
}

// plainError is the reason of an error without the address that it names, which
// is a secret.
func plainError(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}

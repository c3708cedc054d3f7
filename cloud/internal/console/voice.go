package console

import (
	"html/template"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/health"
	"gourdian/internal/web"
)

// voice speaks one language, and holds every page in it.
type voice struct {
	*web.Speaker
	location func() *time.Location
	pages    map[string]*template.Template // by file name without ".html"
}

// newVoice parses every page with the words of one language.
func newVoice(speaker *web.Speaker, assets *web.Assets, location func() *time.Location) (*voice, error) {
	v := &voice{Speaker: speaker, location: location}
	var err error
	v.pages, err = web.ParsePages(templateFiles, template.FuncMap{
		"say": speaker.Say, "count": speaker.Count, "whole": speaker.Whole, "bytes": speaker.Bytes,
		"asset": assets.Address, "ago": v.ago,
	})
	return v, err
}

// ago says how long ago something was, exact on hover.
func (v *voice) ago(t time.Time) web.Moment {
	if t.IsZero() {
		return web.Moment{}
	}
	return v.Moment(t.In(v.location()), time.Now())
}

// sayOr says a key that the catalogue may lack, and else what stands for it.
func (v *voice) sayOr(key, other string) string {
	if v.Has(key) {
		return v.Say(key)
	}
	return other
}

// voice speaks the language of a reader.
func (k *Console) voice(c *gin.Context) *voice {
	kept, _ := c.Cookie(cookieLanguage)
	return k.voices[web.Choose(kept, c.GetHeader("Accept-Language"), "")]
}

// problem is a condition in words.
type problem struct {
	Level string // "note", "warning", "serious": a class and a drawing
	Text  string
	Do    string
	Path  string // of a page that says more, "" = none
	Since web.Moment
}

func (v *voice) problem(one health.Condition) problem {
	var args []any
	for name, value := range one.Args {
		args = append(args, name, value)
	}
	p := problem{Level: one.Severity.String(), Since: v.ago(one.Since)}
	key := "hub.health." + one.Code
	if !v.Has(key) {
		p.Text = v.Say("hub.health.unknown", "code", one.Code, "subject", one.Subject)
		return p
	}
	p.Text = v.Say(key, args...)
	if v.Has(key + ".do") {
		p.Do = v.Say(key+".do", args...)
	}
	if one.Args["alarm"] != "" {
		p.Path = "/health/alarms/" + one.Args["alarm"]
	}
	return p
}

const (
	cookieLanguage = "gourdian_language"
	cookieTheme    = "gourdian_theme"
	cookieAge      = 365 * 24 * 60 * 60
)

func themes() []string { return []string{"auto", "light", "dark"} }

func themeOf(c *gin.Context) string {
	kept, _ := c.Cookie(cookieTheme)
	for _, theme := range themes() {
		if kept == theme {
			return theme
		}
	}
	return "auto"
}

func (k *Console) takeLanguage(c *gin.Context) {
	k.remember(c, cookieLanguage, c.PostForm("language"))
}

func (k *Console) takeTheme(c *gin.Context) { k.remember(c, cookieTheme, c.PostForm("theme")) }

// remember keeps a choice in the browser. Whatever else it sends there counts
// as no choice when it is read.
func (k *Console) remember(c *gin.Context, name, value string) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: cookieAge, HttpOnly: true,
		Secure: c.Request.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	c.Redirect(http.StatusSeeOther, api.LocalPath(c.PostForm("next")))
}

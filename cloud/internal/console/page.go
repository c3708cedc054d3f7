package console

import (
	"bytes"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/internal/web"
)

// page is one page for people.
type page struct {
	Name    string // of its template
	Nav     string // the section that it belongs to, "" = none
	Title   string
	Scripts []string // assets beside htmx
	Styles  []string // assets beside the two style sheets
	Live    bool     // parts of it change by themselves
	Body    any
}

// frameView is what stands around every page.
type frameView struct {
	page
	Lang      string
	Theme     string // "light", "dark" or "auto"
	Path      string // of this page, to come back to
	Version   string
	Hub       string // what people call it
	Who       string // "" = nobody is logged in
	Menu      []menuEntry
	Said      string // flash
	Missing   bool   // the assets for live updates are not there
	Languages []choice
	Themes    []choice
}

type menuEntry struct {
	Path, Label string
	Here        bool
}

// choice is one answer of several.
type choice struct {
	Value, Label string
	Chosen       bool
}

// show answers with a page. It is rendered as a whole first: half a page must
// not look like a whole one.
func (k *Console) show(c *gin.Context, status int, p page) {
	v := k.voice(c)
	view := frameView{
		page: p, Lang: string(v.Lang()), Theme: themeOf(c), Path: c.Request.URL.RequestURI(),
		Version: k.opts.Version, Hub: k.opts.Name(), Missing: len(k.assets.Missing()) > 0,
	}
	if c.Request.Method != http.MethodGet { // a refused form is no address to come back to
		view.Path = api.ComingFrom(c.Request)
	}
	if who, ok := api.Who(c); ok {
		view.Who = who.Name
		view.Said = k.opts.Sessions.TakeFlash(c.Request.Context())
		for _, s := range k.sections {
			if s.Path != "" && who.Role.Allows(s.Least) {
				view.Menu = append(view.Menu, menuEntry{s.Path, v.Say("hub.nav." + s.Name), s.Name == p.Nav})
			}
		}
	}
	for _, lang := range web.Languages() {
		view.Languages = append(view.Languages, choice{string(lang), v.Say("language." + string(lang)), lang == v.Lang()})
	}
	for _, theme := range themes() {
		view.Themes = append(view.Themes, choice{theme, v.Say("footer.theme_" + theme), theme == view.Theme})
	}
	k.render(c, status, v, p.Name, "frame.html", view)
}

// showPart answers with one named template of a page, for a page that asks
// again by itself.
func (k *Console) showPart(c *gin.Context, name, part string, body any) {
	k.render(c, http.StatusOK, k.voice(c), name, part, body)
}

func (k *Console) render(c *gin.Context, status int, v *voice, name, part string, view any) {
	var out bytes.Buffer
	if err := v.pages[name].ExecuteTemplate(&out, part, view); err != nil {
		k.opts.Log.Error("a page can't be shown", "page", name, "error", err)
		c.String(http.StatusInternalServerError, v.Say("hub.error.internal"))
		return
	}
	html := web.Zip(c.Request, c.Writer.Header(), out.Bytes())
	c.Header("Vary", "Accept-Encoding, Accept-Language")
	c.Data(status, "text/html; charset=utf-8", html)
}

// ShowError answers with a page that says in words what is wrong; the words of
// code are "hub.error.<code>" and, for what to do, ".do". It is api's ShowError.
func (k *Console) ShowError(c *gin.Context, status int, code string) {
	v := k.voice(c)
	if !v.Has("hub.error." + code) {
		code = "internal"
	}
	if c.GetHeader("HX-Request") == "true" { // a part of a page has no room for a page
		c.String(status, v.Say("hub.error."+code))
		return
	}
	title := v.Say("hub.error." + code)
	k.show(c, status, page{Name: "error", Title: title, Body: errorView{title, v.Say("hub.error." + code + ".do")}})
}

// fail logs what the reader can do nothing about and shows that it happened.
func (k *Console) fail(c *gin.Context, err error) {
	k.opts.Log.Error("a page failed", "path", c.FullPath(), "error", err)
	k.ShowError(c, http.StatusInternalServerError, "internal")
}

// errorView says what is wrong and what to do.
type errorView struct{ Title, Do string }

// flash keeps a sentence for the next page of this browser.
func (k *Console) flash(c *gin.Context, key string, args ...any) {
	k.opts.Sessions.Flash(c.Request.Context(), k.voice(c).Say(key, args...))
}

// question is asked before something dangerous is done.
type question struct {
	Nav    string
	Title  string   // names the thing: "Disable Ana?"
	Facts  []string // what it will touch, how many
	Undo   string   // how to take it back, or that nothing can
	Button string   // says what it does, with the name
	Back   string   // path for those who would rather not
}

// ask reports whether the reader has confirmed; else it has asked, and the
// handler is done. What the form held is sent again with the answer.
func (k *Console) ask(c *gin.Context, q question) (confirmed bool) {
	if c.PostForm("confirmed") == "yes" {
		return true
	}
	view := askView{question: q, Action: c.Request.URL.Path}
	for name, values := range c.Request.PostForm {
		for _, value := range values {
			view.Fields = append(view.Fields, choice{Value: value, Label: name})
		}
	}
	k.show(c, http.StatusOK, page{Name: "ask", Nav: q.Nav, Title: q.Title, Body: view})
	return false
}

type askView struct {
	question
	Action string
	Fields []choice // of the form, name and value
}

// pager leads through a list by key.
type pager struct {
	First string // address of the newest, "" = this is it
	Older string // address of the next page, "" = there is none
}

// pagesBy returns the pager of a list: key is of the last entry shown, more
// tells whether others follow. Filters in the address are kept.
func pagesBy(c *gin.Context, key string, more bool) pager {
	return pagesAt(c, c.Request.URL.Path, key, more)
}

// pagesAt is pagesBy for a list that may be a part of its page, which has
// another address.
func pagesAt(c *gin.Context, path, key string, more bool) pager {
	var p pager
	query := c.Request.URL.Query()
	query.Del("batch")
	if query.Has("before") {
		query.Del("before")
		p.First = path + "?" + query.Encode()
	}
	if more {
		query.Set("before", key)
		p.Older = path + "?" + query.Encode()
	}
	return p
}

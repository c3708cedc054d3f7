package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/internal/web"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/*.js
var assetFiles embed.FS

// pages holds what the pages for people are made of. It does not change after
// newPages, but for what lately remembers.
type pages struct {
	assets *web.Assets
	voices map[web.Lang]*voice
	lately *lately
}

// voice speaks one language, and holds every page in it.
type voice struct {
	*web.Speaker
	pages map[string]*template.Template // by file name without ".html"
}

func newPages(opts Options) (*pages, error) {
	own, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		return nil, fmt.Errorf("open assets: %w", err)
	}
	assets, err := web.NewAssets(own)
	if err != nil {
		return nil, err
	}
	catalogue, err := web.Load()
	if err != nil {
		return nil, err
	}
	p := &pages{assets: assets, voices: map[web.Lang]*voice{}, lately: newLately(opts.History, opts.Log)}
	for _, lang := range web.Languages() {
		if p.voices[lang], err = newVoice(catalogue.In(lang), assets); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// newVoice parses every page with the words of one language.
func newVoice(speaker *web.Speaker, assets *web.Assets) (*voice, error) {
	pages, err := web.ParsePages(templateFiles, template.FuncMap{
		"say": speaker.Say, "count": speaker.Count, "whole": speaker.Whole, "asset": assets.Address,
	})
	return &voice{Speaker: speaker, pages: pages}, err
}

// registerPages adds the pages for people and their assets.
func (s *Server) registerPages(r *gin.Engine) {
	r.GET("/", s.serveNow)
	r.GET("/history", s.serveHistory)
	r.GET("/history/:date", s.serveHistoryDay)
	r.GET("/sightings/:seq", s.serveSighting)
	r.POST("/sightings/:seq/correct", s.requirePIN(), s.takeCorrection)
	r.POST("/sightings/:seq/undo", s.requirePIN(), s.undoCorrection)
	r.GET("/settings", s.serveSettings)
	r.POST("/settings", s.takeSettings)
	r.GET("/health", s.serveHealthPage)
	r.POST("/language", s.takeLanguage)
	r.POST("/theme", s.takeTheme)
	r.GET(web.AssetPrefix+"*name", gin.WrapH(s.pages.assets))
}

// pageView is one page for people.
type pageView struct {
	Name    string // of its template
	Nav     string // the entry of the menu that it belongs to, "" = none
	Title   string
	Scripts []string // assets beside those of every page
	Events  string   // address of its event stream, "" = it does not change by itself
	Refresh int      // seconds after which a page without JavaScript looks again, 0 = never
	Body    any
}

// frameView is what stands around every page.
type frameView struct {
	pageView
	Lang      string
	Theme     string // "light", "dark" or "auto"
	Board     string // what the farmer calls it
	Path      string // of this page, to come back to
	Version   string
	SignedIn  bool
	Missing   bool // the assets for live updates are not there
	Languages []choice
	Themes    []choice
}

// choice is one answer of several.
type choice struct {
	Value, Label string
	Chosen       bool
}

// show answers with a page. It is rendered as a whole first: half a page must
// not look like a whole one.
func (s *Server) show(c *gin.Context, status int, p pageView) {
	v := s.voice(c)
	state := s.opts.Board.State()
	view := frameView{
		pageView: p, Lang: string(v.Lang()), Theme: themeOf(c), Board: state.Settings.BoardName,
		Path: c.Request.URL.RequestURI(), Version: s.opts.Version, SignedIn: s.signedIn(c),
		Missing: len(s.missingAssets()) > 0,
	}
	if c.Request.Method != http.MethodGet { // a refused form is no address to come back to
		view.Path = comingFrom(c.Request)
	}
	for _, lang := range web.Languages() {
		view.Languages = append(view.Languages, choice{string(lang), v.Say("language." + string(lang)), lang == v.Lang()})
	}
	for _, theme := range themes() {
		view.Themes = append(view.Themes, choice{theme, v.Say("footer.theme_" + theme), theme == view.Theme})
	}
	var out bytes.Buffer
	if err := v.pages[p.Name].ExecuteTemplate(&out, "frame.html", view); err != nil {
		s.log.Error("a page can't be shown", "page", p.Name, "error", err)
		c.String(http.StatusInternalServerError, v.Say("error.internal"))
		return
	}
	s.sendPage(c, status, out.Bytes())
}

// sendPage sends HTML, zipped where the reader can read it so: the settings of
// many zones are long and alike.
func (s *Server) sendPage(c *gin.Context, status int, html []byte) {
	html = web.Zip(c.Request, c.Writer.Header(), html)
	c.Header("Vary", "Accept-Encoding")
	c.Data(status, "text/html; charset=utf-8", html)
}

// part renders one named part of a page.
func (v *voice) part(page, name string, view any) ([]byte, error) {
	var out bytes.Buffer
	if err := v.pages[page].ExecuteTemplate(&out, name, view); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// showError answers with a page that says in words what is wrong; code is a key
// of the catalogue ("error.<code>").
func (s *Server) showError(c *gin.Context, status int, code string) {
	v := s.voice(c)
	if !v.Has("error." + code) {
		code = "internal"
	}
	s.show(c, status, pageView{Name: "error", Title: v.Say("error." + code), Body: errorView{
		Title: v.Say("error." + code), Do: v.Say("error." + code + ".do"),
	}})
}

// errorView says what is wrong and what to do.
type errorView struct{ Title, Do string }

// voice speaks the language of a reader.
func (s *Server) voice(c *gin.Context) *voice { return s.pages.voices[web.Lang(s.language(c))] }

// missingAssets names the page assets that were not there when the program was
// built.
func (s *Server) missingAssets() []string { return s.pages.assets.Missing() }

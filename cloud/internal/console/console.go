package console

import (
	"cmp"
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/logbook"
	"gourdian/cloud/internal/people"
	"gourdian/internal/web"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Options are what the pages need.
type Options struct {
	People   *people.People
	Sessions *people.Sessions
	Audit    *people.Audit
	Health   *health.Watch
	Book     *logbook.Book
	Version  string
	Name     string // of the hub, for people; "" = gourdian
	Address  string // of the hub as people type it, without a path; "" = as the reader's browser has it
	Config   string // in force, without passwords, as text
	Place    func(ctx context.Context) Place
	Location *time.Location // of times; nil = the machine's
	Log      *slog.Logger
}

// Place is where the hub keeps what it has.
type Place struct {
	Database string // in words of its own: "sqlite", "postgres"
	Folder   string
	Used     int64 // bytes of the disk of Folder
	Size     int64
}

// Section is a part of the console: an entry of the menu with its addresses.
type Section struct {
	Name   string      // "fleet"; the menu says "hub.nav.fleet"
	Path   string      // "" = its pages belong to another one in the menu
	Least  people.Role // who sees it in the menu
	Routes []api.Route
	Steps  []Step
}

// Step is one step of the cycle on the start page. Its words are
// "hub.step.<Name>", ".count" and ".wait" (both with .one and .other).
type Step struct {
	Name  string
	Path  string // where a reader sees what was counted
	Least people.Role
	// Doer is the least role that can do what waits there; "" = nobody needs to.
	Doer  people.Role
	Count func(ctx context.Context) (Count, error)
}

// Count is what a step has now.
type Count struct {
	Done    int // all that went through it
	Waiting int // for somebody to do something
}

// cycle is the order of the steps; sections the order of the menu.
func cycle() []string {
	return []string{"collect", "verify", "label", "features", "train", "registry", "rollout", "predict", "boards", "monitor"}
}

func menu() []string {
	return []string{"fleet", "samples", "labelling", "training", "models", "predict", "rollouts", "health", "people"}
}

// Console is all pages. It does not change once Routes was called.
type Console struct {
	opts     Options
	assets   *web.Assets
	voices   map[web.Lang]*voice
	sections []Section
}

// New reads the templates.
func New(opts Options) (*Console, error) {
	if opts.Location == nil {
		opts.Location = time.Local
	}
	opts.Name = cmp.Or(opts.Name, "gourdian")
	own, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		return nil, err
	}
	assets, err := web.NewAssets(own)
	if err != nil {
		return nil, err
	}
	catalogue, err := web.Load()
	if err != nil {
		return nil, err
	}
	k := &Console{opts: opts, assets: assets, voices: map[web.Lang]*voice{}}
	for _, lang := range web.Languages() {
		if k.voices[lang], err = newVoice(catalogue.In(lang), assets, opts.Location); err != nil {
			return nil, err
		}
	}
	k.Add(k.healthSection())
	k.Add(k.peopleSection())
	return k, nil
}

// Add adds a section, before Routes is called.
func (k *Console) Add(s Section) {
	k.sections = append(k.sections, s)
	order := menu()
	slices.SortStableFunc(k.sections, func(a, b Section) int {
		return cmp.Compare(slices.Index(order, a.Name), slices.Index(order, b.Name))
	})
}

// Missing names the page assets that were not there when the program was built.
func (k *Console) Missing() []string { return k.assets.Missing() }

// Routes returns the addresses of all pages.
func (k *Console) Routes() []api.Route {
	const form = 16 << 10
	routes := []api.Route{
		{Method: http.MethodGet, Path: "/", Least: people.Viewer, Handler: k.serveStart},
		{Method: http.MethodGet, Path: "/parts/start", Least: people.Viewer, Handler: k.serveStartPart},
		{Method: http.MethodGet, Path: "/login", Least: api.Open, Handler: k.serveLogin},
		{Method: http.MethodPost, Path: "/login", Least: api.Open, Limit: form, PerMinute: 20, Handler: k.takeLogin},
		{Method: http.MethodPost, Path: "/logout", Least: api.Open, Limit: form, Handler: k.takeLogout},
		{Method: http.MethodGet, Path: "/link/:secret", Least: api.Open, PerMinute: 30, Handler: k.serveLink},
		{Method: http.MethodPost, Path: "/link/:secret", Least: api.Open, Limit: form, PerMinute: 20, Handler: k.takeLink},
		{Method: http.MethodGet, Path: "/account", Least: people.Viewer, Handler: k.serveAccount},
		{Method: http.MethodPost, Path: "/account/password", Least: people.Viewer, Limit: form, PerMinute: 20, Handler: k.takePassword},
		{Method: http.MethodPost, Path: "/account/tokens", Least: people.Viewer, Limit: form, Handler: k.takeToken},
		{Method: http.MethodPost, Path: "/account/tokens/:id/revoke", Least: people.Viewer, Limit: form, Handler: k.revokeToken},
		{Method: http.MethodPost, Path: "/language", Least: api.Open, Limit: form, Handler: k.takeLanguage},
		{Method: http.MethodPost, Path: "/theme", Least: api.Open, Limit: form, Handler: k.takeTheme},
		{Method: http.MethodGet, Path: web.AssetPrefix + "*name", Least: api.Open, Handler: gin.WrapH(k.assets)},
	}
	for _, s := range k.sections {
		routes = append(routes, s.Routes...)
	}
	return routes
}

package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/deliver"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/ingest"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/rollout"
	"gourdian/internal/web"
)

// Fleet is the pages of the boards.
type Fleet struct {
	Console *Console
	Fleet   *fleet.Fleet
	Records ingest.Reader
	// Erasing is how many pictures a board has still to erase.
	Erasing func(ctx context.Context, device string) (int, error)
	Models  *rollout.Rollouts // nil = boards are given no models
	Bytes   *deliver.Deliver  // of models; nil with Models
}

// Section is the pages with their addresses.
func (f *Fleet) Section() Section {
	now := f.boardPart().routes("/board/:device", func() *Console { return f.Console })
	return Section{Name: "fleet", Path: "/fleet", Least: people.Viewer, Routes: append(now, []api.Route{
		{Method: http.MethodGet, Path: "/fleet", Least: people.Viewer, Handler: f.serveList},
		{Method: http.MethodGet, Path: "/fleet/tokens", Least: people.Admin, Handler: f.serveTokens},
		{Method: http.MethodPost, Path: "/fleet/tokens", Least: people.Admin, Handler: f.makeToken},
		{Method: http.MethodPost, Path: "/fleet/tokens/:id/revoke", Least: people.Admin, Handler: f.revokeToken},
		{Method: http.MethodPost, Path: "/fleet/many/move", Least: people.Operator, Slow: true, Handler: f.moveMany},
		{Method: http.MethodPost, Path: "/fleet/many/revoke", Least: people.Admin, Slow: true, Handler: f.revokeMany},
		{Method: http.MethodPost, Path: "/fleet/many/remove", Least: people.Admin, Slow: true, Handler: f.removeMany},
		{Method: http.MethodGet, Path: "/fleet/board/:device", Least: people.Viewer, Handler: f.serveBoard},
		{Method: http.MethodPost, Path: "/fleet/board/:device/name", Least: people.Operator, Handler: f.rename},
		{Method: http.MethodPost, Path: "/fleet/board/:device/place", Least: people.Operator, Handler: f.move},
		{Method: http.MethodPost, Path: "/fleet/board/:device/settings", Least: people.Operator, Handler: f.desire},
		{Method: http.MethodPost, Path: "/fleet/board/:device/replace", Least: people.Admin, Handler: f.replace},
		{Method: http.MethodPost, Path: "/fleet/board/:device/revoke", Least: people.Admin, Handler: f.revoke},
		{Method: http.MethodPost, Path: "/fleet/board/:device/remove", Least: people.Admin, Handler: f.remove},
	}...), Steps: []Step{{Name: "boards", Path: "/fleet", Least: people.Viewer, Count: f.count}}}
}

// count is of the boards that may connect, and of those that need somebody.
func (f *Fleet) count(ctx context.Context) (Count, error) {
	n, err := f.Fleet.Count(ctx, fleet.Filter{State: fleet.Active})
	if err != nil {
		return Count{}, err
	}
	needs, err := f.Fleet.Attention(ctx)
	return Count{Done: n, Waiting: len(needs.Silent) + len(needs.Failing)}, err
}

type fleetView struct {
	Boards   []boardRow
	Count    int
	Search   string
	Sites    []choice
	Groups   []choice
	Sorts    []choice
	Filtered bool
	Outdated bool // the filter
	Admin    bool
	Operator bool
	Query    string // the filter, to come back to
	Seen     int64  // when the list was read, in microseconds
	Pager    pager
}

// boardRow is a board in the list.
type boardRow struct {
	Device, Name, Site, Group string
	Health                    healthWord
	Unsent                    int
	Seen                      web.Moment
	Outdated                  bool
}

// healthWord is how a board is: word and drawing, never colour alone.
type healthWord struct{ Word, Shape string }

func (v *voice) boardHealth(h fleet.Health) healthWord {
	shape := "note"
	switch h {
	case fleet.Well:
		shape = "well"
	case fleet.Warning, fleet.Silent:
		shape = "warning"
	case fleet.Failing:
		shape = "serious"
	}
	return healthWord{v.Say("hub.fleet.health." + string(h)), shape}
}

func (f *Fleet) serveList(c *gin.Context) {
	k, ctx, v := f.Console, c.Request.Context(), f.Console.voice(c)
	who, _ := api.Who(c)
	filter := fleetFilter(c.Request.URL.Query())
	boards, next, err := f.Fleet.List(ctx, filter)
	view := fleetView{
		Search: filter.Search, Filtered: filter.Search+filter.Site+filter.Group != "" || filter.Outdated, Outdated: filter.Outdated,
		Admin: who.Role.Allows(people.Admin), Operator: who.Role.Allows(people.Operator), Query: listQuery(c), Seen: time.Now().UnixMicro(), Pager: pagesBy(c, next, next != ""),
	}
	if err == nil {
		view.Count, err = f.Fleet.Count(ctx, filter)
	}
	if err == nil {
		view.Sites, view.Groups, err = f.places(ctx, v, filter.Site, filter.Group)
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	for _, one := range []struct {
		by   fleet.Sort
		text string
	}{{fleet.ByName, "name"}, {fleet.BySite, "site"}, {fleet.ByState, "state"}, {fleet.BySeen, "seen"}} {
		view.Sorts = append(view.Sorts, choice{string(one.by), v.Say("hub.fleet." + one.text), one.by == filter.Sort})
	}
	for _, b := range boards {
		view.Boards = append(view.Boards, boardRow{b.Device, b.Name, b.Site, b.Group, v.boardHealth(b.Health()), int(b.Unsent), v.ago(b.SeenAt()), b.Outdated()})
	}
	k.show(c, http.StatusOK, page{Name: "fleet", Nav: "fleet", Title: v.Say("hub.nav.fleet"), Scripts: []string{"many.js"}, Body: view})
}

// places are the choices of site and group, after the one that means all.
func (f *Fleet) places(ctx context.Context, v *voice, site, group string) (sites, groups []choice, err error) {
	all := func(names []string, chosen string) []choice {
		list := []choice{{"", v.Say("hub.fleet.any"), chosen == ""}}
		for _, name := range names {
			list = append(list, choice{name, name, name == chosen})
		}
		return list
	}
	known, err := f.Fleet.Sites(ctx)
	if err != nil {
		return nil, nil, err
	}
	teams, err := f.Fleet.Groups(ctx)
	return all(known, site), all(teams, group), err
}

// Limits and defaults of the form of a token.
const day = 24 * time.Hour

type tokensView struct {
	Tokens []tokenRow
	Fault  string
	Site   string
	Made   *madeToken
}

type tokenRow struct {
	ID, Site, Note, By string
	Open, Rejoin       bool
	Uses, Used         int
	Until              string
}

// madeToken is a token at the one time that its text is shown.
type madeToken struct {
	Secret  *secretView
	Command *secretView
	Path    string // of the QR code
	Size    int
}

func (f *Fleet) serveTokens(c *gin.Context) { f.showTokens(c, http.StatusOK, tokensView{}) }

func (f *Fleet) showTokens(c *gin.Context, status int, view tokensView) {
	k, v := f.Console, f.Console.voice(c)
	tokens, err := f.Fleet.Tokens(c.Request.Context())
	if err != nil {
		k.fail(c, err)
		return
	}
	for _, t := range tokens {
		view.Tokens = append(view.Tokens, tokenRow{t.ID, t.Site, t.Note, t.By, t.Open(time.Now()), t.Rejoin, int(t.Uses), int(t.Used), v.Exact(t.ExpiresAt().In(v.location()))})
	}
	k.show(c, status, page{Name: "tokens", Nav: "fleet", Title: v.Say("hub.fleet.tokens"), Body: view})
}

func (f *Fleet) makeToken(c *gin.Context) {
	k, v := f.Console, f.Console.voice(c)
	who, _ := api.Who(c)
	r := fleet.TokenRequest{
		Site: c.PostForm("site"), Note: c.PostForm("note"), Rejoin: c.PostForm("rejoin") == "yes",
		Uses: number(c.PostForm("uses")), Valid: time.Duration(number(c.PostForm("days"))) * day,
	}
	_, text, err := f.Fleet.NewToken(c.Request.Context(), who.Name, r)
	if errors.Is(err, fleet.ErrName) || errors.Is(err, fleet.ErrToken) {
		f.showTokens(c, http.StatusUnprocessableEntity, tokensView{Site: r.Site, Fault: v.Say("hub.fleet.token_fault")})
		return
	}
	made := &madeToken{}
	if err == nil {
		made.Path, made.Size, err = fleet.QR(text)
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	made.Secret = &secretView{ID: "token", Label: v.Say("hub.fleet.token"), Value: text, Why: v.Say("hub.fleet.token_once")}
	made.Command = &secretView{ID: "command", Label: v.Say("hub.fleet.command"), Value: "gourdian-agent join " + text, Why: v.Say("hub.fleet.command_why")}
	f.showTokens(c, http.StatusOK, tokensView{Made: made})
}

func (f *Fleet) revokeToken(c *gin.Context) {
	who, _ := api.Who(c)
	if err := f.Fleet.RevokeToken(c.Request.Context(), who.Name, c.Param("id")); err != nil {
		f.Console.fail(c, err)
		return
	}
	f.Console.flash(c, "hub.fleet.token_revoked")
	c.Redirect(http.StatusSeeOther, "/fleet/tokens")
}

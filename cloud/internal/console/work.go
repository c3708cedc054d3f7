package console

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/work"
	"gourdian/internal/web"
)

// Work is the page that says what waits for whom.
type Work struct {
	Console *Console
	Desk    *work.Desk
	People  *people.People
}

// Section is the page with its addresses.
func (w *Work) Section() Section {
	const path, form = "/work", 16 << 10
	return Section{Name: "work", Path: path, Least: people.Viewer, waits: w.waits, Routes: []api.Route{
		{Method: http.MethodGet, Path: path, Least: people.Viewer, Handler: w.serve},
		{Method: http.MethodPost, Path: path, Least: people.Labeller, Limit: form, Handler: w.do},
	}}
}

// Whose work is shown.
const (
	ofAll    = ""
	ofMine   = "mine"
	ofNobody = "nobody"
	ofHidden = "hidden"
)

type workView struct {
	Cards  []workCard
	Count  int
	Owners []choice
	Kinds  []choice
	Query  string
	Broken []string // parts that can't be asked, in words
	Empty  string   // in words, where there is no card
	Chosen bool     // the filter leaves only some
}

type workCard struct {
	Key, Text, Do string
	Kind          string
	Shape         string
	Since         web.Moment
	Path          string
	Who           string // may do it, in words
	Owner         string
	Mine          bool
	May           bool // the reader may do it
	Hidden        string
	Version       int64
	Steps         []stepView
	CanUndo       bool
	People        []choice // who may be given it
}

func (w *Work) serve(c *gin.Context) {
	view, err := w.view(c)
	if err != nil {
		w.Console.fail(c, err)
		return
	}
	w.Console.show(c, http.StatusOK, page{Name: "work", Nav: "work", Title: w.Console.voice(c).Say("hub.nav.work"), Body: view})
}

func (w *Work) view(c *gin.Context) (workView, error) {
	v, ctx := w.Console.voice(c), c.Request.Context()
	who, _ := api.Who(c)
	owner, kind := c.Query("owner"), work.Kind(c.Query("kind"))
	view := workView{Query: c.Request.URL.RawQuery, Chosen: owner != ofAll || kind != ""}
	for _, name := range []string{ofAll, ofMine, ofNobody, ofHidden} {
		view.Owners = append(view.Owners, choice{name, v.Say("hub.work.owner_" + cmp.Or(name, "all")), name == owner})
	}
	view.Kinds = append(view.Kinds, choice{"", v.Say("hub.samples.filter.all"), kind == ""})
	for _, k := range work.Kinds() {
		view.Kinds = append(view.Kinds, choice{string(k), v.Say("hub.work.kind." + string(k)), k == kind})
	}
	list, err := w.Desk.Cards(ctx)
	if err != nil {
		return view, err
	}
	folk, err := w.folk(ctx)
	if err != nil {
		return view, err
	}
	for _, name := range list.Broken {
		view.Broken = append(view.Broken, v.Say("hub.work.part."+name))
	}
	for i := range list.Cards {
		if card := &list.Cards[i]; shown(card, owner, who.Name) && (kind == "" || kind == card.Kind) {
			view.Cards = append(view.Cards, w.card(v, card, who, folk))
		}
	}
	slices.SortStableFunc(view.Cards, func(a, b workCard) int { return rank(a.Mine, a.Owner) - rank(b.Mine, b.Owner) })
	view.Count, view.Empty = len(view.Cards), v.Say("hub.work.empty_"+cmp.Or(owner, "all"))
	return view, nil
}

func shown(c *work.Card, owner, reader string) bool {
	switch owner {
	case ofHidden:
		return c.Hidden
	case ofMine:
		return !c.Hidden && c.Owner == reader
	case ofNobody:
		return !c.Hidden && c.Owner == ""
	}
	return !c.Hidden
}

// rank puts mine first, then what nobody has.
func rank(mine bool, owner string) int {
	switch {
	case mine:
		return 0
	case owner == "":
		return 1
	}
	return 2
}

// folk are the people who can be given work.
func (w *Work) folk(ctx context.Context) ([]people.Person, error) {
	all, err := w.People.List(ctx)
	return slices.DeleteFunc(all, func(p people.Person) bool { return p.Disabled || p.Invited() }), err
}

func (w *Work) card(v *voice, c *work.Card, who people.Person, folk []people.Person) workCard {
	view := workCard{
		Key: c.Key, Text: v.workText(&c.Item), Kind: v.Say("hub.work.kind." + string(c.Kind)), Shape: shapeOf(c.Kind), Since: v.ago(c.Since),
		Path: c.Path, Who: v.Say("hub.work.by_" + string(c.Least)), Owner: c.Owner, Mine: c.Owner == who.Name, May: who.Role.Allows(c.Least), Version: c.Version,
	}
	if said := c.Args["refused"]; said != "" { // files by their fault, as an import counts them
		c.Args = maps.Clone(c.Args)
		c.Args["refused"] = v.refused(said)
	}
	key := c.Text + ".do"
	if name, ours := strings.CutPrefix(c.Text, "hub.work."); ours {
		key = "hub.work.do." + name
	}
	if v.Has(key) {
		view.Do = v.Say(key, argsOf(c.Args)...)
	}
	switch {
	case c.Done:
		view.Hidden = v.Say("hub.work.is_done")
	case c.Hidden:
		view.Hidden = v.Say("hub.work.is_put_off", "until", v.Exact(c.Until.In(v.location())))
	}
	counted := true // the newest step that was not taken back
	for _, s := range c.Steps {
		if s.Undone || s.What == work.DidUndo {
			continue
		}
		if counted {
			view.CanUndo, counted = s.By == who.Name, false
		}
		detail := s.Detail
		if at, err := time.Parse(time.RFC3339, s.Detail); err == nil && s.What == work.DidSnooze {
			detail = v.Exact(at.In(v.location()))
		}
		view.Steps = append(view.Steps, stepView{v.Say("hub.work.did."+s.What, "who", s.By, "detail", detail), v.ago(s.At)})
	}
	for _, p := range folk {
		if p.Role.Allows(c.Least) && p.Name != c.Owner && p.Name != who.Name {
			view.People = append(view.People, choice{Value: p.ID, Label: p.Name})
		}
	}
	return view
}

// refused says "blurred 2, broken 1" in words.
func (v *voice) refused(text string) string {
	var words []string
	for one := range strings.SplitSeq(text, ", ") {
		fault, n, _ := strings.Cut(one, " ")
		words = append(words, n+" × "+v.sayOr("hub.samples.fault."+fault, fault))
	}
	return strings.Join(words, ", ")
}

// workText says what waits.
func (v *voice) workText(item *work.Item) string {
	args := argsOf(item.Args)
	if v.Has(item.Text + ".other") {
		return v.Count(item.Text, item.Count, args...)
	}
	if v.Has(item.Text) {
		return v.Say(item.Text, args...)
	}
	return v.Say("hub.health.unknown", "code", item.Text, "subject", "")
}

func argsOf(named map[string]string) []any {
	var args []any
	for name, value := range named {
		args = append(args, name, value)
	}
	return args
}

func shapeOf(kind work.Kind) string {
	switch kind {
	case work.Alarm:
		return "warning"
	case work.Decision:
		return "unsure"
	}
	return "note"
}

// mostWaits on the start page.
const mostWaits = 8

// waits are what the start page names: the reader's own first, then what nobody
// has and he may do. What is wrong stands there already, unless it is his.
func (w *Work) waits(c *gin.Context, v *voice, who people.Person) (waits []waitView, err error) {
	list, err := w.Desk.Cards(c.Request.Context())
	if err != nil {
		return nil, err
	}
	var others []waitView
	for i := range list.Cards {
		card := &list.Cards[i]
		one := waitView{Path: card.Path, Text: v.workText(&card.Item)}
		switch {
		case card.Hidden || !who.Role.Allows(card.Least):
		case card.Owner == who.Name:
			one.Mine = true
			waits = append(waits, one)
		case card.Owner == "" && card.Kind != work.Alarm:
			others = append(others, one)
		}
	}
	waits = append(waits, others...)
	return waits[:min(len(waits), mostWaits)], nil
}

// do does one thing with a card.
func (w *Work) do(c *gin.Context) {
	ctx := c.Request.Context()
	who, _ := api.Who(c)
	version, err := strconv.ParseInt(c.PostForm("version"), 10, 64)
	if err != nil {
		version = -1 // of no card
	}
	order := work.Order{Key: c.PostForm("item"), Version: version, What: c.PostForm("do"), Note: c.PostForm("note")}
	switch order.What {
	case "snooze_day":
		order.What, order.Until = work.DidSnooze, time.Now().Add(day)
	case "snooze_week":
		order.What, order.Until = work.DidSnooze, time.Now().Add(7*day)
	case work.DidAssign:
		if order.To, err = w.People.Get(ctx, c.PostForm("to")); err != nil || order.To.Disabled || order.To.Invited() {
			w.Console.flash(c, "hub.work.no_person")
			w.back(c)
			return
		}
	case work.DidSnooze:
		w.Console.ShowError(c, http.StatusNotFound, "not_found") // without a time
		return
	}
	err = w.Desk.Do(ctx, who, order)
	switch {
	case err == nil:
		w.Console.flash(c, "hub.work.said."+order.What)
	case errors.Is(err, work.ErrGone):
		w.Console.flash(c, "hub.work.gone")
	case errors.Is(err, work.ErrChanged):
		w.Console.flash(c, "hub.work.changed")
	case errors.Is(err, work.ErrNote):
		w.Console.flash(c, "hub.work.note_fault")
	case errors.Is(err, work.ErrNothing):
		w.Console.flash(c, "hub.label.nothing_to_undo")
	case errors.Is(err, work.ErrRole):
		w.Console.ShowError(c, http.StatusForbidden, "role_too_low")
		return
	case errors.Is(err, work.ErrWhat):
		w.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	default:
		w.Console.fail(c, err)
		return
	}
	w.back(c)
}

func (w *Work) back(c *gin.Context) {
	target := url.URL{Path: "/work"}
	if query, err := url.ParseQuery(c.PostForm("query")); err == nil {
		target.RawQuery = query.Encode()
	}
	c.Redirect(http.StatusSeeOther, target.RequestURI())
}

package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
	"gourdian/internal/web"
)

// changes on the start page.
const changesShown = 8

// startView answers three questions (is anything wrong, what waits for me, what
// changed) and draws the cycle.
type startView struct {
	Problems []problem
	Waits    []waitView
	Work     string // address of all that waits
	Steps    []cycleView
	Changes  []changeView
	All      bool // the reader may see the whole log of changes
}

type waitView struct {
	Path, Text string
	Mine       bool // the reader has taken it on
}

type cycleView struct {
	Path    string // "" = the reader may not go there
	Name    string
	Done    string // what was counted, in words
	Waiting string // "" = nothing
	Broken  bool   // it can't be counted just now
}

type changeView struct {
	When            web.Moment
	Who, What, Text string
}

func (k *Console) serveStart(c *gin.Context) {
	view, err := k.start(c)
	if err != nil {
		k.fail(c, err)
		return
	}
	k.show(c, http.StatusOK, page{Name: "start", Title: k.voice(c).Say("hub.start.title"), Live: true, Body: view})
}

// startPart is what changes on the start page by itself: all of it.
func (k *Console) startPart() part {
	return part{"start", "start", func(c *gin.Context) (any, error) { return k.start(c) }}
}

func (k *Console) start(c *gin.Context) (startView, error) {
	v := k.voice(c)
	who, _ := api.Who(c)
	view := startView{All: who.Role.Allows(people.Admin)}
	for _, one := range k.opts.Health.Conditions() {
		view.Problems = append(view.Problems, v.problem(one))
	}
	for _, step := range k.steps() {
		one, first := k.step(c.Request.Context(), v, step, who.Role)
		view.Steps = append(view.Steps, one)
		if first.Text != "" {
			view.Waits = append(view.Waits, first)
		}
	}
	for _, s := range k.sections {
		if s.waits == nil {
			continue
		}
		waits, err := s.waits(c, v, who)
		if err != nil {
			return view, err
		}
		view.Waits, view.Work = append(view.Waits, waits...), s.Path
	}
	lines, err := k.opts.Audit.List(c.Request.Context(), 0, "", changesShown)
	if err != nil {
		return view, err
	}
	for _, line := range lines {
		view.Changes = append(view.Changes, v.change(line))
	}
	return view, nil
}

// steps are those that the hub has, in the order of the cycle.
func (k *Console) steps() []Step {
	var all []Step
	for _, s := range k.sections {
		all = append(all, s.Steps...)
	}
	order := cycle()
	slices.SortStableFunc(all, func(a, b Step) int { return slices.Index(order, a.Name) - slices.Index(order, b.Name) })
	return all
}

// step counts a step, and says how to begin where nothing went through it yet.
func (k *Console) step(ctx context.Context, v *voice, s Step, role people.Role) (view cycleView, first waitView) {
	key := "hub.step." + s.Name
	view.Name = v.Say(key)
	if role.Allows(s.Least) {
		view.Path = s.Path
	}
	count, err := s.Count(ctx)
	if err != nil {
		k.opts.Log.Warn("a step can't be counted", "step", s.Name, "error", err)
		view.Broken = true
		return view, waitView{}
	}
	view.Done = v.Count(key+".count", count.Done)
	if count.Done == 0 && v.Has(key+".first") && role.Allows(people.Operator) { // a new hub says how to begin
		return view, waitView{Path: s.Path, Text: v.Say(key + ".first")}
	}
	if count.Waiting > 0 {
		view.Waiting = v.Count(key+".wait", count.Waiting)
	}
	return view, waitView{}
}

// change says a line of the audit log.
func (v *voice) change(e people.Entry) changeView {
	view := changeView{When: v.ago(e.At()), Who: e.Who, What: v.sayOr("hub.did."+e.Action, e.Action)}
	var text []string
	if e.Subject != e.Who {
		text = append(text, e.Subject)
	}
	if e.Detail != "" {
		text = append(text, v.detail(e.Detail))
	}
	view.Text = strings.Join(text, ": ")
	return view
}

// detail says the detail of a change: a word of the hub's own in the reader's
// language, all else as it was written.
func (v *voice) detail(text string) string {
	before, after, changed := strings.Cut(text, " → ")
	if changed {
		return v.detail(before) + " → " + v.detail(after)
	}
	key := strings.ReplaceAll(text, " ", "_")
	return v.sayOr("hub.role."+key, v.sayOr("hub.detail."+key, text))
}

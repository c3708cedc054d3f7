package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/registry"
	"gourdian/cloud/internal/rollout"
)

// newRolloutView is the form that starts one.
type newRolloutView struct {
	Fault    string
	Versions []choice
	Sites    []choice
	Groups   []choice
	Boards   []choice
	Reason   string
	Waves    string
	Soak     int // minutes
	Share    int
	Failures int
	Nobody   bool // no board has joined
}

func (r *Rollouts) serveNew(c *gin.Context) { r.showNew(c, http.StatusOK, "") }

// mostNamed bounds the boards that may be chosen by name.
const mostNamed = 200

// showNew shows the form as it was sent, or as the address asks for it.
func (r *Rollouts) showNew(c *gin.Context, status int, fault string) {
	k, ctx, v := r.Console, c.Request.Context(), r.Console.voice(c)
	typed := func(name, other string) string {
		if value := c.PostForm(name); value != "" {
			return value
		}
		if value := c.Query(name); value != "" {
			return value
		}
		return other
	}
	view := newRolloutView{
		Fault: fault, Reason: typed("reason", ""), Waves: typed("waves", rollout.DefaultWaves),
		Soak: number(typed("soak", strconv.Itoa(int(rollout.DefaultSoak.Minutes())))), Share: number(typed("share", "100")), Failures: number(typed("failures", "0")),
	}
	versions, err := r.Registry.Versions(ctx)
	var now registry.Alias
	if err == nil {
		now, err = r.Registry.Alias(ctx)
	}
	chosen := typed("version", strconv.FormatInt(now.Number, 10))
	for _, one := range versions {
		if one.Deleted {
			continue
		}
		label := v.Say("hub.models.version", "version", one.Number, "name", one.Facts.Name)
		if one.Number == now.Number {
			label += " · " + v.Say("hub.models.champion")
		}
		value := strconv.FormatInt(one.Number, 10)
		view.Versions = append(view.Versions, choice{value, label, value == chosen})
	}
	if err == nil {
		view.Sites, view.Groups, err = (&Fleet{Console: k, Fleet: r.Fleet}).places(ctx, v, typed("site", ""), typed("group", ""))
	}
	var boards []fleet.Board
	if err == nil {
		boards, _, err = r.Fleet.List(ctx, fleet.Filter{State: fleet.Active, Limit: mostNamed})
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	view.Nobody = len(boards) == 0
	for _, b := range boards {
		view.Boards = append(view.Boards, choice{b.Device, b.Name + " · " + b.Site, slices.Contains(c.PostFormArray("board"), b.Device)})
	}
	k.show(c, status, page{Name: "rollout_new", Nav: "rollouts", Title: v.Say("hub.rollouts.new"), Body: view})
}

// orderOf reads the form.
func orderOf(c *gin.Context) rollout.Order {
	version, _ := strconv.ParseInt(c.PostForm("version"), 10, 64) // 0 is no version
	return rollout.Order{Version: version, Reason: c.PostForm("reason"), Plan: rollout.Plan{
		Site: c.PostForm("site"), Group: c.PostForm("group"), Devices: c.PostFormArray("board"), Share: number(c.PostForm("share")),
		Waves: rollout.ParseWaves(c.PostForm("waves")), Soak: int64(number(c.PostForm("soak"))) * 60, Failures: number(c.PostForm("failures")),
	}}
}

func (r *Rollouts) start(c *gin.Context) {
	who, _ := api.Who(c)
	v := r.Console.voice(c)
	one, err := r.Rollouts.Start(c.Request.Context(), who.Name, orderOf(c))
	if key := rolloutFault(err); key != "" {
		r.showNew(c, http.StatusUnprocessableEntity, v.Say(key, "why", err))
		return
	}
	if err != nil {
		r.Console.fail(c, err)
		return
	}
	r.Console.flash(c, "hub.rollouts.started", "number", one.Number)
	c.Redirect(http.StatusSeeOther, "/rollouts/one/"+one.ID)
}

// rolloutFault is the text for what a person asked for and can't have, "" = it
// is the hub's fault.
func rolloutFault(err error) string {
	switch {
	case errors.Is(err, rollout.ErrReason):
		return "hub.rollouts.fault.reason"
	case errors.Is(err, rollout.ErrNobody):
		return "hub.rollouts.fault.nobody"
	case errors.Is(err, rollout.ErrPlan):
		return "hub.rollouts.fault.plan"
	case errors.Is(err, rollout.ErrVersion):
		return "hub.rollouts.fault.version"
	case errors.Is(err, rollout.ErrState):
		return "hub.rollouts.fault.state"
	}
	return ""
}

func (r *Rollouts) pause(c *gin.Context) {
	who, _ := api.Who(c)
	one, err := r.Rollouts.Pause(c.Request.Context(), who.Name, c.Param("id"))
	r.changed(c, one, err, "hub.rollouts.paused")
}

func (r *Rollouts) resume(c *gin.Context) {
	view, ok := r.one(c)
	if !ok {
		return
	}
	v := r.Console.voice(c)
	if view.Why != "" && !r.Console.ask(c, question{
		Nav: "rollouts", Title: v.Say("hub.rollouts.resume_ask", "title", view.Title), Facts: []string{v.Say("hub.rollouts.resume_fact"), view.Why},
		Undo: v.Say("hub.rollouts.resume_undo"), Button: v.Say("hub.rollouts.resume_button"), Back: "/rollouts/one/" + view.ID,
	}) {
		return
	}
	who, _ := api.Who(c)
	one, err := r.Rollouts.Resume(c.Request.Context(), who.Name, view.ID)
	r.changed(c, one, err, "hub.rollouts.resumed")
}

func (r *Rollouts) abort(c *gin.Context) {
	view, ok := r.one(c)
	if !ok {
		return
	}
	v, revert := r.Console.voice(c), view.Back || c.PostForm("revert") == "yes"
	facts := []string{v.Say("hub.rollouts.abort_fact")}
	if revert {
		facts = append(facts, v.Say("hub.rollouts.abort_revert", "boards", view.Keep))
	} else {
		facts = append(facts, v.Say("hub.rollouts.abort_keep", "boards", view.Keep))
	}
	if c.PostForm("reason") != "" && !r.Console.ask(c, question{
		Nav: "rollouts", Title: v.Say("hub.rollouts.abort_ask", "title", view.Title), Facts: facts,
		Undo: v.Say("hub.rollouts.abort_undo"), Button: v.Say("hub.rollouts.abort_button"), Back: "/rollouts/one/" + view.ID,
	}) {
		return
	}
	who, _ := api.Who(c)
	one, err := r.Rollouts.Abort(c.Request.Context(), who.Name, view.ID, c.PostForm("reason"), revert)
	r.changed(c, one, err, "hub.rollouts.aborted")
}

// changed answers after a change: back to the rollout with a sentence.
func (r *Rollouts) changed(c *gin.Context, one rollout.Rollout, err error, said string) {
	key := rolloutFault(err)
	switch {
	case errors.Is(err, rollout.ErrNotFound):
		r.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	case key != "":
		r.Console.flash(c, key, "why", err)
	case err != nil:
		r.Console.fail(c, err)
		return
	default:
		r.Console.flash(c, said, "number", one.Number)
	}
	c.Redirect(http.StatusSeeOther, "/rollouts/one/"+c.Param("id"))
}

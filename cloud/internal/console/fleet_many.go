package console

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/fleet"
)

// fleetFilter reads a filter from the query of an address.
func fleetFilter(query url.Values) fleet.Filter {
	return fleet.Filter{Search: query.Get("search"), Site: query.Get("site"), Group: query.Get("group"), Sort: fleet.Sort(query.Get("sort")), After: query.Get("before"), Outdated: query.Get("update") == "yes"}
}

// chosenOf reads which boards a form chose.
func chosenOf(c *gin.Context) fleet.Chosen {
	micros, err := strconv.ParseInt(c.PostForm("seen"), 10, 64)
	if err != nil {
		micros = 0 // nothing was there then
	}
	chosen := fleet.Chosen{All: c.PostForm("scope") == "all", Seen: time.UnixMicro(micros), Devices: c.PostFormArray("pick")}
	if query, err := url.ParseQuery(c.PostForm("query")); err == nil {
		chosen.Filter = fleetFilter(query)
	}
	return chosen
}

// boardsToChange reads the boards of a form and asks; ok is false where it has
// answered already.
func (f *Fleet) boardsToChange(c *gin.Context, what string, always bool, args ...any) (chosen fleet.Chosen, ok bool) {
	chosen = chosenOf(c)
	wanted, err := strconv.Atoi(c.PostForm("wanted"))
	if err != nil {
		if wanted, err = f.Fleet.CountChosen(c.Request.Context(), chosen); err != nil {
			f.Console.fail(c, err)
			return chosen, false
		}
		c.Request.PostForm.Set("wanted", strconv.Itoa(wanted))
	}
	if wanted == 0 {
		f.Console.flash(c, "hub.fleet.many.nothing")
		backTo(c, "/fleet", "")
		return chosen, false
	}
	if !always && !chosen.All {
		return chosen, true
	}
	v, key := f.Console.voice(c), "hub.fleet.many."+what
	return chosen, f.Console.ask(c, question{
		Nav: "fleet", Title: v.Count(key+".ask", wanted, args...), Facts: []string{v.Say(key+".fact", args...)}, Undo: v.Say(key + ".undo"),
		Button: v.Count(key+".button", wanted), Back: "/fleet",
	})
}

// didMany says what became of the boards and goes back to the list.
func (f *Fleet) didMany(c *gin.Context, what string, done fleet.Done, err error) {
	v := f.Console.voice(c)
	switch {
	case errors.Is(err, fleet.ErrName):
		f.Console.flash(c, "hub.fleet.name_fault")
	case err != nil:
		f.Console.opts.Log.Error("an action on many boards stopped", "what", what, "done", done.Done, "error", err)
		f.Console.flash(c, "hub.fleet.many.stopped", "done", done.Done)
	default:
		text := v.Count("hub.fleet.many."+what+".did", done.Done)
		if done.Left > 0 {
			text += " " + v.Count("hub.fleet.many.left", done.Left)
		}
		f.Console.opts.Sessions.Flash(c.Request.Context(), text)
	}
	backTo(c, "/fleet", "")
}

func (f *Fleet) moveMany(c *gin.Context) {
	site, group, noGroup := strings.TrimSpace(c.PostForm("to_site")), strings.TrimSpace(c.PostForm("to_group")), c.PostForm("no_group") == "yes"
	if noGroup {
		group = ""
	}
	if site == "" && group == "" && !noGroup {
		f.Console.flash(c, "hub.fleet.many.where")
		backTo(c, "/fleet", "")
		return
	}
	v := f.Console.voice(c)
	place := func(name string, none bool) string {
		switch {
		case none:
			return v.Say("hub.detail.none")
		case name == "":
			return v.Say("hub.fleet.many.same")
		}
		return name
	}
	chosen, ok := f.boardsToChange(c, "move", false, "site", place(site, false), "group", place(group, noGroup))
	if !ok {
		return
	}
	who, _ := api.Who(c)
	done, err := f.Fleet.MoveMany(c.Request.Context(), who.Name, chosen, site, group, noGroup)
	f.didMany(c, "move", done, err)
}

func (f *Fleet) revokeMany(c *gin.Context) {
	chosen, ok := f.boardsToChange(c, "revoke", true)
	if !ok {
		return
	}
	who, _ := api.Who(c)
	done, err := f.Fleet.RevokeMany(c.Request.Context(), who.Name, chosen, "")
	f.didMany(c, "revoke", done, err)
}

func (f *Fleet) removeMany(c *gin.Context) {
	chosen, ok := f.boardsToChange(c, "remove", true)
	if !ok {
		return
	}
	who, _ := api.Who(c)
	done, err := f.Fleet.RemoveMany(c.Request.Context(), who.Name, chosen)
	f.didMany(c, "remove", done, err)
}

// listQuery is the filter of the list, to come back to.
func listQuery(c *gin.Context) string {
	query := c.Request.URL.Query()
	query.Del("before")
	return query.Encode()
}

package console

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/fleet"
)

// done answers after a change: back to the board with a sentence, or with what
// was wrong.
func (f *Fleet) done(c *gin.Context, device string, err error, said string, args ...any) {
	switch {
	case err == nil:
		f.Console.flash(c, said, args...)
		c.Redirect(http.StatusSeeOther, "/fleet/board/"+device)
	case errors.Is(err, fleet.ErrName):
		f.showBoard(c, http.StatusUnprocessableEntity, f.Console.voice(c).Say("hub.fleet.name_fault"))
	case errors.Is(err, fleet.ErrState), errors.Is(err, fleet.ErrNotFound):
		f.showBoard(c, http.StatusUnprocessableEntity, f.Console.voice(c).Say("hub.fleet.state_fault"))
	default:
		f.Console.fail(c, err)
	}
}

func (f *Fleet) rename(c *gin.Context) {
	who, _ := api.Who(c)
	b, err := f.Fleet.Rename(c.Request.Context(), who.Name, c.Param("device"), c.PostForm("name"))
	f.done(c, c.Param("device"), err, "hub.fleet.renamed", "name", b.Name)
}

func (f *Fleet) move(c *gin.Context) {
	who, _ := api.Who(c)
	b, err := f.Fleet.Move(c.Request.Context(), who.Name, c.Param("device"), c.PostForm("site"), c.PostForm("group"))
	f.done(c, c.Param("device"), err, "hub.fleet.moved", "name", b.Name, "site", b.Site)
}

// sure asks before something that takes a board away.
func (f *Fleet) sure(c *gin.Context, b fleet.Board, what string) bool {
	v := f.Console.voice(c)
	key := "hub.fleet." + what
	return f.Console.ask(c, question{
		Nav: "fleet", Title: v.Say(key+"_ask", "name", b.Name), Facts: []string{v.Say(key+"_fact", "name", b.Name)},
		Undo: v.Say(key + "_undo"), Button: v.Say(key+"_name", "name", b.Name), Back: "/fleet/board/" + b.Device,
	})
}

func (f *Fleet) revoke(c *gin.Context) {
	b, ok := f.board(c)
	if !ok || !f.sure(c, b, "revoke") {
		return
	}
	who, _ := api.Who(c)
	_, err := f.Fleet.Revoke(c.Request.Context(), who.Name, b.Device, c.PostForm("reason"))
	f.done(c, b.Device, err, "hub.fleet.revoked", "name", b.Name)
}

func (f *Fleet) remove(c *gin.Context) {
	b, ok := f.board(c)
	if !ok || !f.sure(c, b, "remove") {
		return
	}
	who, _ := api.Who(c)
	_, err := f.Fleet.Remove(c.Request.Context(), who.Name, b.Device)
	f.done(c, b.Device, err, "hub.fleet.removed", "name", b.Name)
}

func (f *Fleet) replace(c *gin.Context) {
	b, ok := f.board(c)
	if !ok || !f.sure(c, b, "replace") {
		return
	}
	who, _ := api.Who(c)
	_, err := f.Fleet.Replace(c.Request.Context(), who.Name, b.Device, c.PostForm("successor"))
	f.done(c, b.Device, err, "hub.fleet.replaced", "name", b.Name)
}

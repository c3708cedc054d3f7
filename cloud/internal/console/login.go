package console

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
)

type loginView struct {
	Name  string
	Next  string
	Fault string
	Empty bool // nobody has set the hub up yet
}

func (k *Console) serveLogin(c *gin.Context) {
	next := api.LocalPath(c.Query("next"))
	if _, ok := api.Who(c); ok {
		c.Redirect(http.StatusSeeOther, next)
		return
	}
	k.showLogin(c, http.StatusOK, loginView{Next: next})
}

func (k *Console) showLogin(c *gin.Context, status int, view loginView) {
	empty, err := k.opts.People.Empty(c.Request.Context())
	if err != nil {
		k.fail(c, err)
		return
	}
	view.Empty = empty
	k.show(c, status, page{Name: "login", Title: k.voice(c).Say("hub.login.title"), Body: view})
}

func (k *Console) takeLogin(c *gin.Context) {
	ctx := c.Request.Context()
	view := loginView{Name: c.PostForm("name"), Next: api.LocalPath(c.PostForm("next"))}
	who, err := k.opts.People.LogIn(ctx, view.Name, c.PostForm("password"))
	if errors.Is(err, people.ErrWrong) {
		k.opts.Log.Info("a login failed", "from", c.RemoteIP())
		view.Fault = k.voice(c).Say("hub.people.fault.wrong")
		k.showLogin(c, http.StatusUnprocessableEntity, view)
		return
	}
	if err == nil {
		err = k.opts.Sessions.LogIn(ctx, who)
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, view.Next)
}

func (k *Console) takeLogout(c *gin.Context) {
	if err := k.opts.Sessions.LogOut(c.Request.Context()); err != nil {
		k.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/login")
}

// linkView is the page of a one-time link: of the first admin, or of a person
// who was added or whose password was lost.
type linkView struct {
	First bool
	Name  string
	Fault string
	Least int // characters of a password
}

func (k *Console) serveLink(c *gin.Context) {
	name, err := k.opts.People.Link(c.Request.Context(), c.Param("secret"))
	if err != nil {
		k.linkFailed(c, err)
		return
	}
	k.showLink(c, http.StatusOK, linkView{First: name == "", Name: name})
}

func (k *Console) linkFailed(c *gin.Context, err error) {
	if errors.Is(err, people.ErrLink) {
		k.ShowError(c, http.StatusGone, "link_void")
		return
	}
	k.fail(c, err)
}

func (k *Console) showLink(c *gin.Context, status int, view linkView) {
	view.Least = people.MinPassword
	title := k.voice(c).Say("hub.link.title")
	if view.First {
		title = k.voice(c).Say("hub.link.title_first")
	}
	k.show(c, status, page{Name: "link", Title: title, Body: view})
}

func (k *Console) takeLink(c *gin.Context) {
	v, ctx := k.voice(c), c.Request.Context()
	name, err := k.opts.People.Link(ctx, c.Param("secret"))
	if err != nil {
		k.linkFailed(c, err)
		return
	}
	view := linkView{First: name == "", Name: name}
	if view.First {
		view.Name = c.PostForm("name")
	}
	if c.PostForm("password") != c.PostForm("again") {
		view.Fault = v.Say("hub.people.fault.differ")
		k.showLink(c, http.StatusUnprocessableEntity, view)
		return
	}
	who, err := k.opts.People.Accept(ctx, c.Param("secret"), view.Name, c.PostForm("password"))
	if view.Fault = v.fault(err); view.Fault != "" && !errors.Is(err, people.ErrLink) {
		k.showLink(c, http.StatusUnprocessableEntity, view)
		return
	}
	if err != nil {
		k.linkFailed(c, err)
		return
	}
	if who.Disabled { // a link does not let in who may not come in
		c.Redirect(http.StatusSeeOther, "/login")
		return
	}
	if err := k.opts.Sessions.LogIn(ctx, who); err != nil {
		k.fail(c, err)
		return
	}
	k.flash(c, "hub.link.welcome", "name", who.Name)
	c.Redirect(http.StatusSeeOther, "/")
}

// fault says an error that a person can do something about; "" for all others.
func (v *voice) fault(err error) string {
	for _, known := range []struct {
		err error
		key string
	}{
		{people.ErrName, "name"}, {people.ErrNameTaken, "taken"}, {people.ErrRole, "role"}, {people.ErrLastAdmin, "last_admin"},
		{people.ErrShortPassword, "short"}, {people.ErrWeakPassword, "weak"}, {people.ErrWrong, "wrong"}, {people.ErrLink, "link"},
		{people.ErrTokenName, "token_name"}, {people.ErrTokens, "tokens"}, {people.ErrNotFound, "gone"},
	} {
		if errors.Is(err, known.err) {
			return v.Say("hub.people.fault."+known.key, "least", people.MinPassword, "most", people.MaxPassword)
		}
	}
	return ""
}

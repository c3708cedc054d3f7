package console

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
	"gourdian/internal/web"
)

// accountView is what a person sees of himself.
type accountView struct {
	Name, Role, RoleMay string
	Least               int // characters of a password
	PasswordFault       string
	TokenFault          string
	NewToken            *secretView
	Tokens              []tokenView
}

type tokenView struct {
	ID, Name      string
	Created, Used web.Moment
}

// secretView is shown once and never again.
type secretView struct{ ID, Label, Value, Why string }

func (k *Console) serveAccount(c *gin.Context) { k.showAccount(c, http.StatusOK, accountView{}) }

func (k *Console) showAccount(c *gin.Context, status int, view accountView) {
	v := k.voice(c)
	who, _ := api.Who(c)
	view.Name, view.Least = who.Name, people.MinPassword
	view.Role, view.RoleMay = v.Say("hub.role."+string(who.Role)), v.Say("hub.role."+string(who.Role)+".may")
	tokens, err := k.opts.People.Tokens(c.Request.Context(), who.ID)
	if err != nil {
		k.fail(c, err)
		return
	}
	for _, t := range tokens {
		view.Tokens = append(view.Tokens, tokenView{t.ID, t.Name, v.ago(t.CreatedAt()), v.ago(t.UsedAt())})
	}
	k.show(c, status, page{Name: "account", Nav: "account", Title: v.Say("hub.account.title"), Body: view})
}

func (k *Console) takePassword(c *gin.Context) {
	v, ctx := k.voice(c), c.Request.Context()
	who, _ := api.Who(c)
	if c.PostForm("password") != c.PostForm("again") {
		k.showAccount(c, http.StatusUnprocessableEntity, accountView{PasswordFault: v.Say("hub.people.fault.differ")})
		return
	}
	changed, err := k.opts.People.SetPassword(ctx, who.ID, c.PostForm("old"), c.PostForm("password"))
	fault := v.fault(err)
	if errors.Is(err, people.ErrWrong) {
		fault = v.Say("hub.people.fault.old")
	}
	if fault != "" {
		k.showAccount(c, http.StatusUnprocessableEntity, accountView{PasswordFault: fault})
		return
	}
	if err == nil {
		err = k.opts.Sessions.LogIn(ctx, changed) // all others of the person end
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	k.flash(c, "hub.account.password_changed")
	c.Redirect(http.StatusSeeOther, "/account")
}

func (k *Console) takeToken(c *gin.Context) {
	v := k.voice(c)
	who, _ := api.Who(c)
	token, err := k.opts.People.NewToken(c.Request.Context(), who, c.PostForm("name"))
	switch fault := v.fault(err); {
	case fault != "":
		k.showAccount(c, http.StatusUnprocessableEntity, accountView{TokenFault: fault})
	case err != nil:
		k.fail(c, err)
	default:
		k.showAccount(c, http.StatusOK, accountView{NewToken: &secretView{
			ID: "token", Label: v.Say("hub.account.token_new"), Value: token, Why: v.Say("hub.account.token_once"),
		}})
	}
}

func (k *Console) revokeToken(c *gin.Context) {
	who, _ := api.Who(c)
	err := k.opts.People.RevokeToken(c.Request.Context(), who, c.Param("id"))
	if err != nil && !errors.Is(err, people.ErrNotFound) { // gone is what was wanted
		k.fail(c, err)
		return
	}
	k.flash(c, "hub.account.token_revoked")
	c.Redirect(http.StatusSeeOther, "/account")
}

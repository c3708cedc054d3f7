package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
	"gourdian/internal/web"
)

const changesPerPage = 50

func (k *Console) peopleSection() Section {
	const path = "/people"
	return Section{Name: "people", Path: path, Least: people.Admin, Routes: []api.Route{
		{Method: http.MethodGet, Path: path, Least: people.Admin, Handler: k.servePeople},
		{Method: http.MethodPost, Path: path, Least: people.Admin, Handler: k.addPerson},
		{Method: http.MethodGet, Path: path + "/changes", Least: people.Admin, Handler: k.serveChanges},
		{Method: http.MethodGet, Path: path + "/one/:id", Least: people.Admin, Handler: k.servePerson},
		{Method: http.MethodPost, Path: path + "/one/:id/role", Least: people.Admin, Handler: k.changeRole},
		{Method: http.MethodPost, Path: path + "/one/:id/disable", Least: people.Admin, Handler: k.disablePerson},
		{Method: http.MethodPost, Path: path + "/one/:id/enable", Least: people.Admin, Handler: k.enablePerson},
		{Method: http.MethodPost, Path: path + "/one/:id/link", Least: people.Admin, Handler: k.linkPerson},
	}}
}

type peopleView struct {
	People []personView
	Roles  []roleView
	Name   string
	Fault  string
	Link   *secretView
}

type personView struct {
	ID, Name, Role, State string
	Here                  bool // it is the reader
	Disabled              bool
	Seen                  web.Moment
}

type roleView struct {
	choice
	May string
}

func (v *voice) person(one people.Person, reader string) personView {
	state := "active"
	switch {
	case one.Disabled:
		state = "disabled"
	case one.Invited():
		state = "invited"
	}
	return personView{
		ID: one.ID, Name: one.Name, Role: v.Say("hub.role." + string(one.Role)), State: v.Say("hub.people.state." + state),
		Here: one.ID == reader, Disabled: one.Disabled, Seen: v.ago(one.SeenAt()),
	}
}

func (v *voice) roles(chosen people.Role) []roleView {
	var all []roleView
	for _, role := range people.Roles() {
		key := "hub.role." + string(role)
		all = append(all, roleView{choice{string(role), v.Say(key), role == chosen}, v.Say(key + ".may")})
	}
	return all
}

func (k *Console) servePeople(c *gin.Context) {
	k.showPeople(c, http.StatusOK, peopleView{}, people.Viewer)
}

func (k *Console) showPeople(c *gin.Context, status int, view peopleView, chosen people.Role) {
	v := k.voice(c)
	reader, _ := api.Who(c)
	all, err := k.opts.People.List(c.Request.Context())
	if err != nil {
		k.fail(c, err)
		return
	}
	for _, one := range all {
		view.People = append(view.People, v.person(one, reader.ID))
	}
	view.Roles = v.roles(chosen)
	k.show(c, status, page{Name: "people", Nav: "people", Title: v.Say("hub.people.title"), Body: view})
}

func (k *Console) addPerson(c *gin.Context) {
	v := k.voice(c)
	reader, _ := api.Who(c)
	name, role := c.PostForm("name"), people.Role(c.PostForm("role"))
	secret, err := k.opts.People.Add(c.Request.Context(), reader.Name, name, role)
	switch fault := v.fault(err); {
	case fault != "":
		k.showPeople(c, http.StatusUnprocessableEntity, peopleView{Name: name, Fault: fault}, role)
	case err != nil:
		k.fail(c, err)
	default:
		k.showPeople(c, http.StatusOK, peopleView{Link: k.link(c, name, secret)}, people.Viewer)
	}
}

// link shows the address with which a person chooses a password.
func (k *Console) link(c *gin.Context, name, secret string) *secretView {
	v := k.voice(c)
	return &secretView{ID: "link", Label: v.Say("hub.people.link", "name", name), Value: k.address(c) + "/link/" + secret, Why: v.Say("hub.people.link_why")}
}

// address is where people reach the hub: as the config says, else as this
// reader does.
func (k *Console) address(c *gin.Context) string {
	if k.opts.Address != "" {
		return k.opts.Address
	}
	scheme := "http"
	if c.Request.TLS != nil {
		scheme = "https"
	}
	return (&url.URL{Scheme: scheme, Host: c.Request.Host}).String()
}

type personPage struct {
	personView
	Roles []roleView
	Fault string
	Link  *secretView
}

func (k *Console) servePerson(c *gin.Context) { k.showPerson(c, http.StatusOK, personPage{}) }

// person finds the one of the address, or answers that there is none.
func (k *Console) person(c *gin.Context) (people.Person, bool) {
	one, err := k.opts.People.Get(c.Request.Context(), c.Param("id"))
	switch {
	case errors.Is(err, people.ErrNotFound):
		k.ShowError(c, http.StatusNotFound, "not_found")
	case err != nil:
		k.fail(c, err)
	}
	return one, err == nil
}

func (k *Console) showPerson(c *gin.Context, status int, view personPage) {
	one, ok := k.person(c)
	if !ok {
		return
	}
	v := k.voice(c)
	reader, _ := api.Who(c)
	view.personView, view.Roles = v.person(one, reader.ID), v.roles(one.Role)
	k.show(c, status, page{Name: "person", Nav: "people", Title: one.Name, Body: view})
}

func (k *Console) changeRole(c *gin.Context) {
	one, ok := k.person(c)
	if ok {
		k.change(c, one, people.Role(c.PostForm("role")), one.Disabled, "hub.people.role_changed")
	}
}

func (k *Console) disablePerson(c *gin.Context) {
	one, ok := k.person(c)
	if !ok {
		return
	}
	v := k.voice(c)
	if k.ask(c, question{
		Nav: "people", Title: v.Say("hub.people.disable_ask", "name", one.Name), Facts: []string{v.Say("hub.people.disable_fact", "name", one.Name)},
		Undo: v.Say("hub.people.disable_undo"), Button: v.Say("hub.people.disable_name", "name", one.Name), Back: "/people/one/" + one.ID,
	}) {
		k.change(c, one, one.Role, true, "hub.people.disabled")
	}
}

func (k *Console) enablePerson(c *gin.Context) {
	one, ok := k.person(c)
	if ok {
		k.change(c, one, one.Role, false, "hub.people.enabled")
	}
}

func (k *Console) change(c *gin.Context, one people.Person, role people.Role, disabled bool, said string) {
	reader, _ := api.Who(c)
	err := k.opts.People.Change(c.Request.Context(), reader.Name, one.ID, role, disabled)
	if fault := k.voice(c).fault(err); fault != "" {
		k.showPerson(c, http.StatusUnprocessableEntity, personPage{Fault: fault})
		return
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	k.flash(c, said, "name", one.Name)
	c.Redirect(http.StatusSeeOther, "/people/one/"+one.ID)
}

func (k *Console) linkPerson(c *gin.Context) {
	one, ok := k.person(c)
	if !ok {
		return
	}
	reader, _ := api.Who(c)
	secret, err := k.opts.People.Reset(c.Request.Context(), reader.Name, one.ID)
	if err != nil {
		k.fail(c, err)
		return
	}
	k.showPerson(c, http.StatusOK, personPage{Link: k.link(c, one.Name, secret)})
}

type changesView struct {
	Changes []changeView
	Subject string // whose lines alone are shown, "" = all
	Pager   pager
}

// serveChanges shows the audit log, newest first.
func (k *Console) serveChanges(c *gin.Context) {
	v := k.voice(c)
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64) // else 0: the newest
	view := changesView{Subject: c.Query("subject")}
	lines, err := k.opts.Audit.List(c.Request.Context(), before, view.Subject, changesPerPage+1)
	if err != nil {
		k.fail(c, err)
		return
	}
	more := len(lines) > changesPerPage
	lines = lines[:min(len(lines), changesPerPage)]
	for _, line := range lines {
		view.Changes = append(view.Changes, v.change(line))
	}
	if len(lines) > 0 {
		view.Pager = pagesBy(c, strconv.FormatInt(lines[len(lines)-1].Seq, 10), more)
	}
	k.show(c, http.StatusOK, page{Name: "changes", Nav: "people", Title: v.Say("hub.changes.title"), Body: view})
}

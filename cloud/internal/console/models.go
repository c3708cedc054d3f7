package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/registry"
	"gourdian/cloud/internal/rollout"
	"gourdian/internal/bundle"
	"gourdian/internal/web"
)

// Models is the page of the registry.
type Models struct {
	Console  *Console
	Registry *registry.Registry
	State    func() predict.State // how the champion does
	Rollouts *rollout.Rollouts    // nil = boards are given no models
}

// shownMoves is how much of the champion's history the page shows.
const shownMoves = 50

// Section is the page with its addresses.
func (m *Models) Section() Section {
	const form = 16 << 10
	return Section{Name: "models", Path: "/models", Least: people.Viewer,
		Routes: []api.Route{
			{Method: http.MethodGet, Path: "/models", Least: people.Viewer, Handler: m.serve},
			{Method: http.MethodPost, Path: "/models", Least: people.Operator, Limit: bundle.MaxSize + 64<<10, Slow: true, Handler: m.push},
			{Method: http.MethodPost, Path: "/models/:version/champion", Least: people.Admin, Limit: form, Handler: m.promote},
			{Method: http.MethodPost, Path: "/models/back", Least: people.Admin, Limit: form, Handler: m.back},
			{Method: http.MethodPost, Path: "/models/:version/delete", Least: people.Admin, Limit: form, Handler: m.remove},
		},
		Steps: []Step{{Name: "registry", Path: "/models", Least: people.Viewer, Count: m.count}},
	}
}

// count says how many models there are; one waits for an admin while there are
// some and none is the champion.
func (m *Models) count(ctx context.Context) (Count, error) {
	versions, err := m.Registry.Versions(ctx)
	if err != nil {
		return Count{}, err
	}
	now, err := m.Registry.Alias(ctx)
	count := Count{Done: len(versions)}
	if now.Number == 0 && len(versions) > 0 {
		count.Waiting = 1
	}
	return count, err
}

type modelsView struct {
	Versions []versionView
	Moves    []moveView
	Revision int64
	CanPush  bool
	CanMove  bool
	CanBack  bool
	Boards   bool   // a promotion may start a rollout
	Fault    string // why the champion does not answer
	Starting bool
}

type versionView struct {
	Number   int64
	Name     string
	ID       string
	Trained  string
	Rendered bool
	Variants []string
	Bytes    int64
	By       string
	When     web.Moment
	Notes    string
	Champion bool
	Deleted  bool
}

type moveView struct {
	From, To   int64
	By, Reason string
	When       web.Moment
}

func (m *Models) serve(c *gin.Context) {
	v := m.Console.voice(c)
	versions, err := m.Registry.Versions(c.Request.Context())
	if err != nil {
		m.Console.fail(c, err)
		return
	}
	now, err := m.Registry.Alias(c.Request.Context())
	if err != nil {
		m.Console.fail(c, err)
		return
	}
	moves, err := m.Registry.Moves(c.Request.Context(), shownMoves)
	if err != nil {
		m.Console.fail(c, err)
		return
	}
	who, _ := api.Who(c)
	state := m.State()
	view := modelsView{
		Revision: now.Revision, CanPush: who.Role.Allows(people.Operator), CanMove: who.Role.Allows(people.Admin),
		CanBack: len(moves) > 0 && moves[0].From != 0, Fault: state.Err, Starting: state.Starting,
		Boards: m.Rollouts != nil,
	}
	for _, one := range versions {
		view.Versions = append(view.Versions, versionView{
			Number: one.Number, Name: one.Facts.Name, ID: one.Bundle, Variants: one.Facts.Variants, Bytes: one.Bytes, By: one.PushedBy,
			Trained:  v.Count("hub.predict.trained."+one.Facts.Provenance.Kind, one.Facts.Provenance.Images),
			Rendered: one.Facts.Provenance.Kind == bundle.KindRendered,
			When:     v.ago(one.PushedAt), Notes: one.Notes, Champion: one.Number == now.Number, Deleted: one.Deleted,
		})
	}
	for _, move := range moves {
		view.Moves = append(view.Moves, moveView{move.From, move.To, move.By, move.Reason, v.ago(move.At)})
	}
	m.Console.show(c, http.StatusOK, page{Name: "models", Nav: "models", Title: v.Say("hub.models.title"), Body: view})
}

func (m *Models) push(c *gin.Context) {
	form, err := c.Request.MultipartReader()
	if err != nil {
		m.refused(c, errNoFile)
		return
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			m.refused(c, errNoFile)
			return
		}
		if err != nil {
			m.refused(c, err)
			return
		}
		if part.FormName() == "bundle" && part.FileName() != "" {
			m.take(c, part)
			return
		}
	}
}

// errNoFile: a form without the file that it is for.
var errNoFile = errors.New("no file was chosen")

func (m *Models) take(c *gin.Context, r io.Reader) {
	who, _ := api.Who(c)
	version, created, err := m.Registry.Push(c.Request.Context(), r, who.Name, "")
	if err == nil && created {
		err = m.Console.opts.Audit.Write(c.Request.Context(), who.Name, "model.push", fmt.Sprintf("model %d", version.Number), version.Facts.Name+" "+version.Bundle[:12])
	}
	if err != nil {
		m.refused(c, err)
		return
	}
	key := "hub.models.pushed"
	if !created {
		key = "hub.models.known"
	}
	m.Console.flash(c, key, "version", version.Number, "name", version.Facts.Name)
	c.Redirect(http.StatusSeeOther, "/models")
}

func (m *Models) promote(c *gin.Context) {
	number, _ := strconv.ParseInt(c.Param("version"), 10, 64)       // 0 is no version
	revision, _ := strconv.ParseInt(c.PostForm("revision"), 10, 64) // and a wrong one is refused
	who, _ := api.Who(c)
	move, err := m.Registry.Move(c.Request.Context(), number, revision, who.Name, c.PostForm("reason"))
	m.moved(c, move, err)
}

// onward is what follows a move of the champion for the boards: nothing, a
// rollout to all of them, or the form that starts one.
func (m *Models) onward(c *gin.Context, move registry.Move) {
	next := "/models"
	switch boards := c.PostForm("boards"); {
	case m.Rollouts == nil || boards == "" || boards == "none":
		m.Console.flash(c, "hub.models.moved", "version", move.To)
	case boards == "all":
		one, err := m.Rollouts.Start(c.Request.Context(), move.By, rollout.Order{Version: move.To, Reason: move.Reason, Plan: rollout.Plan{Soak: int64(rollout.DefaultSoak.Seconds())}})
		if err != nil {
			m.Console.flash(c, "hub.models.moved_alone", "version", move.To, "why", err)
			break
		}
		m.Console.flash(c, "hub.models.moved_rollout", "version", move.To, "number", one.Number)
		next = "/rollouts/one/" + one.ID
	default:
		m.Console.flash(c, "hub.models.moved", "version", move.To)
		next = "/rollouts/new?" + url.Values{"version": {strconv.FormatInt(move.To, 10)}, "reason": {move.Reason}}.Encode()
	}
	c.Redirect(http.StatusSeeOther, next)
}

func (m *Models) back(c *gin.Context) {
	revision, _ := strconv.ParseInt(c.PostForm("revision"), 10, 64) // a wrong one is refused
	who, _ := api.Who(c)
	move, err := m.Registry.Back(c.Request.Context(), revision, who.Name, c.PostForm("reason"))
	m.moved(c, move, err)
}

func (m *Models) moved(c *gin.Context, move registry.Move, err error) {
	if err == nil {
		err = m.Console.opts.Audit.Write(c.Request.Context(), move.By, "model.champion", fmt.Sprintf("model %d", move.To),
			fmt.Sprintf("%d → %d: %s", move.From, move.To, move.Reason))
	}
	if err != nil {
		m.refused(c, err)
		return
	}
	m.onward(c, move)
}

func (m *Models) remove(c *gin.Context) {
	v := m.Console.voice(c)
	number, _ := strconv.ParseInt(c.Param("version"), 10, 64) // 0 is no version
	version, err := m.Registry.Version(c.Request.Context(), number)
	if err != nil {
		m.refused(c, err)
		return
	}
	if !m.Console.ask(c, question{
		Nav: "models", Title: v.Say("hub.models.delete_title", "version", number, "name", version.Facts.Name),
		Facts: []string{v.Say("hub.models.delete_fact", "bytes", v.Bytes(version.Bytes))}, Undo: v.Say("hub.models.delete_undo"),
		Button: v.Say("hub.models.delete_button", "version", number), Back: "/models",
	}) {
		return
	}
	who, _ := api.Who(c)
	err = m.Registry.Delete(c.Request.Context(), number)
	if err == nil {
		err = m.Console.opts.Audit.Write(c.Request.Context(), who.Name, "model.delete", fmt.Sprintf("model %d", number), version.Facts.Name)
	}
	if err != nil {
		m.refused(c, err)
		return
	}
	m.Console.flash(c, "hub.models.deleted", "version", number)
	c.Redirect(http.StatusSeeOther, "/models")
}

// refused says in words why something was not done, on the page of models.
func (m *Models) refused(c *gin.Context, err error) {
	var long *http.MaxBytesError
	key := ""
	switch {
	case errors.Is(err, registry.ErrNotFound):
		m.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	case errors.Is(err, registry.ErrChampion):
		key = "hub.models.fault.champion"
	case errors.Is(err, registry.ErrInUse):
		key = "hub.models.fault.in_use"
	case errors.Is(err, registry.ErrChanged):
		key = "hub.models.fault.changed"
	case errors.Is(err, registry.ErrReason):
		key = "hub.models.fault.reason"
	case errors.Is(err, registry.ErrNothingBefore):
		key = "hub.models.fault.nothing_before"
	case errors.Is(err, registry.ErrTooLarge), errors.As(err, &long):
		key = "hub.models.fault.too_large"
	case errors.Is(err, errNoFile):
		key = "hub.models.fault.no_file"
	case errors.Is(err, bundle.ErrPreprocess), errors.Is(err, bundle.ErrVersion):
		key = "hub.models.fault.newer"
	case errors.Is(err, bundle.ErrBundle):
		key = "hub.models.fault.bundle"
	default:
		m.Console.fail(c, err)
		return
	}
	m.Console.flash(c, key, "why", err)
	c.Redirect(http.StatusSeeOther, "/models")
}

package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/rollout"
	"gourdian/cloud/internal/trust"
	"gourdian/internal/keyring"
)

// Root is the root of trust; *trust.Repo is one.
type Root interface {
	RootText() string
	Root() keyring.Root
	Rotate(ctx context.Context, data []byte) error
}

// Rollouts gives rollouts and the root of trust to programs.
type Rollouts struct {
	rollouts *rollout.Rollouts
	root     Root
	audit    *people.Audit
	log      *slog.Logger
}

// NewRollouts returns the addresses of rollouts.
func NewRollouts(r *rollout.Rollouts, root Root, audit *people.Audit, log *slog.Logger) *Rollouts {
	return &Rollouts{r, root, audit, log}
}

// shownRollouts is how many of the newest are listed.
const shownRollouts = 100

// Routes are the addresses.
func (r *Rollouts) Routes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/rollouts", Least: people.Viewer, Handler: r.list},
		{Method: http.MethodPost, Path: "/api/v1/rollouts", Least: people.Admin, Handler: r.start},
		{Method: http.MethodGet, Path: "/api/v1/rollouts/:id", Least: people.Viewer, Handler: r.one},
		{Method: http.MethodPost, Path: "/api/v1/rollouts/:id/pause", Least: people.Operator, Handler: r.pause},
		{Method: http.MethodPost, Path: "/api/v1/rollouts/:id/resume", Least: people.Admin, Handler: r.resume},
		{Method: http.MethodPost, Path: "/api/v1/rollouts/:id/abort", Least: people.Admin, Handler: r.abort},
		{Method: http.MethodGet, Path: "/api/v1/trust/root", Least: people.Viewer, Handler: r.showRoot},
		{Method: http.MethodPost, Path: "/api/v1/trust/root", Least: people.Admin, Handler: r.takeRoot},
	}
}

type rolloutAnswer struct {
	ID        string          `json:"id"`
	Number    int64           `json:"number"`
	Version   int64           `json:"version"`
	Bundle    string          `json:"bundle"`
	State     rollout.State   `json:"state"`
	Why       string          `json:"why,omitempty"`
	Who       string          `json:"who"`
	Reason    string          `json:"reason"`
	Wave      int             `json:"wave"` // the newest that was told, from 1
	Plan      rollout.Plan    `json:"plan"`
	StartedAt time.Time       `json:"started_at"`
	EndedAt   *time.Time      `json:"ended_at,omitempty"`
	Counts    rollout.Counts  `json:"counts"`
	Boards    []rolloutBoard  `json:"boards,omitempty"`
	History   []rolloutRemark `json:"history,omitempty"`
}

type rolloutBoard struct {
	Device string           `json:"device"`
	Name   string           `json:"name"`
	Site   string           `json:"site"`
	Online bool             `json:"online"`
	Wave   int              `json:"wave"`
	State  rollout.Standing `json:"state"`
	Stage  string           `json:"stage,omitempty"`
	Step   string           `json:"step,omitempty"`
	Why    string           `json:"why,omitempty"`
	Done   int64            `json:"done_bytes"`
	Total  int64            `json:"total_bytes"`
	Reused int64            `json:"reused_bytes"`
}

type rolloutRemark struct {
	At     time.Time `json:"at"`
	Who    string    `json:"who,omitempty"`
	What   string    `json:"what"`
	Detail string    `json:"detail,omitempty"`
}

func rolloutAnswerOf(one rollout.Rollout, counts rollout.Counts) rolloutAnswer {
	a := rolloutAnswer{
		ID: one.ID, Number: one.Number, Version: one.Version, Bundle: one.Bundle, State: one.State, Why: one.Why, Who: one.Who,
		Reason: one.Reason, Wave: one.Wave + 1, Plan: one.Plan(), StartedAt: one.StartedAt(), Counts: counts,
	}
	if end := one.Ended(); !end.IsZero() {
		a.EndedAt = &end
	}
	return a
}

func (r *Rollouts) list(c *gin.Context) {
	list, err := r.rollouts.List(c.Request.Context(), shownRollouts)
	var counts map[string]rollout.Counts
	if err == nil {
		counts, err = r.rollouts.CountsOf(c.Request.Context(), list)
	}
	if err != nil {
		r.fail(c, err)
		return
	}
	out := make([]rolloutAnswer, len(list))
	for i, one := range list {
		out[i] = rolloutAnswerOf(one, counts[one.ID])
	}
	c.JSON(http.StatusOK, gin.H{"rollouts": out})
}

func (r *Rollouts) start(c *gin.Context) {
	var order struct {
		Version int64        `json:"version"`
		Reason  string       `json:"reason"`
		Plan    rollout.Plan `json:"plan"`
	}
	if err := c.ShouldBindJSON(&order); err != nil {
		Fail(c, http.StatusBadRequest, "bad_json", "The request is not the JSON that it should be.", "docs/hub-api.md shows it.")
		return
	}
	who, _ := Who(c)
	one, err := r.rollouts.Start(c.Request.Context(), who.Name, rollout.Order{Version: order.Version, Reason: order.Reason, Plan: order.Plan})
	if err != nil {
		r.fail(c, err)
		return
	}
	r.answer(c, http.StatusCreated, one)
}

func (r *Rollouts) one(c *gin.Context) {
	one, err := r.rollouts.Rollout(c.Request.Context(), c.Param("id"))
	if err != nil {
		r.fail(c, err)
		return
	}
	r.answer(c, http.StatusOK, one)
}

// answer tells all about one rollout.
func (r *Rollouts) answer(c *gin.Context, status int, one rollout.Rollout) {
	boards, err := r.rollouts.Boards(c.Request.Context(), one.ID)
	var history []rollout.Event
	if err == nil {
		history, err = r.rollouts.History(c.Request.Context(), one.ID)
	}
	if err != nil {
		r.fail(c, err)
		return
	}
	a := rolloutAnswerOf(one, rollout.Counts{})
	for _, b := range boards {
		a.Counts[b.State]++
		a.Boards = append(a.Boards, rolloutBoard{
			Device: b.Device, Name: b.Name, Site: b.Site, Online: b.Online, Wave: b.Wave + 1, State: b.State, Stage: b.Stage, Step: b.Step,
			Why: b.Why, Done: b.DoneBytes, Total: b.Total, Reused: b.Reused,
		})
	}
	for _, e := range history {
		a.History = append(a.History, rolloutRemark{e.At(), e.Who, e.What, e.Detail})
	}
	c.JSON(status, a)
}

func (r *Rollouts) pause(c *gin.Context) {
	who, _ := Who(c)
	one, err := r.rollouts.Pause(c.Request.Context(), who.Name, c.Param("id"))
	r.changed(c, one, err)
}

func (r *Rollouts) resume(c *gin.Context) {
	who, _ := Who(c)
	one, err := r.rollouts.Resume(c.Request.Context(), who.Name, c.Param("id"))
	r.changed(c, one, err)
}

func (r *Rollouts) abort(c *gin.Context) {
	var order struct {
		Reason string `json:"reason"`
		Revert bool   `json:"revert"`
	}
	if err := c.ShouldBindJSON(&order); err != nil {
		Fail(c, http.StatusBadRequest, "bad_json", "The request is not the JSON that it should be.", "docs/hub-api.md shows it.")
		return
	}
	who, _ := Who(c)
	one, err := r.rollouts.Abort(c.Request.Context(), who.Name, c.Param("id"), order.Reason, order.Revert)
	r.changed(c, one, err)
}

func (r *Rollouts) changed(c *gin.Context, one rollout.Rollout, err error) {
	if err != nil {
		r.fail(c, err)
		return
	}
	r.answer(c, http.StatusOK, one)
}

func (r *Rollouts) showRoot(c *gin.Context) {
	c.Data(http.StatusOK, "application/json", []byte(r.root.RootText()))
}

// takeRoot takes the next root, which a person has signed elsewhere.
func (r *Rollouts) takeRoot(c *gin.Context) {
	data, err := io.ReadAll(io.LimitReader(c.Request.Body, keyring.MaxRoot+1))
	if err == nil {
		err = r.root.Rotate(c.Request.Context(), data)
	}
	who, _ := Who(c)
	root := r.root.Root()
	if err == nil {
		err = r.audit.Write(c.Request.Context(), who.Name, "trust.root", fmt.Sprintf("root %d", root.Version()), "until "+root.Expires().Format(time.DateOnly))
	}
	if err != nil {
		r.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"version": root.Version(), "expires": root.Expires()})
}

func (r *Rollouts) fail(c *gin.Context, err error) {
	switch {
	case errors.Is(err, rollout.ErrNotFound):
		Fail(c, http.StatusNotFound, "no_such_rollout", "There is no such rollout.", "GET /api/v1/rollouts lists them.")
	case errors.Is(err, rollout.ErrVersion):
		Fail(c, http.StatusNotFound, "no_such_model", "There is no such model version.", "GET /api/v1/models lists them.")
	case errors.Is(err, rollout.ErrReason):
		Fail(c, http.StatusBadRequest, "no_reason", "A reason of 1 to 500 bytes is needed.", "Say why, for those who ask later.")
	case errors.Is(err, rollout.ErrState):
		Fail(c, http.StatusConflict, "wrong_state", "The rollout's state does not allow that.", "Look at it again.")
	case errors.Is(err, rollout.ErrNobody):
		Fail(c, http.StatusUnprocessableEntity, "no_board", "No board is meant: "+err.Error()+".", "GET /api/v1/boards lists those that may be.")
	case errors.Is(err, rollout.ErrPlan):
		Fail(c, http.StatusUnprocessableEntity, "bad_plan", "The plan can't be carried out: "+err.Error()+".", "docs/hub-api.md shows one.")
	case errors.Is(err, keyring.ErrRoot):
		Fail(c, http.StatusUnprocessableEntity, "bad_root", "The root is refused: "+err.Error()+".", "Make the next one of GET /api/v1/trust/root and sign it: gourdianctl keys rotate, keys sign.")
	case errors.Is(err, trust.ErrKeys):
		Fail(c, http.StatusUnprocessableEntity, "no_key", "The hub lacks a key: "+err.Error()+".", "Put the key file into the hub's folder of keys first.")
	default:
		r.log.Error("rollouts", "path", c.FullPath(), "error", err)
		Fail(c, http.StatusInternalServerError, "internal", "The hub made a mistake.", "Try again; the hub's log says more.")
	}
}

package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/registry"
	"gourdian/internal/bundle"
)

// Models gives the registry to programs.
type Models struct {
	registry *registry.Registry
	audit    *people.Audit
	log      *slog.Logger
}

// NewModels returns the addresses of the registry.
func NewModels(g *registry.Registry, audit *people.Audit, log *slog.Logger) *Models {
	return &Models{g, audit, log}
}

// Routes are the addresses.
func (m *Models) Routes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/models", Least: people.Viewer, Handler: m.list},
		{Method: http.MethodPost, Path: "/api/v1/models", Least: people.Operator, Limit: bundle.MaxSize + 1, Slow: true, Handler: m.push},
		{Method: http.MethodGet, Path: "/api/v1/models/:version/bundle", Least: people.Viewer, Slow: true, Handler: m.download},
		{Method: http.MethodDelete, Path: "/api/v1/models/:version", Least: people.Admin, Handler: m.remove},
		{Method: http.MethodGet, Path: "/api/v1/champion", Least: people.Viewer, Handler: m.champion},
		{Method: http.MethodPost, Path: "/api/v1/champion", Least: people.Admin, Handler: m.promote},
	}
}

type modelAnswer struct {
	Version   int64     `json:"version"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Task      string    `json:"task"`
	Bytes     int64     `json:"bytes"`
	Variants  []string  `json:"variants"`
	TrainedOn string    `json:"trained_on"`
	Images    int       `json:"images"`
	PushedBy  string    `json:"pushed_by"`
	PushedAt  time.Time `json:"pushed_at"`
	Notes     string    `json:"notes,omitempty"`
	Deleted   bool      `json:"deleted,omitempty"`
	Champion  bool      `json:"champion"`
	Created   bool      `json:"created,omitempty"`
}

func answerOf(v registry.Version, now registry.Alias) modelAnswer {
	return modelAnswer{
		Version: v.Number, ID: v.Bundle, Name: v.Facts.Name, Task: v.Facts.Task, Bytes: v.Bytes, Variants: v.Facts.Variants,
		TrainedOn: v.Facts.Provenance.Kind, Images: v.Facts.Provenance.Images, PushedBy: v.PushedBy, PushedAt: v.PushedAt, Notes: v.Notes,
		Deleted: v.Deleted, Champion: v.Number == now.Number,
	}
}

func (m *Models) list(c *gin.Context) {
	versions, err := m.registry.Versions(c.Request.Context())
	if err != nil {
		m.fail(c, err)
		return
	}
	now, err := m.registry.Alias(c.Request.Context())
	if err != nil {
		m.fail(c, err)
		return
	}
	out := make([]modelAnswer, len(versions))
	for i, v := range versions {
		out[i] = answerOf(v, now)
	}
	c.JSON(http.StatusOK, gin.H{"models": out})
}

func (m *Models) push(c *gin.Context) {
	who, _ := Who(c)
	v, created, err := m.registry.Push(c.Request.Context(), c.Request.Body, who.Name, c.Query("notes"))
	if err != nil {
		m.fail(c, err)
		return
	}
	if created {
		err = m.audit.Write(c.Request.Context(), who.Name, "model.push", subject(v.Number), v.Facts.Name+" "+v.Bundle[:12])
	}
	if err != nil {
		m.fail(c, err)
		return
	}
	now, err := m.registry.Alias(c.Request.Context())
	if err != nil {
		m.fail(c, err)
		return
	}
	answer := answerOf(v, now)
	answer.Created = created
	c.JSON(http.StatusOK, answer)
}

// subject is how the audit log names a version.
func subject(version int64) string { return fmt.Sprintf("model %d", version) }

func (m *Models) download(c *gin.Context) {
	number, ok := m.versionOf(c)
	if !ok {
		return
	}
	v, err := m.registry.Version(c.Request.Context(), number)
	if err == nil && v.Deleted {
		err = registry.ErrNotFound
	}
	if err != nil {
		m.fail(c, err)
		return
	}
	c.Header("Content-Type", "application/octet-stream")
	c.Header("Content-Length", strconv.FormatInt(v.Bytes, 10))
	c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="model-%d.gourdian"`, v.Number))
	if err := m.registry.WriteTo(c.Request.Context(), number, c.Writer); err != nil {
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
}

func (m *Models) remove(c *gin.Context) {
	number, ok := m.versionOf(c)
	if !ok {
		return
	}
	who, _ := Who(c)
	err := m.registry.Delete(c.Request.Context(), number)
	if err == nil {
		err = m.audit.Write(c.Request.Context(), who.Name, "model.delete", subject(number), "")
	}
	if err != nil {
		m.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func (m *Models) champion(c *gin.Context) {
	now, err := m.registry.Alias(c.Request.Context())
	if err != nil {
		m.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"version": now.Number, "revision": now.Revision})
}

func (m *Models) promote(c *gin.Context) {
	var order struct {
		Version  int64  `json:"version"`
		Revision int64  `json:"revision"`
		Reason   string `json:"reason"`
	}
	if err := c.ShouldBindJSON(&order); err != nil {
		Fail(c, http.StatusBadRequest, "bad_json", "The request is not the JSON that it should be.", "docs/hub-api.md shows it.")
		return
	}
	who, _ := Who(c)
	move, err := m.registry.Move(c.Request.Context(), order.Version, order.Revision, who.Name, order.Reason)
	if err == nil {
		err = m.audit.Write(c.Request.Context(), who.Name, "model.champion", subject(move.To), fmt.Sprintf("%d → %d: %s", move.From, move.To, move.Reason))
	}
	if err != nil {
		m.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"version": move.To, "revision": move.Revision})
}

func (m *Models) versionOf(c *gin.Context) (int64, bool) {
	number, err := strconv.ParseInt(c.Param("version"), 10, 64)
	if err != nil || number < 1 {
		m.fail(c, registry.ErrNotFound)
		return 0, false
	}
	return number, true
}

func (m *Models) fail(c *gin.Context, err error) {
	var long *http.MaxBytesError
	switch {
	case errors.Is(err, registry.ErrNotFound):
		Fail(c, http.StatusNotFound, "no_such_model", "There is no such model version.", "GET /api/v1/models lists them.")
	case errors.Is(err, registry.ErrChampion):
		Fail(c, http.StatusConflict, "is_champion", "The champion can't be deleted.", "Make another version the champion first.")
	case errors.Is(err, registry.ErrInUse):
		Fail(c, http.StatusConflict, "in_use", "A rollout of this version is not finished.", "Abort it first, or wait until it is done.")
	case errors.Is(err, registry.ErrChanged):
		Fail(c, http.StatusConflict, "changed", "Somebody else moved the champion meanwhile.", "Read /api/v1/champion again and decide anew.")
	case errors.Is(err, registry.ErrReason):
		Fail(c, http.StatusBadRequest, "no_reason", "A reason of 1 to 500 bytes is needed.", "Say why, for those who ask later.")
	case errors.Is(err, registry.ErrTooLarge), errors.As(err, &long):
		Fail(c, http.StatusRequestEntityTooLarge, "too_large", "The file is larger than any bundle.", "A bundle has at most 256 MB.")
	case errors.Is(err, bundle.ErrPreprocess), errors.Is(err, bundle.ErrVersion):
		Fail(c, http.StatusUnprocessableEntity, "newer_bundle", "The bundle was made for another version: "+err.Error()+".", "Update the hub, or make the model with this version.")
	case errors.Is(err, bundle.ErrBundle):
		Fail(c, http.StatusUnprocessableEntity, "bad_bundle", "The bundle is refused: "+err.Error()+".", "Make it again with gourdianctl model train, or send it again.")
	default:
		m.log.Error("models", "path", c.FullPath(), "error", err)
		Fail(c, http.StatusInternalServerError, "internal", "The hub made a mistake.", "Try again; the hub's log says more.")
	}
}

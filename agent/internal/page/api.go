package page

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/store"
)

// apiFault is what every error under /api/v1 looks like.
type apiFault struct {
	Error apiFaultText `json:"error"`
}

type apiFaultText struct {
	Code    string `json:"code"`    // for programs; never changes its meaning
	Message string `json:"message"` // what is wrong, in English
	Hint    string `json:"hint"`    // what to do about it
}

// registerAPI adds what programs read. Looking is free; changes need the PIN.
func (s *Server) registerAPI(r *gin.Engine) {
	r.GET("/healthz", s.serveHealth)
	r.GET("/metrics", gin.WrapH(s.metrics))
	r.GET("/events", s.serveEvents)

	v1 := r.Group("/api/v1")
	v1.GET("/status", s.serveStatus)
	v1.GET("/records", s.serveRecords)
	v1.GET("/records/:seq", s.serveRecord)
	v1.PUT("/records/:seq/correction", s.requirePIN(), s.putCorrection)
	v1.DELETE("/records/:seq/correction", s.requirePIN(), s.deleteCorrection)
	v1.GET("/days", s.serveDays)
	v1.GET("/days/:date", s.serveDay)
	v1.GET("/cameras/:id/frame.jpg", s.serveFrame)
	v1.GET("/pictures/:file", s.servePicture)
}

// apiError answers with an error for programs.
func apiError(c *gin.Context, status int, code, message, hint string) {
	writeJSON(c, status, apiFault{apiFaultText{Code: code, Message: message, Hint: hint}})
}

// writeJSON answers with v as a whole, or with an error where v can't be
// written: half an object would look like a broken line.
func writeJSON(c *gin.Context, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
		data = []byte(`{"error":{"code":"internal","message":"The answer can't be written.","hint":"Tell the maintainers."}}`)
	}
	c.Data(status, "application/json; charset=utf-8", append(data, '\n'))
}

// storeFault answers with what the store said.
func (s *Server) storeFault(c *gin.Context, err error) {
	switch {
	case errors.Is(err, store.ErrNotFound):
		apiError(c, http.StatusNotFound, "not_found", "The board does not keep this.", "GET /api/v1/records lists what there is; pictures go before records when room is short.")
	case errors.Is(err, store.ErrFull):
		apiError(c, http.StatusInsufficientStorage, "full", "The board has no room to store this.", "Make room on its disk; /healthz says more.")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, store.ErrClosed):
		apiError(c, http.StatusServiceUnavailable, "stopping", "The board is stopping or busy.", "Try again in a few seconds.")
	default:
		s.log.Error("the store failed a request", "path", c.Request.URL.Path, "error", err)
		apiError(c, http.StatusInternalServerError, "internal", "The board could not read what it keeps.", "Try again; the board's log says more.")
	}
}

func badRequest(c *gin.Context, message, hint string) {
	apiError(c, http.StatusBadRequest, "bad_request", message, hint)
}

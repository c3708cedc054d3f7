package page

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
)

// serveFrame answers with a camera's newest picture. One that is no longer live
// is given only to those who ask for it with stale=ok.
func (s *Server) serveFrame(c *gin.Context) {
	id := c.Param("id")
	jpeg, at, seq, ok := s.opts.Board.Frame(id)
	if !ok {
		s.noFrame(c, id)
		return
	}
	age := time.Since(at)
	c.Header("X-Frame-Age", seconds(age))
	c.Header("X-Frame-Seq", strconv.FormatUint(seq, 10))
	if age > live.StaleAfter && c.Query("stale") != "ok" {
		apiError(c, http.StatusServiceUnavailable, "stale", "The newest picture is "+seconds(age)+" s old.",
			"/healthz says why; add ?stale=ok to get it all the same.")
		return
	}
	if c.Query("seq") == strconv.FormatUint(seq, 10) { // the same picture for ever, within this start of the board
		c.Header("Cache-Control", "private, max-age=60, immutable")
	}
	c.Data(http.StatusOK, "image/jpeg", jpeg)
}

func (s *Server) noFrame(c *gin.Context, id string) {
	known := slices.ContainsFunc(s.opts.Board.State().Cameras, func(camera live.Camera) bool { return camera.ID == id })
	if !known {
		apiError(c, http.StatusNotFound, "not_found", "There is no such camera.", "GET /api/v1/status lists the cameras.")
		return
	}
	c.Header("Retry-After", "5")
	apiError(c, http.StatusServiceUnavailable, "no_picture", "The camera has given no picture yet.", "/healthz says why.")
}

// servePicture answers with a stored picture by its hash.
func (s *Server) servePicture(c *gin.Context) {
	hash, isJPEG := strings.CutSuffix(c.Param("file"), ".jpg")
	if !isJPEG || !isHash(hash) {
		badRequest(c, "A picture is named by its SHA-256 in lower-case hex and .jpg.", "GET /api/v1/records gives it as image.")
		return
	}
	picture, err := s.opts.History.Picture(hash)
	if err != nil {
		s.storeFault(c, err)
		return
	}
	defer func() { _ = picture.Close() }() // it was only read
	h := c.Writer.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("ETag", `"`+hash+`"`)
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, picture)
}

// isHash reports whether text is a SHA-256 as records name pictures. Nothing
// else reaches the store: a name becomes part of a path there.
func isHash(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

package page

import (
	"bufio"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// serveExport sends the sightings of whole days, both ends included, as a file.
func (s *Server) serveExport(c *gin.Context) {
	from, errFrom := s.dayOrZero(c.Query("from"))
	to, errTo := s.dayOrZero(c.Query("to"))
	if errFrom != nil || errTo != nil || !from.IsZero() && !to.IsZero() && to.Before(from) {
		s.showHistory(c, http.StatusUnprocessableEntity, true)
		return
	}
	if !to.IsZero() {
		to = to.AddDate(0, 0, 1)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+exportName(c.Query("from"), c.Query("to"))+`"`)
	out := bufio.NewWriterSize(newPatientWriter(c.Writer), 32<<10)
	err := s.opts.History.Export(c.Request.Context(), out, from, to)
	if err == nil {
		err = out.Flush()
	}
	if err == nil || c.Request.Context().Err() != nil {
		return
	}
	s.log.Error("an export broke off", "error", err)
	if c.Writer.Written() {
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
	h.Del("Content-Disposition")
	s.historyTrouble(c, err)
}

func (s *Server) dayOrZero(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.ParseInLocation(time.DateOnly, text, s.opts.Location)
}

func exportName(from, to string) string {
	switch {
	case from == "" && to == "":
		return "sightings.csv"
	case from == to:
		return "sightings-" + from + ".csv"
	}
	return "sightings-" + from + "-to-" + to + ".csv"
}

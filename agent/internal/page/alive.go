package page

import (
	"context"
	"net/http"
	"time"

	"gourdian/internal/service"
	"gourdian/internal/web"
)

// askEvery is how often the page asks itself whether it still answers.
const askEvery = 5 * time.Second

// beat asks the page how the board is, as a reader would but past the network:
// readers who take every connection must not look like a page that hangs. What
// hangs on a lock never comes back from here, and the beats end.
func (s *Server) beat(ctx context.Context) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/healthz", nil)
	if err != nil {
		return // can't be: the address is right
	}
	answer := &deafWriter{header: http.Header{}}
	s.handler.ServeHTTP(answer, request)
	if answer.status != 0 {
		service.Beat(ctx)
	}
}

// deafWriter takes an answer and keeps its status only.
type deafWriter struct {
	header http.Header
	status int
}

func (w *deafWriter) Header() http.Header { return w.header }

func (w *deafWriter) WriteHeader(status int) { w.status = status }

func (w *deafWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return len(p), nil
}

// HealthLine says how the board is in one line of English, as the top of the
// page does.
func (s *Server) HealthLine() string {
	return s.healthLine(s.pages.voices[web.English], s.opts.Board.State()).Text
}

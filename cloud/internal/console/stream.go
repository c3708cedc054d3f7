package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
)

const (
	maxStreams  = 64               // open pages; others ask every ten seconds
	streamLook  = 2 * time.Second  // between two looks at what a page shows
	streamBeat  = 12 * time.Second // at most between two events, by which a page knows that its line is alive
	streamLife  = 2 * time.Minute  // then a browser connects again, and is asked anew who it is
	streamRetry = 3 * time.Second  // after which it does
	streamWrite = 10 * time.Second // for one event; a slow reader skips what lies between
)

// streams counts the open ones.
type streams struct {
	mu   sync.Mutex // guards open
	open int
}

func (s *streams) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= maxStreams {
		return false
	}
	s.open++
	return true
}

func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

// part is a part of a page that changes by itself: a template of the page, and
// its view, which is made anew for each look.
type part struct {
	Page, Name string
	View       func(c *gin.Context) (view any, err error)
}

// errNotThere: what a part shows is gone.
var errNotThere = errors.New("it is not there")

// routes are the two addresses of a part for whoever may look: /parts/… for a
// page that asks every ten seconds, /events/… for one that is told. A section is
// made before its console is known.
func (p part) routes(path string, on func() *Console) []api.Route {
	return []api.Route{
		{Method: http.MethodGet, Path: "/parts" + path, Least: people.Viewer, Handler: func(c *gin.Context) { on().servePart(c, p) }},
		{Method: http.MethodGet, Path: "/events" + path, Least: people.Viewer, Slow: true, Handler: func(c *gin.Context) { on().serveEvents(c, p) }},
	}
}

func (k *Console) servePart(c *gin.Context, p part) {
	view, err := p.View(c)
	if errors.Is(err, errNotThere) {
		k.ShowError(c, http.StatusNotFound, "not_found")
		return
	}
	if err != nil {
		k.fail(c, err)
		return
	}
	k.showPart(c, p.Page, p.Name, view)
}

// serveEvents tells a page what has changed: an event "part" whose data is the
// part's new HTML.
func (k *Console) serveEvents(c *gin.Context, p part) {
	if !k.streams.begin() {
		c.Header("Retry-After", "30")
		c.String(http.StatusServiceUnavailable, "too many pages are open")
		return
	}
	defer k.streams.end()
	ctx, cancel := context.WithTimeout(c.Request.Context(), streamLife)
	defer cancel()
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	c.Status(http.StatusOK)
	if err := k.tell(ctx, c, p); err != nil && ctx.Err() == nil {
		k.opts.Log.Debug("an event stream ended", "page", p.Page, "error", err)
	}
}

func (k *Console) tell(ctx context.Context, c *gin.Context, p part) error {
	who, _ := api.Who(c)
	out := http.NewResponseController(c.Writer)
	var sent []byte
	var at time.Time
	ticker := time.NewTicker(streamLook)
	defer ticker.Stop()
	if err := k.event(c, out, fmt.Sprintf("retry: %d\n\n", streamRetry.Milliseconds())); err != nil {
		return err
	}
	for {
		now, err := k.opts.People.Get(ctx, who.ID)
		if err != nil || now.Disabled || now.Role != who.Role {
			return err // who may not look any more is not told any more
		}
		view, err := p.View(c)
		if err != nil {
			return err
		}
		var html bytes.Buffer
		if err := k.voice(c).pages[p.Page].ExecuteTemplate(&html, p.Name, view); err != nil {
			return err
		}
		if !bytes.Equal(html.Bytes(), sent) || time.Since(at) >= streamBeat {
			sent, at = bytes.Clone(html.Bytes()), time.Now()
			if err := k.event(c, out, eventOf(sent)); err != nil {
				return err
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (k *Console) event(c *gin.Context, out *http.ResponseController, text string) error {
	if err := out.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := c.Writer.WriteString(text); err != nil {
		return err
	}
	return out.Flush()
}

// eventOf writes an event. Every line gets its field name, so that no text can
// end the event or begin another.
func eventOf(html []byte) string {
	var out strings.Builder
	out.WriteString("event: part\n")
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(html))
	for line := range strings.SplitSeq(text, "\n") {
		out.WriteString("data: " + line + "\n")
	}
	out.WriteByte('\n')
	return out.String()
}

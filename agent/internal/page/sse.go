package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
)

const (
	maxStreams    = 32                     // open pages; more than any farm has, and little memory
	eventPause    = 250 * time.Millisecond // least time between two updates of one page
	eventRefresh  = 5 * time.Second        // ages and stale pictures change without the board
	heartbeat     = 15 * time.Second       // an event without content, by which a page knows that its line is alive
	patience      = 10 * time.Second       // for one write
	retryMillis   = 3000                   // after which a browser connects again
	maxEventNames = 64
)

// streams are the open event streams. It may be used from any goroutine.
type streams struct {
	most int

	mu   sync.Mutex
	open map[uint64]context.CancelFunc // guarded by mu
	last uint64                        // number of the newest, guarded by mu
}

func newStreams(most int) *streams {
	return &streams{most: most, open: map[uint64]context.CancelFunc{}}
}

// begin opens a stream that ends with ctx, by endAll or by done; ok is false
// when too many are open.
func (s *streams) begin(ctx context.Context) (_ context.Context, done func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= s.most {
		return nil, nil, false
	}
	s.last++
	number := s.last
	ctx, cancel := context.WithCancel(ctx)
	s.open[number] = cancel
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, number)
	}, true
}

func (s *streams) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cancel := range s.open {
		cancel()
	}
}

func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// serveEvents tells a page what has changed: one event for each part of a page,
// named as the part, whose data is its new HTML. want=health,live-barn limits it
// to these parts.
func (s *Server) serveEvents(c *gin.Context) {
	ctx, done, ok := s.streams.begin(c.Request.Context())
	if !ok {
		c.Header("Retry-After", "30")
		apiError(c, http.StatusServiceUnavailable, "busy", fmt.Sprintf("%d pages are open on this board.", maxStreams),
			"Close some of them; a reload shows the truth meanwhile.")
		return
	}
	defer done()
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	c.Status(http.StatusOK)
	var want []string
	if list := c.Query("want"); list != "" {
		want = strings.SplitN(list, ",", maxEventNames)
	}
	stream := &eventStream{
		server: s, out: newPatientWriter(c.Writer), lang: s.language(c), want: want, sent: map[string][]byte{},
	}
	if err := stream.run(ctx); err != nil && ctx.Err() == nil {
		s.log.Debug("an event stream ended", "error", err)
	}
}

// eventStream is one open page.
type eventStream struct {
	server *Server
	out    *patientWriter
	lang   string
	want   []string // names of events; empty = all
	sent   map[string][]byte
	wrote  time.Time
}

// run sends until ctx is done or the reader is gone. A slow reader skips what
// lies between.
func (e *eventStream) run(ctx context.Context) error {
	if err := e.write(fmt.Sprintf("retry: %d\n\n", retryMillis)); err != nil {
		return err
	}
	board := e.server.opts.Board
	state := board.State()
	for {
		if err := e.send(state); err != nil {
			return err
		}
		if time.Since(e.wrote) >= heartbeat {
			if err := e.write("event: beat\ndata:\n\n"); err != nil {
				return err
			}
		}
		select {
		case <-time.After(eventPause):
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if state, err = nextState(ctx, board, state.Revision, e.refresh()); err != nil {
			return err
		}
	}
}

// refresh is how long a page may stand without a change of the board's state:
// ages change by themselves, and an examination of the board is no state of it.
func (e *eventStream) refresh() time.Duration {
	if e.server.opts.Doctor.State().Running {
		return eventPause
	}
	return eventRefresh
}

// nextState waits for a change, but not for longer than refresh.
func nextState(ctx context.Context, board Board, revision uint64, refresh time.Duration) (live.State, error) {
	wait, cancel := context.WithTimeout(ctx, refresh)
	defer cancel()
	state, err := board.Wait(wait, revision)
	switch {
	case err == nil:
		return state, nil
	case ctx.Err() != nil:
		return live.State{}, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return board.State(), nil
	}
	return live.State{}, err
}

// send sends every part whose HTML has changed.
func (e *eventStream) send(state live.State) error {
	var text strings.Builder
	for _, name := range eventNames(state) {
		if len(e.want) > 0 && !slices.Contains(e.want, name) {
			continue
		}
		html, err := e.server.fragment(name, e.lang, state)
		if err != nil {
			e.server.log.Error("a part of the page can't be shown", "part", name, "error", err)
			continue
		}
		if bytes.Equal(e.sent[name], html) {
			continue
		}
		e.sent[name] = html
		writeEvent(&text, state.Revision, name, html)
	}
	if text.Len() == 0 {
		return nil
	}
	return e.write(text.String())
}

func (e *eventStream) write(text string) error {
	e.wrote = time.Now()
	_, err := io.WriteString(e.out, text)
	return err
}

// eventNames are the parts of pages that change while the board runs.
func eventNames(state live.State) []string {
	names := []string{partHealth, partCounts, partChart, partRecent, partConditions, partChecks}
	for i := range state.Cameras {
		names = append(names, partLive+state.Cameras[i].ID)
		if len(state.Cameras) > 1 {
			names = append(names, partGlance+state.Cameras[i].ID)
		}
	}
	return names
}

// writeEvent writes one event. Every line of data gets its field name, so that
// no text can end the event or begin another.
func writeEvent(out *strings.Builder, id uint64, name string, data []byte) {
	out.WriteString("id: " + strconv.FormatUint(id, 10) + "\nevent: " + name + "\n")
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	for line := range strings.SplitSeq(text, "\n") {
		out.WriteString("data: " + line + "\n")
	}
	out.WriteByte('\n')
}

// patientWriter writes an answer that takes as long as it takes, as long as
// every single write is taken within a limit. It flushes each write.
type patientWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// newPatientWriter lifts the limits on the whole answer. The read limit would
// otherwise end a long answer, as the server keeps listening for the reader
// going away.
func newPatientWriter(w http.ResponseWriter) *patientWriter {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // not supported = there is none
	return &patientWriter{w: w, control: control}
}

func (p *patientWriter) Write(data []byte) (int, error) {
	if err := p.control.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := p.w.Write(data)
	if err != nil {
		return n, err
	}
	return n, p.control.Flush()
}

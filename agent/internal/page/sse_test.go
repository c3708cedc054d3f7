package page

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/live"
)

// reader is a browser that has a page open. While stalled it takes nothing.
type reader struct {
	header http.Header
	status int

	mu      sync.Mutex
	text    bytes.Buffer
	writes  int
	stalled chan struct{} // closed when the reader goes on
	gone    bool
}

func newReader() *reader { return &reader{header: http.Header{}} }

func (r *reader) Header() http.Header    { return r.header }
func (r *reader) WriteHeader(status int) { r.status = status }
func (r *reader) Flush()                 {}

func (r *reader) Write(p []byte) (int, error) {
	r.mu.Lock()
	stalled := r.stalled
	r.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return 0, errors.New("connection reset by peer")
	}
	r.writes++
	return r.text.Write(p)
}

// stall holds the reader until the returned function is called.
func (r *reader) stall() (goOn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stalled := make(chan struct{})
	r.stalled = stalled
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stalled = nil
		close(stalled)
	}
}

func (r *reader) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = true
}

// take returns the events that came since the last call.
func (r *reader) take(t *testing.T) []event {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.text.Reset()
	return parseEvents(r.text.String())
}

func (r *reader) raw() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// event is what a browser makes of a stream.
type event struct{ id, name, data string }

// parseEvents reads a stream by the rules of the HTML standard.
func parseEvents(text string) []event {
	var all []event
	var one event
	var data []string
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	for line := range strings.SplitSeq(text, "\n") {
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if data != nil {
				one.data = strings.Join(data, "\n")
				all = append(all, one)
			}
			one, data = event{}, nil
		case field == "id":
			one.id = value
		case field == "event":
			one.name = value
		case field == "data":
			data = append(data, value)
		}
	}
	return all
}

// open opens /events and returns the reader and what ends the visit; done is
// closed when the board has ended it.
func (r *rig) open(t *testing.T, target string) (out *reader, leave context.CancelFunc, done chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, done = newReader(), make(chan struct{})
	go func() {
		defer close(done)
		r.server.Handler().ServeHTTP(out, request{target: target, ctx: ctx}.build())
	}()
	synctest.Wait()
	return out, cancel, done
}

func names(events []event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.name)
	}
	return all
}

// named returns the events for some parts of a page.
func named(events []event, parts ...string) []event {
	return slices.DeleteFunc(slices.Clone(events), func(e event) bool { return !slices.Contains(parts, e.name) })
}

func TestStreamTellsWhatChangedAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		out, leave, done := r.open(t, "/events")
		first := out.raw()
		if !strings.HasPrefix(first, "retry: 3000\n\n") || out.status != http.StatusOK || out.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%d %v: %s", out.status, out.header, first)
		}
		checkGuards(t, request{target: "/events"}, r.do(request{target: "/events?x", ctx: canceled(t)}))
		for _, part := range []string{"health", "counts", "recent", "live-barn"} {
			if n := len(named(parseEvents(first), part)); n != 1 {
				t.Errorf("at first %d events for %s", n, part)
			}
		}
		out.take(t)
		r.hub.Raise(live.Condition{Code: "disk_full", Severity: live.Serious})
		pass(time.Second)
		got := out.take(t)
		if len(named(got, "health")) != 1 || len(named(got, "counts", "recent", "live-barn")) > 0 {
			t.Errorf("after a condition: %q", names(got))
		}
		r.hub.SetFrame("barn", []byte("jpeg"), time.Now(), time.Now(), 41, nil)
		pass(time.Second)
		if got := out.take(t); len(named(got, "live-barn")) != 1 || len(named(got, "recent", "counts")) > 0 {
			t.Errorf("after a picture: %q", names(got))
		}
		leave()
		<-done
		if n := r.server.streams.count(); n != 0 {
			t.Errorf("%d streams are counted as open", n)
		}
	})
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestStreamOfWantedPartsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		out, leave, done := r.open(t, "/events?want=live-barn,nothing,counts")
		if got := names(out.take(t)); !slices.Equal(got, []string{"counts", "live-barn"}) {
			t.Errorf("%q", got)
		}
		leave()
		<-done
	})
}

// TestPictureThatGoesStaleIsTold: nothing happens on the board, and that is the
// news.
func TestPictureThatGoesStaleIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.hub.SetFrame("barn", []byte("jpeg"), time.Now(), time.Now(), 1, nil)
		out, leave, done := r.open(t, "/events?want=live-barn")
		fresh := out.take(t)
		pass(live.StaleAfter + 2*eventRefresh)
		stale := out.take(t)
		if len(fresh) != 1 || len(stale) == 0 || fresh[0].data == stale[len(stale)-1].data {
			t.Errorf("a page that is open shows the old picture as live: %d events", len(stale))
		}
		leave()
		<-done
	})
}

func TestQuietStreamStaysAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		out, leave, done := r.open(t, "/events?want=nothing")
		pass(heartbeat + eventRefresh + time.Second)
		if got := out.raw(); !strings.Contains(got, "\nevent: beat\ndata:\n\n") || len(parseEvents(got)) != 1 {
			t.Errorf("%q", got)
		}
		leave()
		<-done
	})
}

func TestSlowReaderSkipsWhatLiesBetween(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		out, leave, done := r.open(t, "/events?want=health")
		out.take(t)
		goOn := out.stall()
		for i := range 200 {
			r.hub.Raise(live.Condition{Code: "disk_low", Severity: live.Warning, Args: map[string]string{"free_mb": strings.Repeat("9", i%5+1)}})
			pass(100 * time.Millisecond)
		}
		r.hub.Raise(live.Condition{Code: "disk_low", Severity: live.Warning, Args: map[string]string{"free_mb": "777"}})
		goOn()
		pass(2 * time.Second)
		got := out.take(t)
		if len(got) == 0 || len(got) > 3 || !strings.Contains(got[len(got)-1].data, "777") {
			t.Errorf("%d events for a reader that slept through 200 changes, the last: %+v", len(got), got[max(0, len(got)-1):])
		}
		leave()
		<-done
	})
}

// TestFastBoardDoesNotFloodAReader bounds the updates of each second.
func TestFastBoardDoesNotFloodAReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		out, leave, done := r.open(t, "/events?want=live-barn")
		out.take(t)
		for i := range 300 { // 30 pictures each second for 10 seconds
			r.hub.SetFrame("barn", []byte("jpeg"), time.Now(), time.Now(), uint64(i+1), nil)
			pass(time.Second / 30)
		}
		if got := len(out.take(t)); got < 20 || got > 41 {
			t.Errorf("%d updates in ten seconds", got)
		}
		leave()
		<-done
	})
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var leaves []context.CancelFunc
		var ends []chan struct{}
		for range maxStreams {
			_, leave, done := r.open(t, "/events")
			leaves, ends = append(leaves, leave), append(ends, done)
		}
		w := r.get("/events")
		if w.Code != http.StatusServiceUnavailable || fault(t, w) != "busy" || w.Header().Get("Retry-After") == "" {
			t.Errorf("one more: %d %v", w.Code, w.Header())
		}
		if w := r.get("/api/v1/status"); w.Code != http.StatusOK {
			t.Errorf("a plain look meanwhile: %d", w.Code)
		}
		leaves[0]()
		<-ends[0]
		out, leave, done := r.open(t, "/events")
		if len(out.take(t)) == 0 {
			t.Error("a reader that left made no room")
		}
		for _, end := range append(leaves, leave) {
			end()
		}
		for _, end := range append(ends, done) {
			<-end
		}
	})
}

func TestStopEndsTheStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		_, leave1, done1 := r.open(t, "/events")
		_, leave2, done2 := r.open(t, "/events?want=health")
		defer leave1()
		defer leave2()
		r.server.streams.endAll()
		<-done1
		<-done2
	})
}

func TestReaderThatIsGoneEndsItsStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		out, leave, done := r.open(t, "/events")
		defer leave()
		out.leave()
		r.hub.Raise(live.Condition{Code: "disk_full", Severity: live.Serious})
		<-done
	})
}

func FuzzEventIsOneEvent(f *testing.F) {
	f.Add("<p>All well.</p>\n")
	f.Add("x\n\nevent: evil\ndata: y\n\n")
	f.Add("a\r\rdata: b\r\n\r\n: c")
	f.Fuzz(func(t *testing.T, html string) {
		var out strings.Builder
		writeEvent(&out, 7, "health", []byte(html))
		want := event{id: "7", name: "health", data: strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(html)}
		if got := parseEvents(out.String()); len(got) != 1 || got[0] != want {
			t.Errorf("%q became %+v", html, got)
		}
	})
}

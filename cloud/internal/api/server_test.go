package api

import (
	"context"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/people"
)

// server makes a server of some routes, with an empty hub behind it.
func server(t *testing.T, change func(*Options), routes ...Route) (*Server, error) {
	t.Helper()
	d := dbtest.SQLite(t)
	p, err := people.New(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{
		ListenPlain: "127.0.0.1:0", People: p, Sessions: people.NewSessions(d, p), Health: health.New(nil),
		Routes: routes, Log: slog.New(slog.DiscardHandler), Version: "test",
	}
	if change != nil {
		change(&opts)
	}
	return New(opts)
}

func send(t *testing.T, s *Server, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler(r.TLS != nil).ServeHTTP(w, r)
	return w
}

func TestUnfinishedRoutesAreRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	ok := func(c *gin.Context) { c.Status(http.StatusNoContent) }
	for name, routes := range map[string][]Route{
		"no role":        {{Method: http.MethodGet, Path: "/a", Handler: ok}},
		"made-up role":   {{Method: http.MethodGet, Path: "/a", Least: "root", Handler: ok}},
		"no handler":     {{Method: http.MethodGet, Path: "/a", Least: Open}},
		"made-up verb":   {{Method: "FETCH", Path: "/a", Least: Open, Handler: ok}},
		"twice":          {{Method: http.MethodGet, Path: "/a", Least: Open, Handler: ok}, {Method: http.MethodGet, Path: "/a", Least: people.Admin, Handler: ok}},
		"one of the hub": {{Method: http.MethodGet, Path: "/healthz", Least: Open, Handler: ok}},
	} {
		if _, err := server(t, nil, routes...); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestLargeBodyIsRefused(t *testing.T) {
	t.Parallel()
	read := func(c *gin.Context) {
		if _, err := io.ReadAll(c.Request.Body); err != nil {
			Fail(c, http.StatusRequestEntityTooLarge, "too_large", "x", "y")
			return
		}
		c.Status(http.StatusNoContent)
	}
	s, err := server(t, nil, Route{Method: http.MethodPost, Path: "/api/v1/x", Least: Open, Limit: 10, Handler: read})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		body   string
		hidden bool // its length is not told before
		status int
	}{
		{"0123456789", false, http.StatusNoContent}, {"0123456789", true, http.StatusNoContent},
		{"0123456789a", false, http.StatusRequestEntityTooLarge}, {"0123456789a", true, http.StatusRequestEntityTooLarge},
	} {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/x", strings.NewReader(tc.body))
		if tc.hidden {
			r.ContentLength = -1
		}
		if w := send(t, s, r); w.Code != tc.status {
			t.Errorf("%+v: %d", tc, w.Code)
		}
	}
}

func TestFloodFromOneAddressLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	s, err := server(t, nil, Route{Method: http.MethodPost, Path: "/api/v1/x", Least: Open, PerMinute: 5, Handler: func(c *gin.Context) { c.Status(http.StatusNoContent) }})
	if err != nil {
		t.Fatal(err)
	}
	from := func(address string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/x", nil)
		r.RemoteAddr = address
		r.Header.Set("X-Forwarded-For", "203.0.113."+address[len(address)-1:]) // a header is no address
		return send(t, s, r)
	}
	for i := range 6 {
		w := from("[2001:db8:1:2::" + string(rune('1'+i)) + "]:100")
		if want := i < 5; (w.Code == http.StatusNoContent) != want {
			t.Errorf("request %d: %d", i, w.Code)
		}
		if i == 5 && w.Header().Get("Retry-After") == "" {
			t.Error("it is not said when to come again")
		}
	}
	if w := from("192.0.2.1:100"); w.Code != http.StatusNoContent {
		t.Errorf("another address: %d", w.Code)
	}
}

func TestFloodOfAddressesIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRate(1)
	now := time.Now()
	for i := range 3 * maxAddresses {
		r.allow(big.NewInt(int64(i)).String(), now)
	}
	if len(r.seen) > maxAddresses {
		t.Errorf("%d addresses are kept", len(r.seen))
	}
}

func TestPanicAnswersAndTheServerGoesOn(t *testing.T) {
	t.Parallel()
	s, err := server(t, nil,
		Route{Method: http.MethodGet, Path: "/api/v1/panics", Least: Open, Handler: func(*gin.Context) { panic("nil map") }})
	if err != nil {
		t.Fatal(err)
	}
	w := send(t, s, httptest.NewRequest(http.MethodGet, "/api/v1/panics", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"internal"`) || strings.Contains(w.Body.String(), "nil map") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := send(t, s, httptest.NewRequest(http.MethodHead, "/healthz", nil)); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// TestStreamEndsWithTheServer: a stream does not hold up the end of the hub, and
// its handler has left when Run returns.
func TestStreamEndsWithTheServer(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	s, err := server(t, nil, Route{Method: http.MethodGet, Path: "/api/v1/stream", Least: Open, Slow: true, Handler: func(c *gin.Context) {
		c.String(http.StatusOK, "begin")
		c.Writer.Flush()
		<-c.Request.Context().Done()
		close(left)
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-s.Ready()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr(false)+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "begin" {
		t.Errorf("%q, %v", body, err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	select {
	case <-left:
	default:
		t.Error("the handler is still there")
	}
}

func TestBusyPortIsSaidInWords(t *testing.T) {
	t.Parallel()
	first, err := server(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- first.Run(ctx) }()
	<-first.Ready()
	second, err := server(t, func(o *Options) { o.ListenPlain = first.Addr(false) })
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another program uses this port") {
		t.Errorf("Run: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/samples?label=bad": "/samples?label=bad", "": "/", "//evil.example": "/", "/\\evil.example": "/",
		"https://evil.example/": "/", "/\t/evil.example": "/", "/login?next=/": "/", "/logout": "/", "javascript:x": "/",
	} {
		if got := LocalPath(next); got != want {
			t.Errorf("%q: %q", next, got)
		}
	}
}

// TestMetricsCountRoutesNotAddresses: what strangers type makes no new series.
func TestMetricsCountRoutesNotAddresses(t *testing.T) {
	t.Parallel()
	s, err := server(t, func(o *Options) {
		o.Gauges = []Gauge{{Name: "gourdian_hub_boards", Help: "x", Value: func() float64 { return 42 }}}
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		send(t, s, httptest.NewRequest(http.MethodGet, "/typed/by/a/stranger", nil))
	}
	w := httptest.NewRecorder()
	s.metrics.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{"gourdian_hub_boards 42", `gourdian_hub_requests_total{route="none",status="4xx"} 3`, `gourdian_hub_info{version="test"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(text, "stranger") {
		t.Error("a stranger's address is a series")
	}
}

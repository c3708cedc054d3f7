package page

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

// everyRoute returns one request for each address that the page knows, for some
// that it does not, and for what its guards refuse.
func (r *rig) everyRoute(t *testing.T) []request {
	t.Helper()
	engine, ok := r.server.Handler().(*gin.Engine)
	if !ok {
		t.Fatal("the handler is not the router")
	}
	fill := strings.NewReplacer(":seq", "1", ":date", "2026-10-05", ":id", "barn", ":camera", "barn",
		":file", strings.Repeat("a", 64)+".jpg", "*path", "x")
	var all []request
	for _, route := range engine.Routes() {
		if route.Path == "/events" {
			continue // it does not end; the tests of streams look at it
		}
		target := fill.Replace(route.Path)
		if strings.ContainsAny(target, ":*") {
			target = regexp.MustCompile(`[:*]\w+`).ReplaceAllString(target, "1")
		}
		all = append(all, request{method: route.Method, target: target})
	}
	if len(all) < 12 {
		t.Fatalf("%d routes only", len(all))
	}
	return append(all,
		request{target: "/nowhere"}, request{target: "/api/v1/nowhere"}, request{target: "/api"}, request{method: http.MethodDelete, target: "/"},
		request{method: http.MethodPost, target: "/healthz"}, request{method: "BREW", target: "/"},
		request{target: "/", host: "evil.example"}, request{target: "/api/v1/status", host: "evil.example"},
		request{method: http.MethodPost, target: "/pin", header: map[string]string{"Sec-Fetch-Site": "cross-site"}},
	)
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.showModel()
	r.keep(2)
	for _, q := range r.everyRoute(t) {
		checkGuards(t, q, r.do(q))
	}
	r.history.set(func(f *fakeHistory) { f.panics = "torn page" })
	w := r.get("/api/v1/records")
	if w.Code != http.StatusInternalServerError {
		t.Errorf("a panic gave %d", w.Code)
	}
	checkGuards(t, request{target: "/api/v1/records"}, w)
}

func checkGuards(t *testing.T, q request, w *httptest.ResponseRecorder) {
	t.Helper()
	h := w.Header()
	policy := h.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s %s: %d without %s in the content policy", q.method, q.target, w.Code, part)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
		t.Errorf("%s: the content policy lets too much in: %s", q.target, policy)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s %s: %s is %q, want %q", q.method, q.target, name, got, want)
		}
	}
	if h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%s: other sites may read", q.target)
	}
	if h.Get("Cache-Control") == "" {
		t.Errorf("%s: nothing says what may be kept", q.target)
	}
}

func TestNamesThatABoardCannotHave(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"127.0.0.1", "127.0.0.1:8080", "192.168.1.20:8080", "[::1]:8080", "[::1]", "[fe80::1%25eth0]:8080", "[fe80::1%eth0]:8080",
		"localhost", "localhost:9", "LOCALHOST", "localhost.", "gourdian.local", "gourdian.local:8080", "Barn.Local.", "pi", "PI:8080", "pi.",
	}
	refused := []string{
		"", ":8080", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "gourdian.local.evil.example",
		"local", ".local", "evillocal", "notlocalhost", "pi.evil.example", "api", "127.0.0.1@evil.example", "0x7f000001", "2130706433", "127.1",
		"[::1].evil.example", "::ffff:evil", "evil.example#.localhost", "evil.example/localhost",
	}
	for _, host := range allowed {
		if !hostAllowed(host, "pi") {
			t.Errorf("%q is refused", host)
		}
	}
	for _, host := range refused {
		if hostAllowed(host, "pi") {
			t.Errorf("%q is let in", host)
		}
		if hostAllowed(host, "") {
			t.Errorf("%q is let in on a machine without a name", host)
		}
	}
}

// TestRebindingNameSeesAndChangesNothing asks as a browser that took a hostile
// name for the board: even its own session is of no use.
func TestRebindingNameSeesAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.showModel()
	r.keep(1)
	cookie := r.signIn()
	for _, q := range []request{
		{target: "/"}, {target: "/api/v1/status"}, {target: "/api/v1/records"}, {target: "/healthz"}, {target: "/metrics"}, {target: "/events"},
		{method: http.MethodPut, target: "/api/v1/records/1/correction", body: `{"verdict":"bad"}`},
		{method: http.MethodPost, target: "/pin", form: url.Values{"pin": {"2468"}}},
	} {
		q.host, q.cookie = "evil.example", cookie
		q.header = map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
		w := r.do(q)
		if w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", q.target, w.Code)
		}
		if strings.Contains(w.Body.String(), "d0a1") || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s tells: %s %s", q.target, w.Header(), w.Body)
		}
		if isAPI(q.target) && fault(t, w) != "wrong_host" {
			t.Errorf("%s: %s", q.target, w.Body)
		}
	}
	if len(r.history.corrections) > 0 {
		t.Error("a hostile name changed a record")
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		header  map[string]string
		refused bool
	}{
		{"another site by fetch metadata", map[string]string{"Sec-Fetch-Site": "cross-site"}, true},
		{"another port of this machine", map[string]string{"Sec-Fetch-Site": "same-site"}, true},
		{"another site by origin", map[string]string{"Origin": "http://evil.example"}, true},
		{"another port by origin", map[string]string{"Origin": "http://192.168.1.20:9090"}, true},
		{"a sandboxed frame", map[string]string{"Origin": "null"}, true},
		{"the page itself", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://192.168.1.20:8080"}, false},
		{"the page itself in an old browser", map[string]string{"Origin": "http://192.168.1.20:8080"}, false},
		{"a typed address", map[string]string{"Sec-Fetch-Site": "none"}, false},
		{"a program", nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.showModel()
			r.keep(1)
			w := r.do(request{
				method: http.MethodPut, target: "/api/v1/records/1/correction", body: `{"verdict":"bad"}`, cookie: r.signIn(), header: c.header,
			})
			changed := len(r.history.corrections) > 0
			if c.refused && (w.Code != http.StatusForbidden || fault(t, w) != "cross_origin" || changed) {
				t.Errorf("%d %s, changed %v", w.Code, w.Body, changed)
			}
			if !c.refused && (w.Code != http.StatusOK || !changed) {
				t.Errorf("%d %s, changed %v", w.Code, w.Body, changed)
			}
		})
	}
}

func TestOtherSitesCannotChooseThePIN(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.do(request{
		method: http.MethodPost, target: "/pin", form: url.Values{"pin": {"0000"}, "again": {"0000"}},
		header: map[string]string{"Origin": "http://evil.example"},
	})
	if w.Code != http.StatusForbidden || r.server.pin.isSet() {
		t.Errorf("%d, a PIN is set: %v", w.Code, r.server.pin.isSet())
	}
}

func TestPanicOfOneRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.history.set(func(f *fakeHistory) { f.panics = "torn page of /var/lib/secret" })
	w := r.get("/api/v1/records/1")
	if code := fault(t, w); w.Code != http.StatusInternalServerError || code != "internal" {
		t.Errorf("%d %s", w.Code, code)
	}
	if strings.Contains(w.Body.String(), "secret") {
		t.Errorf("the inside of the board shows: %s", w.Body)
	}
	if log := r.log.String(); !strings.Contains(log, "torn page") || !strings.Contains(log, "answerRecord") {
		t.Errorf("the log has no cause and stack: %s", log)
	}
	r.history.set(func(f *fakeHistory) { f.panics = nil })
	if w := r.get("/api/v1/records"); w.Code != http.StatusOK {
		t.Errorf("the next request: %d", w.Code)
	}
}

// TestPanicInTheMiddleOfAnAnswer must cut the connection: half an answer that
// ends well looks like a whole one.
func TestPanicInTheMiddleOfAnAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	engine := gin.New()
	engine.Use(r.server.recovered)
	engine.GET("/half", func(c *gin.Context) {
		c.String(http.StatusOK, "seq,verdict\n1,good\n")
		panic("disk gone")
	})
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("the server was told %v", v)
		}
		if !strings.Contains(r.log.String(), "disk gone") {
			t.Error("the log says nothing")
		}
	}()
	engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/half", nil))
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/api/v1/nowhere", 404}, {"GET", "/api", 404}, {"GET", "/nowhere", 404}, {"GET", "/api/v1/records/", 404},
		{"DELETE", "/api/v1/records", 405}, {"POST", "/metrics", 405}, {"PUT", "/", 405},
	} {
		w := r.do(request{method: c.method, target: c.target})
		if w.Code != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.target, w.Code, c.status)
		}
		if isAPI(c.target) {
			fault(t, w)
		}
		if c.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: nothing says what is taken", c.method, c.target)
		}
	}
}

func TestBodyThatNeverEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := &endless{}
	q := httptest.NewRequest(http.MethodPost, "/pin", body)
	q.Host = "localhost"
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	r.server.Handler().ServeHTTP(w, q)
	if w.Code < 400 || r.server.pin.isSet() {
		t.Errorf("%d, a PIN is set: %v", w.Code, r.server.pin.isSet())
	}
	if body.read > 2*maxBodyBytes {
		t.Errorf("%d bytes were read", body.read)
	}
}

// endless is a form field without end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.read += len(p)
	return len(p), nil
}

func TestMonitorThatAsksByHEADGetsTheStatusAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	server := httptest.NewServer(r.server.httpServer().Handler)
	defer server.Close()
	for path, want := range map[string]int{"/": http.StatusOK, "/healthz": http.StatusOK, "/nowhere": http.StatusNotFound, "/events": http.StatusMethodNotAllowed} {
		answer, err := http.Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if answer.Body.Close(); err != nil || len(body) > 0 || answer.StatusCode != want {
			t.Errorf("HEAD %s: %d with %d bytes, %v; want %d", path, answer.StatusCode, len(body), err, want)
		}
	}
}

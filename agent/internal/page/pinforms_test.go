package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// post sends a form as the page itself does.
func (r *rig) post(target string, cookie *http.Cookie, fields ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return r.do(request{method: http.MethodPost, target: target, form: form, cookie: cookie, header: map[string]string{"Sec-Fetch-Site": "same-origin"}})
}

// sessionOf returns the session that an answer opens, nil where it opens none.
func sessionOf(w *httptest.ResponseRecorder) *http.Cookie {
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == sessionCookie && cookie.MaxAge >= 0 {
			return cookie
		}
	}
	return nil
}

func TestFirstPINOpensASession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if w := r.post("/pin", nil, "pin", "2468", "again", "2469"); w.Code != http.StatusUnprocessableEntity || r.server.pin.isSet() {
		t.Fatalf("typed differently: %d", w.Code)
	}
	if w := r.post("/pin", nil, "pin", "24", "again", "24"); w.Code != http.StatusUnprocessableEntity || r.server.pin.isSet() {
		t.Fatalf("too short: %d", w.Code)
	}
	w := r.post("/pin", nil, "pin", "2468", "again", "2468", "next", "/settings")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/settings" {
		t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	cookie := sessionOf(w)
	if cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Secure ||
		cookie.Domain != "" || cookie.MaxAge != 12*60*60 || len(cookie.Value) < 40 {
		t.Fatalf("the session's cookie: %+v", cookie)
	}
	if w := r.do(request{target: "/pin/change", cookie: cookie}); w.Code != http.StatusOK {
		t.Errorf("with the session: %d", w.Code)
	}
	if w := r.get("/pin/change"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/pin?next=%2F" {
		t.Errorf("without: %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestWrongPINOpensNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.signIn()
		w := r.post("/pin", nil, "pin", "1357")
		if w.Code != http.StatusForbidden || sessionOf(w) != nil || w.Header().Get("Retry-After") != "1" {
			t.Errorf("wrong: %d, Retry-After %s", w.Code, w.Header().Get("Retry-After"))
		}
		w = r.post("/pin", nil, "pin", "2468")
		if w.Code != http.StatusTooManyRequests || sessionOf(w) != nil || w.Header().Get("Retry-After") != "1" {
			t.Errorf("too soon: %d, Retry-After %s", w.Code, w.Header().Get("Retry-After"))
		}
		pass(time.Second)
		if w := r.post("/pin", nil, "pin", "2468"); w.Code != http.StatusSeeOther || sessionOf(w) == nil {
			t.Errorf("right: %d", w.Code)
		}
		if strings.Contains(r.log.String(), "1357") || strings.Contains(r.log.String(), "2468") {
			t.Errorf("a PIN stands in the log: %s", r.log)
		}
	})
}

func TestDamagedPINFileIsSaidOnThePage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, pinFile), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRigIn(t, dir)
	w := r.post("/pin", nil, "pin", "2468", "again", "2468")
	if w.Code != http.StatusForbidden || sessionOf(w) != nil {
		t.Errorf("%d", w.Code)
	}
	if !strings.Contains(w.Body.String(), "reset-pin") {
		t.Errorf("the page does not say so: %s", w.Body)
	}
	if w := r.get("/"); w.Code != http.StatusOK {
		t.Errorf("looking is no longer free: %d", w.Code)
	}
}

func TestChangedPINEndsTheSessionsOfOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	mine, other := r.signIn(), r.signIn()
	if w := r.post("/pin/change", mine, "old", "2468", "pin", "1357", "again", "1358"); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("typed differently: %d", w.Code)
	}
	w := r.post("/pin/change", mine, "old", "2468", "pin", "1357", "again", "1357")
	fresh := sessionOf(w)
	if w.Code != http.StatusSeeOther || fresh == nil {
		t.Fatalf("%d", w.Code)
	}
	for name, cookie := range map[string]*http.Cookie{"the other's": other, "the one before": mine} {
		if r.server.sessions.visit(cookie.Value) {
			t.Errorf("%s session is open", name)
		}
	}
	if !r.server.sessions.visit(fresh.Value) {
		t.Error("who changed the PIN has to type it again")
	}
}

func TestLeavingEndsTheSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cookie := r.signIn()
	w := r.post("/pin/leave", cookie, "next", "/settings")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/settings" || sessionOf(w) != nil {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	if r.server.sessions.visit(cookie.Value) {
		t.Error("the session is open after leaving")
	}
}

// TestSessionOfAReadersChoice is what an attacker plants who wants to share it
// (session fixation).
func TestSessionOfAReadersChoice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	planted := &http.Cookie{Name: sessionCookie, Value: "planted-by-someone-else"}
	if w := r.do(request{target: "/pin/change", cookie: planted}); w.Code != http.StatusSeeOther {
		t.Errorf("a session that nobody opened: %d", w.Code)
	}
	w := r.post("/pin", planted, "pin", "2468")
	if fresh := sessionOf(w); fresh == nil || fresh.Value == planted.Value {
		t.Errorf("the reader's own token was taken over: %+v", fresh)
	}
	if r.server.sessions.visit(planted.Value) {
		t.Error("the planted token opens the board")
	}
}

func TestRefusedChangeSaysWhereToGiveThePIN(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.do(request{method: http.MethodDelete, target: "/api/v1/records/1/correction"})
	if w.Code != http.StatusUnauthorized || fault(t, w) != "pin_needed" {
		t.Errorf("a program: %d %s", w.Code, w.Body)
	}
	w = r.do(request{method: http.MethodPost, target: "/pin/change", header: map[string]string{"Referer": "http://192.168.1.20:8080/sightings/7?x=1"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/pin?next=%2Fsightings%2F7%3Fx%3D1" {
		t.Errorf("a person: %d to %q", w.Code, w.Header().Get("Location"))
	}
	w = r.do(request{method: http.MethodPost, target: "/pin/change", header: map[string]string{"Referer": "http://evil.example/settings"}})
	if got := w.Header().Get("Location"); got != "/pin?next=%2F" {
		t.Errorf("from another site: to %q", got)
	}
	w = r.do(request{method: http.MethodPost, target: "/pin/change", header: map[string]string{"HX-Request": "true", "Referer": "http://192.168.1.20:8080/settings"}})
	if w.Code != http.StatusUnauthorized || w.Header().Get("HX-Redirect") != "/pin?next=%2Fsettings" {
		t.Errorf("a part of a page: %d to %q", w.Code, w.Header().Get("HX-Redirect"))
	}
}

func TestNextNeverLeavesTheBoard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, next := range []string{"http://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\t/evil.example", "evil", "/pin", ""} {
		w := r.post("/pin/leave", r.signIn(), "next", next)
		if got := w.Header().Get("Location"); got != "/" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, next := range []string{"/settings?a=1#b", "//evil.example", "/\\evil.example", "/%2f/evil.example", "/..//evil.example", "/pin/../pin", "/:80"} {
		f.Add(next)
	}
	base, err := url.Parse("http://192.168.1.20:8080/pin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		path := localPath(next)
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
			t.Errorf("%q leads to %q", next, path)
		}
		target, err := base.Parse(path)
		if err != nil || target.Host != base.Host || target.Scheme != base.Scheme {
			t.Errorf("%q leads to %v, %v", next, target, err)
		}
	})
}

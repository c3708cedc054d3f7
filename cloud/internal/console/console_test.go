package console

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"gourdian/cloud/internal/people"
)

func TestLoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for next, want := range map[string]string{
		"/people?x=1": "/people?x=1", "//evil.example/": "/", `/\evil.example`: "/", "https://evil.example/": "/", "/login": "/", "/\tevil": "/",
	} {
		if status, _, location := r.reader(t).post("/login", "name", "ana", "password", password, "next", next); status != http.StatusSeeOther || location != want {
			t.Errorf("next %q: %d, %q", next, status, location)
		}
	}
	o := r.reader(t)
	if status, _, location := o.do(http.MethodGet, "/people", nil); status != http.StatusSeeOther || location != "/login?next=%2Fpeople" {
		t.Errorf("%d %q", status, location)
	}
	status, body, _ := o.post("/login", "name", "ana", "password", "guess")
	if status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong password: %d", status)
	}
	has(t, body, "Name or password is wrong.", `value="ana"`)
	hasNot(t, body, "guess")
	status, unknown, _ := o.post("/login", "name", "ana2", "password", "guess")
	if status != http.StatusUnprocessableEntity || strings.ReplaceAll(unknown, "ana2", "ana") != body {
		t.Error("the page tells which names there are")
	}
}

func TestLinkOfOneWhoIsDisabledDoesNotLetIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	luz := r.add(t, "luz", people.Viewer)
	secret, err := r.people.Reset(t.Context(), "ana", luz.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.people.Change(t.Context(), "ana", luz.ID, people.Viewer, true); err != nil {
		t.Fatal(err)
	}
	o := r.reader(t)
	if status, _, location := o.post("/link/"+secret, "password", "another good one", "again", "another good one"); status != http.StatusSeeOther || location != "/login" {
		t.Errorf("%d %q", status, location)
	}
	if status, _, location := o.do(http.MethodGet, "/", nil); status != http.StatusSeeOther || !strings.HasPrefix(location, "/login") {
		t.Errorf("is in: %d %q", status, location)
	}
	if status, _, _ := o.post("/link/"+secret, "password", "another good one", "again", "another good one"); status != http.StatusGone {
		t.Errorf("used twice: %d", status)
	}
}

// TestNothingDangerousWithoutAnAnswer: a person is disabled only when the reader
// has confirmed it by name.
func TestNothingDangerousWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	luz := r.add(t, "luz", people.Viewer)
	o, hers := r.in(t, "ana"), r.in(t, "luz")
	path := "/people/one/" + luz.ID
	status, body, _ := o.post(path + "/disable")
	if status != http.StatusOK {
		t.Fatalf("%d", status)
	}
	has(t, body, "Disable luz?", `action="`+path+`/disable"`, `name="confirmed" value="yes"`, "at any time")
	hers.get("/account")
	if status, _, location := o.post(path+"/disable", "confirmed", "yes"); status != http.StatusSeeOther || location != path {
		t.Fatalf("%d %q", status, location)
	}
	has(t, o.get(path), "luz is disabled.", path+"/enable")
	if status, _, _ := hers.do(http.MethodGet, "/account", nil); status != http.StatusSeeOther {
		t.Errorf("a disabled person is in: %d", status)
	}
	if status, body, _ := o.post("/people/one/"+r.admin.ID+"/role", "role", "viewer"); status != http.StatusUnprocessableEntity || !strings.Contains(body, "no admin left") {
		t.Errorf("the last admin: %d", status)
	}
	if status, _, _ := o.do(http.MethodGet, "/people/one/nobody", nil); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
}

func TestFaultsOfTheFormKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.in(t, "ana")
	status, body, _ := o.post("/people", "name", "two words", "role", "operator")
	if status != http.StatusUnprocessableEntity {
		t.Fatalf("%d", status)
	}
	has(t, body, `value="two words"`, `value="operator" checked`, "A name has 1 to 40")
	for name, form := range map[string][]string{
		"differ": {"old", password, "password", "a new one, longer", "again", "a new one, larger"},
		"old":    {"old", "wrong", "password", "a new one, longer", "again", "a new one, longer"},
		"short":  {"old", password, "password", "short", "again", "short"},
	} {
		if status, body, _ := o.post("/account/password", form...); status != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: %d", name, status)
		}
	}
	other := r.in(t, "ana")
	if status, _, _ := o.post("/account/password", "old", password, "password", "a new one, longer", "again", "a new one, longer"); status != http.StatusSeeOther {
		t.Errorf("%d", status)
	}
	o.get("/account")
	if status, _, _ := other.do(http.MethodGet, "/account", nil); status != http.StatusSeeOther {
		t.Errorf("a session of the old password lives: %d", status)
	}
}

// TestStartShowsWhatTheReaderCanDo: only who may begin is told how, and a step that can't be counted breaks itself alone.
func TestStartShowsWhatTheReaderCanDo(t *testing.T) {
	t.Parallel()
	counts := func(c Count, err error) func(context.Context) (Count, error) {
		return func(context.Context) (Count, error) { return c, err }
	}
	r := newRig(t, Section{Name: "samples", Path: "/samples", Least: people.Viewer, Steps: []Step{
		{Name: "registry", Path: "/models", Least: people.Viewer, Count: counts(Count{}, nil)},
		{Name: "label", Path: "/label", Least: people.Labeller, Count: counts(Count{Done: 1200, Waiting: 3}, nil)},
		{Name: "collect", Path: "/samples", Least: people.Viewer, Count: counts(Count{}, errors.New("broken"))},
	}})
	r.add(t, "vera", people.Viewer)
	r.add(t, "luz", people.Labeller)
	viewer, labeller, admin := r.in(t, "vera").get("/"), r.in(t, "luz").get("/"), r.in(t, "ana").get("/")
	waits := regexp.MustCompile(`(?s)Waits for you</h2>.*?</section>`)
	for name, c := range map[string]struct{ body, waits string }{
		"viewer": {viewer, "Nothing."}, "labeller": {labeller, "Nothing."}, "admin": {admin, "Push the first model"},
	} {
		has(t, c.body, "1,200", "3 pictures wait for a label", "can’t be counted just now")
		if got := waits.FindString(c.body); !strings.Contains(got, c.waits) {
			t.Errorf("%s: %q is missing in %q", name, c.waits, got)
		}
		if strings.Index(c.body, ">Collect<") > strings.Index(c.body, ">Label<") || strings.Index(c.body, ">Label<") > strings.Index(c.body, ">Registry<") {
			t.Errorf("%s: the steps are out of order", name)
		}
	}
	hasNot(t, viewer, `href="/label"`, `href="/people"`)
	has(t, labeller, `href="/label"`)
	has(t, admin, `href="/people"`)
}

// TestLogOfChangesIsReadToItsEnd: every line is shown once, whatever it holds.
func TestLogOfChangesIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const many = 120
	r.note(t, many)
	o := r.in(t, "ana")
	seen := map[string]int{}
	older := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	for path, pages := "/people/changes", 0; path != ""; pages++ {
		body := o.get(path)
		hasNot(t, body, "<script>")
		for _, found := range regexp.MustCompile(`someone-\d+`).FindAllString(body, -1) {
			seen[found]++
		}
		next := older.FindStringSubmatch(body)
		if path = ""; next != nil {
			path = strings.ReplaceAll(next[1], "&amp;", "&")
		}
		if pages > 5 {
			t.Fatal("the pages do not end")
		}
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s stands %d times", name, n)
		}
	}
	if len(seen) != many {
		t.Errorf("%d of %d lines", len(seen), many)
	}
	if body := o.get("/people/changes?subject=someone-007"); strings.Count(body, "<li><span><strong>") != 1 {
		t.Error("one subject alone was asked for")
	}
}

func TestLogIsFilteredByItsLevel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.log.Info("a quiet line")
	r.log.Error("a loud line", "what", "<b>")
	o := r.in(t, "ana")
	all, errorsOnly := o.get("/health/log?level=nonsense"), o.get("/health/log?level=error")
	has(t, all, "a quiet line", "a loud line", "&lt;b&gt;")
	has(t, errorsOnly, "a loud line")
	hasNot(t, errorsOnly, "a quiet line")
}

func TestPageInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.note(t, 1)
	o := r.in(t, "ana")
	if status, _, location := o.post("/language", "language", "es", "next", "/health"); status != http.StatusSeeOther || location != "/health" {
		t.Errorf("%d %q", status, location)
	}
	has(t, o.get("/health"), `lang="es"`, "Todo bien.", "25 %")
	has(t, o.get("/"), "primer administrador")
	if status, body, _ := o.do(http.MethodGet, "/nowhere", nil); status != http.StatusNotFound || !strings.Contains(body, "Aquí no hay nada") {
		t.Errorf("%d %s", status, body)
	}
	if _, _, location := o.post("/theme", "theme", "dark", "next", "//evil"); location != "/" {
		t.Errorf("%q", location)
	}
	has(t, o.get("/health"), `data-theme="dark"`)
}

package console

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/logbook"
	"gourdian/cloud/internal/people"
)

// rig is the console on a database of its own, behind the server's guards.
type rig struct {
	people  *people.People
	audit   *people.Audit
	book    *logbook.Book
	log     *slog.Logger
	server  *httptest.Server
	console *Console
	admin   people.Person
	wrong   []health.Condition
}

const password = "seven green pumpkins"

func newRig(t *testing.T, sections ...Section) *rig {
	t.Helper()
	d := dbtest.SQLite(t)
	r := &rig{audit: people.NewAudit(d), book: logbook.New()}
	r.log = slog.New(r.book.Handler(slog.NewTextHandler(t.Output(), nil)))
	var err error
	if r.people, err = people.New(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	sessions := people.NewSessions(d, r.people)
	watch := health.New(map[string]health.Check{"rig": func(context.Context) []health.Condition { return r.wrong }})
	k, err := New(Options{
		People: r.people, Sessions: sessions, Audit: r.audit, Health: watch, Book: r.book, Version: "test", Log: r.log,
		Name: func() string { return "gourdian" }, Location: func() *time.Location { return time.UTC },
		Config: func() (string, error) { return "data: /x\n", nil }, Place: func(context.Context) Place { return Place{Database: "sqlite", Folder: "/x", Used: 1e9, Size: 4e9} },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.console = k
	for _, s := range sections {
		k.Add(s)
	}
	server, err := api.New(api.Options{People: r.people, Sessions: sessions, Health: watch, Routes: k.Routes(), Version: "test", Log: r.log, ShowError: k.ShowError})
	if err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewServer(server.Handler(false))
	t.Cleanup(r.server.Close)
	secret, err := r.people.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.admin, err = r.people.Accept(t.Context(), secret, "ana", password); err != nil {
		t.Fatal(err)
	}
	return r
}

// add adds a person with the usual password.
func (r *rig) add(t *testing.T, name string, role people.Role) people.Person {
	t.Helper()
	secret, err := r.people.Add(t.Context(), "ana", name, role)
	if err != nil {
		t.Fatal(err)
	}
	one, err := r.people.Accept(t.Context(), secret, "", password)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// reader is a browser that follows no redirects.
type reader struct {
	t      *testing.T
	rig    *rig
	client *http.Client
}

func (r *rig) reader(t *testing.T) *reader {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{t, r, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// in is a reader who has logged in.
func (r *rig) in(t *testing.T, name string) *reader {
	t.Helper()
	one := r.reader(t)
	if status, _, _ := one.post("/login", "name", name, "password", password); status != http.StatusSeeOther {
		t.Fatalf("%s can't log in: %d", name, status)
	}
	return one
}

func (o *reader) do(method, path string, form url.Values) (status int, body, location string) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), method, o.rig.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		o.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := o.client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header.Get("Location")
}

// get returns a page that must be there.
func (o *reader) get(path string) string {
	o.t.Helper()
	status, body, _ := o.do(http.MethodGet, path, nil)
	if status != http.StatusOK {
		o.t.Fatalf("%s: %d\n%s", path, status, body)
	}
	return body
}

func (o *reader) post(path string, pairs ...string) (status int, body, location string) {
	o.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return o.do(http.MethodPost, path, form)
}

// has fails when a page lacks a text.
func has(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("%q is missing in\n%s", text, body)
		}
	}
}

func hasNot(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(body, text) {
			t.Errorf("%q stands in\n%s", text, body)
		}
	}
}

func (r *rig) note(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		if err := r.audit.Write(t.Context(), "ana", "person.change", fmt.Sprintf("someone-%03d", i), "<script>"); err != nil {
			t.Fatal(err)
		}
	}
}

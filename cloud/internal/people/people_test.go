package people_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/people"
)

const password = "a field of pumpkins"

func open(t *testing.T, d *db.DB) (*people.People, people.Person) {
	t.Helper()
	p, err := people.New(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := p.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	admin, err := p.Accept(t.Context(), secret, "ana", password)
	if err != nil {
		t.Fatal(err)
	}
	return p, admin
}

func TestFirstLinkWorksOnce(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, err := people.New(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if empty, err := p.Empty(t.Context()); err != nil || !empty {
			t.Fatalf("empty %v, %v", empty, err)
		}
		old, err := p.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		secret, err := p.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Accept(t.Context(), old, "eve", password); !errors.Is(err, people.ErrLink) {
			t.Errorf("the link of an earlier start: %v", err)
		}
		if _, err := p.Accept(t.Context(), secret, "ana", "short"); !errors.Is(err, people.ErrShortPassword) {
			t.Errorf("a short password: %v", err)
		}
		admin, err := p.Accept(t.Context(), secret, "ana", password)
		if err != nil || admin.Role != people.Admin {
			t.Fatalf("%+v, %v", admin, err)
		}
		if _, err := p.Accept(t.Context(), secret, "eve", password); !errors.Is(err, people.ErrLink) {
			t.Errorf("the link worked twice: %v", err)
		}
		if empty, err := p.Empty(t.Context()); err != nil || empty {
			t.Errorf("empty %v, %v", empty, err)
		}
	})
}

// TestFirstLinkRaced: of many who open the one link at once, one becomes admin.
func TestFirstLinkRaced(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, err := people.New(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := p.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for _, name := range []string{"ana", "bea", "eva", "ida"} {
			all.Go(func() {
				if _, err := p.Accept(t.Context(), secret, name, password); err != nil && !errors.Is(err, people.ErrLink) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if list, err := p.List(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%d admins, %v", len(list), err)
		}
	})
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, admin := open(t, d)
		if got, err := p.LogIn(t.Context(), "Ana", password); err != nil || got.ID != admin.ID {
			t.Errorf("%+v, %v", got, err)
		}
		secret, err := p.Add(t.Context(), "ana", "luz", people.Labeller)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Add(t.Context(), "ana", "LUZ", people.Viewer); !errors.Is(err, people.ErrNameTaken) {
			t.Errorf("the name in capitals: %v", err)
		}
		for name, word := range map[string]string{"ana": password + "x", "nobody": password, "luz": "", "": ""} {
			if _, err := p.LogIn(t.Context(), name, word); !errors.Is(err, people.ErrWrong) {
				t.Errorf("%q: %v", name, err)
			}
		}
		luz, err := p.Accept(t.Context(), secret, "ignored", password)
		if err != nil || luz.Name != "luz" || luz.Role != people.Labeller {
			t.Fatalf("%+v, %v", luz, err)
		}
		if err := p.Change(t.Context(), "ana", luz.ID, people.Viewer, true); err != nil {
			t.Fatal(err)
		}
		if _, err := p.LogIn(t.Context(), "luz", password); !errors.Is(err, people.ErrWrong) {
			t.Errorf("one who was disabled: %v", err)
		}
	})
}

func TestLastAdminStays(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, admin := open(t, d)
		// A second admin who has not opened the link can't log in and doesn't count.
		if _, err := p.Add(t.Context(), "ana", "luz", people.Admin); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			p.Change(t.Context(), "ana", admin.ID, people.Viewer, false),
			p.Change(t.Context(), "ana", admin.ID, people.Admin, true),
		} {
			if !errors.Is(err, people.ErrLastAdmin) {
				t.Errorf("Change: %v", err)
			}
		}
		if one, err := p.Get(t.Context(), admin.ID); err != nil || one.Role != people.Admin || one.Disabled {
			t.Errorf("%+v, %v", one, err)
		}
	})
}

func TestTokensEndWithTheirPerson(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, admin := open(t, d)
		secret, err := p.Add(t.Context(), "ana", "luz", people.Operator)
		if err != nil {
			t.Fatal(err)
		}
		luz, err := p.Accept(t.Context(), secret, "", password)
		if err != nil {
			t.Fatal(err)
		}
		token, err := p.NewToken(t.Context(), luz, "script")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.ByToken(t.Context(), token); err != nil || got.ID != luz.ID {
			t.Errorf("%+v, %v", got, err)
		}
		for _, wrong := range []string{"", people.TokenPrefix, token + "x", strings.TrimPrefix(token, people.TokenPrefix)} {
			if _, err := p.ByToken(t.Context(), wrong); !errors.Is(err, people.ErrNotFound) {
				t.Errorf("%q: %v", wrong, err)
			}
		}
		list, err := p.Tokens(t.Context(), luz.ID)
		if err != nil || len(list) != 1 || list[0].UsedAt().IsZero() || strings.Contains(token, list[0].Secret) {
			t.Fatalf("%+v, %v", list, err)
		}
		if err := p.RevokeToken(t.Context(), admin, list[0].ID); !errors.Is(err, people.ErrNotFound) {
			t.Errorf("revoked by another: %v", err)
		}
		if err := p.Change(t.Context(), "ana", luz.ID, people.Operator, true); err != nil {
			t.Fatal(err)
		}
		if _, err := p.ByToken(t.Context(), token); !errors.Is(err, people.ErrNotFound) {
			t.Errorf("of one who was disabled: %v", err)
		}
	})
}

func TestChangesAreWrittenDown(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, admin := open(t, d)
		if _, err := p.Add(t.Context(), admin.Name, "luz", people.Viewer); err != nil {
			t.Fatal(err)
		}
		audit := people.NewAudit(d)
		if err := audit.Write(t.Context(), "ana", "test.long", "x", strings.Repeat("ñ", 5000)); err != nil {
			t.Fatal(err)
		}
		lines, err := audit.List(t.Context(), 0, "", 2)
		if err != nil || len(lines) != 2 || lines[0].Action != "test.long" || lines[1].Action != "person.add" || lines[1].At().IsZero() {
			t.Fatalf("%+v, %v", lines, err)
		}
		if n := len(lines[0].Detail); n > 2000 || n < 1990 || strings.ContainsRune(lines[0].Detail, '\uFFFD') {
			t.Errorf("%d bytes", n)
		}
		older, err := audit.List(t.Context(), lines[1].Seq, "", 10)
		if err != nil || len(older) != 1 || older[0].Action != "hub.setup" {
			t.Errorf("%+v, %v", older, err)
		}
	})
}

// TestSessionEndsWithThePassword: who has a cookie of before loses it when the
// password changes, and by logging out.
func TestSessionEndsWithThePassword(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, admin := open(t, d)
		s := people.NewSessions(d, p)
		mux := http.NewServeMux()
		mux.HandleFunc("/in", func(_ http.ResponseWriter, r *http.Request) {
			one, err := p.Get(r.Context(), admin.ID)
			if err == nil {
				err = s.LogIn(r.Context(), one)
			}
			if err != nil {
				t.Error(err)
			}
		})
		mux.HandleFunc("/out", func(_ http.ResponseWriter, r *http.Request) {
			if err := s.LogOut(r.Context()); err != nil {
				t.Error(err)
			}
		})
		mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
			if one, err := s.Who(r.Context()); err == nil {
				_, _ = w.Write([]byte(one.Name))
			}
		})
		handler := s.Wrap(mux, true)
		ask := func(path string, cookie *http.Cookie) (string, *http.Cookie) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			if cookie != nil {
				r.AddCookie(cookie)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			for _, c := range w.Result().Cookies() {
				cookie = c
			}
			return w.Body.String(), cookie
		}
		_, first := ask("/in", nil)
		if first == nil || !first.Secure || !first.HttpOnly {
			t.Fatalf("cookie %v", first)
		}
		if who, _ := ask("/who", first); who != "ana" {
			t.Errorf("who %q", who)
		}
		if _, err := p.SetPassword(t.Context(), admin.ID, "wrong", password+"!"); !errors.Is(err, people.ErrWrong) {
			t.Errorf("changed with a wrong password: %v", err)
		}
		if _, err := p.SetPassword(t.Context(), admin.ID, password, password+"!"); err != nil {
			t.Fatal(err)
		}
		if who, _ := ask("/who", first); who != "" {
			t.Errorf("a session of the old password is %q", who)
		}
		_, second := ask("/in", first)
		if second.Value == first.Value {
			t.Error("the token stayed the same through a login")
		}
		ask("/out", second)
		if who, _ := ask("/who", second); who != "" {
			t.Errorf("after logging out: %q", who)
		}
	})
}

func TestRolesAreALadder(t *testing.T) {
	t.Parallel()
	roles := people.Roles()
	for i, r := range roles {
		for j, least := range roles {
			if r.Allows(least) != (i >= j) {
				t.Errorf("%s allows %s: %v", r, least, r.Allows(least))
			}
		}
	}
	if people.Role("root").Allows(people.Viewer) || people.Admin.Allows("") {
		t.Error("what is no role allows something")
	}
}

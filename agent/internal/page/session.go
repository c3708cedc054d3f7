package page

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/internal/web"
)

const (
	sessionCookie  = "gourdian_session"
	sessionIdle    = 30 * time.Minute
	sessionLongest = 12 * time.Hour
	maxSessions    = 64 // more people than ever hold one PIN; the longest idle one goes first
)

// sessions remembers who gave the right PIN. They live in memory: a restart
// asks again.
type sessions struct {
	mu   sync.Mutex
	open map[[sha256.Size]byte]session // by hash of the token, guarded by mu
}

type session struct{ began, seen time.Time }

func newSessions() *sessions {
	return &sessions{open: map[[sha256.Size]byte]session{}}
}

// begin opens a session and returns its token. A token is always made here and
// never taken from a reader.
func (s *sessions) begin() string {
	token := make([]byte, 32)
	_, _ = rand.Read(token) // never fails, see crypto/rand
	text := base64.RawURLEncoding.EncodeToString(token)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidyLocked(now)
	s.open[sha256.Sum256([]byte(text))] = session{began: now, seen: now}
	return text
}

// tidyLocked forgets what is over, and the longest idle session of too many.
func (s *sessions) tidyLocked(now time.Time) {
	var idle [sha256.Size]byte
	oldest := now
	for key, one := range s.open {
		switch {
		case one.over(now):
			delete(s.open, key)
		case !one.seen.After(oldest):
			idle, oldest = key, one.seen
		}
	}
	if len(s.open) >= maxSessions {
		delete(s.open, idle)
	}
}

func (s session) over(now time.Time) bool {
	return now.Sub(s.seen) >= sessionIdle || now.Sub(s.began) >= sessionLongest
}

// visit reports whether token is of an open session, which then stays open for
// another while.
func (s *sessions) visit(token string) bool {
	key := sha256.Sum256([]byte(token))
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.open[key]
	if !ok || one.over(now) {
		delete(s.open, key)
		return false
	}
	one.seen = now
	s.open[key] = one
	return true
}

func (s *sessions) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(token)))
}

func (s *sessions) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.open)
}

// signedIn reports whether the reader gave the PIN.
func (s *Server) signedIn(c *gin.Context) bool {
	if !s.pin.isSet() { // reset beside us: what was opened with the old PIN is void
		s.sessions.endAll()
		return false
	}
	token, err := c.Cookie(sessionCookie)
	return err == nil && s.sessions.visit(token)
}

// signIn gives the reader a new session in place of any old one.
func (s *Server) signIn(c *gin.Context) {
	if old, err := c.Cookie(sessionCookie); err == nil {
		s.sessions.end(old)
	}
	setSession(c, s.sessions.begin(), int(sessionLongest/time.Second))
}

func (s *Server) signOut(c *gin.Context) {
	if token, err := c.Cookie(sessionCookie); err == nil {
		s.sessions.end(token)
	}
	setSession(c, "", -1)
}

func setSession(c *gin.Context, token string, seconds int) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: c.Request.TLS != nil,
	})
}

// requirePIN lets only those change something who gave the PIN: people are sent
// to the page that asks for it, programs get an error that says so.
func (s *Server) requirePIN() gin.HandlerFunc {
	return func(c *gin.Context) {
		if s.signedIn(c) {
			c.Next()
			return
		}
		c.Abort()
		if isAPI(c.Request.URL.Path) {
			apiError(c, http.StatusUnauthorized, "pin_needed", "Changes need the board's PIN.",
				"POST the form field pin to /pin and send the cookie that it sets; docs/api.md shows how.")
			return
		}
		target := "/pin?next=" + url.QueryEscape(comingFrom(c.Request))
		if c.GetHeader("HX-Request") == "true" { // a part of a page: the whole page has to go
			c.Header("HX-Redirect", target)
			c.Status(http.StatusUnauthorized)
			return
		}
		c.Redirect(http.StatusSeeOther, target)
	}
}

// comingFrom is the page to which a reader returns after giving the PIN. A
// refused form is not sent again: its reader returns to where it stood.
func comingFrom(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return localPath(r.URL.RequestURI())
	}
	return web.ComingFrom(r, notNext()...)
}

// localPath is web.LocalPath; nobody is sent to a page that asks for the PIN.
func localPath(next string) string { return web.LocalPath(next, notNext()...) }

func notNext() []string { return []string{"/pin", "/pin/"} }

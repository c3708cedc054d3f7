package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/people"
	"gourdian/internal/web"
)

func securityHeaders(c *gin.Context) {
	web.SetSecurityHeaders(c.Writer.Header(), "blob:")
	c.Next()
}

// checkOrigin refuses requests that change something and come from another
// site's page.
func (s *Server) checkOrigin() gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c *gin.Context) {
		if err := protection.Check(c.Request); err != nil {
			s.Refuse(c, http.StatusForbidden, "cross_origin")
			return
		}
		c.Next()
	}
}

// recovered turns a panic of one request into an answer and a line in the log.
func (s *Server) recovered(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v)
		}
		s.opts.Log.Error("a request failed", "path", c.Request.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if c.Writer.Written() {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		s.Refuse(c, http.StatusInternalServerError, "internal")
	}()
	c.Next()
}

// guard returns what stands before the handler of a route.
func (s *Server) guard(r Route) gin.HandlerFunc {
	limit := r.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	rate := newRate(r.PerMinute)
	return func(c *gin.Context) {
		if wait, ok := rate.allow(c.RemoteIP(), time.Now()); !ok {
			c.Header("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
			s.Refuse(c, http.StatusTooManyRequests, "too_many_requests")
			return
		}
		if c.Request.ContentLength > limit {
			s.Refuse(c, http.StatusRequestEntityTooLarge, "too_large")
			return
		}
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
		if r.Slow {
			control := http.NewResponseController(c.Writer)
			_ = errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})) // a recorder of a test has none
		}
		if r.Slow && r.Method == http.MethodGet {
			defer s.endWithServer(c)()
		}
		s.guardPerson(c, r.Least)
		if !c.IsAborted() {
			c.Next()
		}
	}
}

// endWithServer ends a stream's context when the server stops. The returned
// function is called when the stream has ended by itself.
func (s *Server) endWithServer(c *gin.Context) (ended func()) {
	ctx, cancel := context.WithCancel(c.Request.Context())
	c.Request = c.Request.WithContext(ctx)
	gone := make(chan struct{})
	go func() { // waits for whichever comes first; the handler's return ends it
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
		close(gone)
	}()
	return func() { cancel(); <-gone }
}

func (s *Server) guardPerson(c *gin.Context, least people.Role) {
	who, err := s.identify(c)
	switch {
	case err == nil:
		c.Set(keyPerson, who)
	case !errors.Is(err, people.ErrNotFound):
		s.opts.Log.Error("people can't be asked for", "error", err)
		s.Refuse(c, http.StatusServiceUnavailable, "database")
		return
	}
	switch {
	case least == Open, err == nil && who.Role.Allows(least):
	case err == nil:
		s.Refuse(c, http.StatusForbidden, "role_too_low")
	case forPrograms(c.Request.URL.Path):
		c.Header("WWW-Authenticate", `Bearer realm="gourdian"`)
		s.Refuse(c, http.StatusUnauthorized, "login_needed")
	default:
		ToLogin(c)
	}
}

// identify finds who asks: a program by its token, a browser by its session.
func (s *Server) identify(c *gin.Context) (people.Person, error) {
	if token, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer "); ok {
		return s.opts.People.ByToken(c.Request.Context(), token)
	}
	return s.opts.Sessions.Who(c.Request.Context())
}

// ToLogin sends a browser to the login page and, from there, back.
func ToLogin(c *gin.Context) {
	c.Abort()
	target := "/login"
	if c.Request.Method == http.MethodGet && c.Request.URL.Path != "/" {
		target += "?next=" + url.QueryEscape(LocalPath(c.Request.URL.RequestURI()))
	}
	if c.GetHeader("HX-Request") == "true" { // a part of a page: the whole page has to go
		c.Header("HX-Redirect", target)
		c.Status(http.StatusUnauthorized)
		return
	}
	c.Redirect(http.StatusSeeOther, target)
}

// LocalPath is web.LocalPath; nobody is sent to log in or out.
func LocalPath(next string) string { return web.LocalPath(next, notNext()...) }

// ComingFrom is web.ComingFrom, likewise.
func ComingFrom(r *http.Request) string { return web.ComingFrom(r, notNext()...) }

func notNext() []string { return []string{"/login", "/logout"} }

// addressOf is who is counted when requests are bounded: an IPv6 network of
// one customer counts as one.
func addressOf(ip string) string {
	parsed := net.ParseIP(ip)
	if parsed == nil || parsed.To4() != nil {
		return ip
	}
	return parsed.Mask(net.CIDRMask(64, 128)).String()
}

package page

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/internal/web"
)

func securityHeaders(c *gin.Context) {
	web.SetSecurityHeaders(c.Writer.Header())
	c.Next()
}

// checkHost refuses names that the board can't have. A hostile site may point
// its own name at the board's address (DNS rebinding); the reader's browser then
// takes both for one site, but still sends the hostile name.
func (s *Server) checkHost(c *gin.Context) {
	own, err := os.Hostname()
	if err != nil {
		own = ""
	}
	if !hostAllowed(c.Request.Host, own) {
		s.refuse(c, http.StatusMisdirectedRequest, "wrong_host",
			"This board does not go by that name.",
			"Open it by its IP address, by localhost or by a name that ends in .local.")
		return
	}
	c.Next()
}

// hostAllowed reports whether host, with or without a port, is an IP address,
// localhost, a name of the local network (mDNS) or the machine's own.
func hostAllowed(host, own string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	own = strings.ToLower(own)
	return name == "localhost" || len(name) > len(".local") && strings.HasSuffix(name, ".local") ||
		own != "" && name == own
}

// checkOrigin refuses requests that change something and come from another
// site's page.
func (s *Server) checkOrigin() gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c *gin.Context) {
		if err := protection.Check(c.Request); err != nil {
			s.refuse(c, http.StatusForbidden, "cross_origin",
				"This request comes from another site.",
				"Make the change on the board's own page.")
			return
		}
		c.Next()
	}
}

// answerHEAD answers HEAD like GET, without the body, which net/http leaves
// out: monitors ask so. An event stream has no end, and so no HEAD.
func answerHEAD(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && r.URL.Path != "/events" {
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// limitBody bounds what a request may send; reading beyond fails.
func limitBody(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxBodyBytes)
	c.Next()
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
		s.log.Error("a request failed", "path", c.Request.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if c.Writer.Written() {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		s.refuse(c, http.StatusInternalServerError, "internal", "The board made a mistake.", "Try again; the board's log says more.")
	}()
	c.Next()
}

// refuse ends a request with an error, for programs as JSON and for people as a
// page.
func (s *Server) refuse(c *gin.Context, status int, code, message, hint string) {
	c.Abort()
	if isAPI(c.Request.URL.Path) {
		apiError(c, status, code, message, hint)
		return
	}
	s.showError(c, status, code)
}

// isAPI reports whether a path is for programs.
func isAPI(path string) bool {
	return strings.HasPrefix(path, "/api/") || path == "/api" || path == "/healthz" || path == "/metrics" || path == "/events"
}

func (s *Server) noRoute(c *gin.Context) {
	s.refuse(c, http.StatusNotFound, "not_found", "There is nothing at this address.", "docs/api.md lists every address.")
}

func (s *Server) noMethod(c *gin.Context) {
	s.refuse(c, http.StatusMethodNotAllowed, "method_not_allowed", "This address does not take "+c.Request.Method+".", "docs/api.md says what it takes.")
}

package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/people"
)

// Open is for addresses that anyone may use. Boards use no other ones: what they
// say goes through the broker.
const Open people.Role = "open"

// defaultLimit bounds the body of a request where its route says nothing.
const defaultLimit = 64 << 10

// Route is one address.
type Route struct {
	Method string
	Path   string // as gin writes it: "/boards/:device"
	Least  people.Role
	Limit  int64 // of the body in bytes; 0 = 64 KiB
	// Slow lifts the deadlines of the connection: a stream, a large upload or
	// export. Its handler ends by itself when the reader is gone.
	Slow bool
	// PerMinute bounds the requests of one address (of the network), 0 = no
	// bound of its own.
	PerMinute int
	Handler   gin.HandlerFunc
}

// check finds mistakes of programming at the start.
func (r Route) check() error {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodPut && r.Method != http.MethodDelete,
		!strings.HasPrefix(r.Path, "/"), r.Handler == nil,
		r.Least != Open && !r.Least.Valid():
		return fmt.Errorf("route %s %s is not complete", r.Method, r.Path)
	}
	return nil
}

// forPrograms reports whether errors of a path are JSON.
func forPrograms(path string) bool {
	return strings.HasPrefix(path, "/api/") || path == "/healthz" || path == "/metrics"
}

// keyPerson is where the guard leaves who asks.
const keyPerson = "gourdian.person"

// Who returns the person who asks; on an Open route ok may be false.
func Who(c *gin.Context) (who people.Person, ok bool) {
	who, ok = c.Value(keyPerson).(people.Person)
	return who, ok
}

// Fail answers a program with an error: what is wrong and what to do.
func Fail(c *gin.Context, status int, code, message, hint string) {
	c.AbortWithStatusJSON(status, gin.H{"error": gin.H{"code": code, "message": message, "hint": hint}})
}

// Busy is Fail for what may be tried again after some seconds.
func Busy(c *gin.Context, seconds int, code, message string) {
	c.Header("Retry-After", fmt.Sprint(max(seconds, 1)))
	Fail(c, http.StatusTooManyRequests, code, message, fmt.Sprintf("Try again in %d s.", max(seconds, 1)))
}

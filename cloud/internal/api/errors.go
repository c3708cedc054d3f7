package api

import (
	"github.com/gin-gonic/gin"
)

// said is what a program is told about an error that a guard found. People read
// "hub.error.<code>" of the catalogue.
type said struct{ message, hint string }

func sayings() map[string]said {
	return map[string]said{
		"not_found":          {"There is nothing at this address.", "docs/hub-api.md lists every address."},
		"method_not_allowed": {"This address does not take this method.", "docs/hub-api.md says what it takes."},
		"cross_origin":       {"This request comes from another site.", "Make the change on the hub's own pages, or with an API token."},
		"internal":           {"The hub made a mistake.", "Try again; the hub's log says more."},
		"too_many_requests":  {"Too many requests from this address.", "Wait as long as Retry-After says."},
		"too_large":          {"The request is too large.", "docs/hub-api.md says how much each address takes."},
		"database":           {"The hub's database does not answer.", "Try again in a while; the hub's log says more."},
		"login_needed":       {"This address needs to know who asks.", "Send an API token: Authorization: Bearer gdn_…"},
		"role_too_low":       {"This person's role does not allow this.", "Ask an admin of the hub."},
	}
}

// Refuse ends a request with an error: for programs as JSON, for people as a
// page. The code is one of the guards' or has words of its own in the
// catalogue.
func (s *Server) Refuse(c *gin.Context, status int, code string) {
	c.Abort()
	if forPrograms(c.Request.URL.Path) || s.opts.ShowError == nil {
		words := s.sayings[code]
		Fail(c, status, code, words.message, words.hint)
		return
	}
	s.opts.ShowError(c, status, code)
}

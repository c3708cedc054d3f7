package page

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
)

// pages holds what the pages for people are made of.
type pages struct{}

func newPages(Options) (*pages, error) { return &pages{}, nil }

// registerPages adds the pages for people and their assets.
func (s *Server) registerPages(r *gin.Engine) {
	r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "gourdian") })
}

// fragment renders the part of a page called name for one reader's language.
func (s *Server) fragment(name, lang string, state live.State) ([]byte, error) {
	return fmt.Appendf(nil, "%s %s %d", name, lang, state.Revision), nil
}

// language returns the language of a reader, "en" or "es".
func (s *Server) language(*gin.Context) string { return "en" }

// showError answers with a page that says in words what is wrong; code is a key
// of the catalogue ("error.<code>").
func (s *Server) showError(c *gin.Context, status int, code string) { c.String(status, code) }

// showPIN answers with the page that asks for the PIN.
func (s *Server) showPIN(c *gin.Context, status int, v pinView) {
	c.String(status, "PIN %+v", v)
}

// conditionText says a condition in words of lang.
func (s *Server) conditionText(_ string, c live.Condition) string { return c.Code }

// missingAssets names the page assets that were not there when the program was
// built.
func (s *Server) missingAssets() []string { return nil }

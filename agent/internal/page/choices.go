package page

import (
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/internal/web"
)

// What a reader chose for this browser. It is no secret and changes nothing on
// the board, so it needs no PIN.
const (
	languageCookie = "gourdian_language"
	themeCookie    = "gourdian_theme"
	choiceKept     = 365 * 24 * time.Hour
)

const themeAuto = "auto" // as the reader's device

func themes() []string { return []string{themeAuto, "light", "dark"} }

// language returns the language of a reader, "en" or "es".
func (s *Server) language(c *gin.Context) string {
	kept, err := c.Cookie(languageCookie)
	if err != nil {
		kept = ""
	}
	return string(web.Choose(kept, c.GetHeader("Accept-Language"), s.opts.Board.State().Settings.Language))
}

func themeOf(c *gin.Context) string {
	if kept, err := c.Cookie(themeCookie); err == nil && slices.Contains(themes(), kept) {
		return kept
	}
	return themeAuto
}

func (s *Server) takeLanguage(c *gin.Context) {
	if lang := web.Lang(c.PostForm("language")); slices.Contains(web.Languages(), lang) {
		keepChoice(c, languageCookie, string(lang))
	}
	c.Redirect(http.StatusSeeOther, localPath(c.PostForm("next")))
}

func (s *Server) takeTheme(c *gin.Context) {
	if theme := c.PostForm("theme"); slices.Contains(themes(), theme) {
		keepChoice(c, themeCookie, theme)
	}
	c.Redirect(http.StatusSeeOther, localPath(c.PostForm("next")))
}

func keepChoice(c *gin.Context, name, value string) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(choiceKept / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.Request.TLS != nil,
	})
}

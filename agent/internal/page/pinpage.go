package page

import (
	"time"

	"github.com/gin-gonic/gin"
)

// pinPageView is a PIN page in words.
type pinPageView struct {
	pinView
	Text   string // what was wrong, or how long to wait; "" = nothing
	Action string
	Rule   string
}

// showPIN answers with the page that asks for the PIN.
func (s *Server) showPIN(c *gin.Context, status int, p pinView) {
	v := s.voice(c)
	view := pinPageView{
		pinView: p, Action: "/pin",
		Rule: v.Say("pin.rule", "min", p.Digits[0], "max", p.Digits[1]),
	}
	if p.Mode == pinChange {
		view.Action = "/pin/change"
	}
	switch {
	case p.Problem != "":
		view.Text = v.pinProblem(p.Problem, p.Wait)
	case p.Wait > 0 && p.Mode != pinFirst:
		view.Text = v.pinProblem("wait", p.Wait)
	}
	s.show(c, status, pageView{Name: "pin", Title: v.Say("pin." + string(p.Mode)), Body: view})
}

// pinProblem says what was wrong with an attempt.
func (v *voice) pinProblem(problem string, wait time.Duration) string {
	return v.Say("pin."+problem, "wait", v.Lasting(wait.Round(time.Second)), "min", minPINDigits, "max", maxPINDigits)
}

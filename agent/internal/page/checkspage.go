package page

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/doctor"
	"gourdian/internal/web"
)

// Doctor examines the board when it is asked to; *doctor.Desk is one. Start asks
// for a run, unless one is under way, and returns at once. Both may be called
// from any goroutine.
type Doctor interface {
	Start() bool
	State() doctor.DeskState
}

// partChecks is the part of the page that changes while the board is examined.
const partChecks = "checks"

// checksRefresh is after how many seconds a page without JavaScript looks again
// while the board is being examined.
const checksRefresh = 2

// checksView is how the board was found, or how far the examination is.
type checksView struct {
	Running bool
	Now     string // what is being looked at
	Done    int
	Total   int

	Made    web.Moment
	Summary string // "" = not examined yet
	Level   string // of Summary: a class of the style sheet
	Shape   string // of Summary: a drawing of parts.html
	Groups  []checksGroup
}

// checksGroup is the results of some verdicts under one title.
type checksGroup struct {
	ID, Title string
	Plain     bool // nothing is to be done about them
	Checks    []checkView
}

// checkView is one result.
type checkView struct {
	Level, Verdict string
	Name, Subject  string
	Text, Do       string
}

// registerChecks adds the page. Looking is free; a run writes to the disk and
// takes the processor, so it needs the PIN like every change.
func (s *Server) registerChecks(r *gin.Engine) {
	r.GET("/check", s.serveChecks)
	r.POST("/check", s.requirePIN(), s.startChecks)
	r.GET("/api/v1/doctor", s.serveDoctor)
}

func (s *Server) serveChecks(c *gin.Context) {
	v := s.voice(c)
	view := s.checksView(v)
	p := pageView{Name: "check", Nav: "health", Title: v.Say("doctor.title"), Body: view, Events: "/events?want=" + partChecks}
	if view.Running {
		p.Refresh = checksRefresh
	}
	s.show(c, http.StatusOK, p)
}

func (s *Server) startChecks(c *gin.Context) {
	if s.opts.Doctor.Start() {
		s.log.Info("the board is examined", "asked from", c.Request.RemoteAddr)
	}
	c.Redirect(http.StatusSeeOther, "/check")
}

// doctorAnswer is the body of /api/v1/doctor.
type doctorAnswer struct {
	Running bool `json:"running"`
	Done    int  `json:"done"`
	Total   int  `json:"total"`
	Report  any  `json:"report"` // null before the first run
}

func (s *Server) serveDoctor(c *gin.Context) {
	state := s.opts.Doctor.State()
	answer := doctorAnswer{Running: state.Running, Done: state.Done, Total: state.Total}
	if state.Report != nil {
		answer.Report = state.Report.JSON(s.voice(c).Speaker)
	}
	writeJSON(c, http.StatusOK, answer)
}

func (s *Server) checksView(v *voice) *checksView {
	state := s.opts.Doctor.State()
	view := &checksView{Running: state.Running, Done: state.Done, Total: state.Total}
	if state.Running {
		view.Now = v.Say("doctor.beginning")
		if state.Check != "" {
			name := doctor.Name(v.Speaker, state.Check)
			if state.Subject != "" {
				name += " " + s.cameraNamed(state.Subject)
			}
			view.Now = v.Say("doctor.progress", "check", name, "done", v.Whole(state.Done+1), "total", v.Whole(state.Total))
		}
		return view // what was found before would be taken for what is found now
	}
	if state.Report == nil {
		return view
	}
	view.Made = s.clockTime(v, state.Report.Began, time.Now())
	view.Shape, view.Summary = v.checksSummary(state.Report)
	if view.Level = view.Shape; view.Level == "well" {
		view.Level = "fine" // it was found before: it stays in sight while the board is away
	}
	view.Groups = s.checksGroups(v, state.Report)
	return view
}

// cameraNamed is what the farmer calls a camera; what is none, such as a
// variant of the model, goes by its own name.
func (s *Server) cameraNamed(id string) string { return cameraName(s.opts.Board.State(), id) }

// checksSummary says in a line how the board is.
func (v *voice) checksSummary(r *doctor.Report) (shape, text string) {
	failed, warnings := r.Count(doctor.Failed), r.Count(doctor.Warning)
	shape, text = "well", v.Say("doctor.all_well")
	if failed > 0 {
		shape, text = "serious", v.Count("doctor.failed", failed)
	} else if warnings > 0 {
		shape = "warning"
	}
	if warnings > 0 {
		text += " " + v.Count("doctor.warnings", warnings)
	}
	return shape, text
}

// checksGroups puts what needs a hand first: what failed, then warnings.
func (s *Server) checksGroups(v *voice, r *doctor.Report) []checksGroup {
	var groups []checksGroup
	for _, g := range []struct {
		title    string
		verdicts []doctor.Verdict
	}{
		{"bad", []doctor.Verdict{doctor.Failed, doctor.Warning}}, {"good", []doctor.Verdict{doctor.OK}}, {"left_out", []doctor.Verdict{doctor.Skipped}},
	} {
		group := checksGroup{ID: g.title, Title: v.Say("doctor." + g.title), Plain: g.title != "bad"}
		for _, verdict := range g.verdicts {
			for _, result := range r.Results {
				if result.Verdict() == verdict {
					group.Checks = append(group.Checks, s.checkView(v, result))
				}
			}
		}
		if group.Checks != nil {
			groups = append(groups, group)
		}
	}
	return groups
}

func (s *Server) checkView(v *voice, r doctor.Result) checkView {
	view := checkView{
		Level: levelOfVerdict(r.Verdict()), Verdict: v.Say("doctor.verdict_" + string(r.Verdict())), Name: doctor.Name(v.Speaker, r.Check),
	}
	if r.Subject != "" {
		view.Subject = s.cameraNamed(r.Subject)
	}
	view.Text, view.Do = doctor.Words(v.Speaker, r)
	return view
}

// levelOfVerdict is the class and shape of the style sheet.
func levelOfVerdict(v doctor.Verdict) string {
	switch v {
	case doctor.OK:
		return "well"
	case doctor.Warning:
		return "warning"
	case doctor.Failed:
		return "serious"
	}
	return "note"
}

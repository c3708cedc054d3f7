package page

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
	"gourdian/internal/web"
)

// Parts of the page that change while the board runs, by the names of their
// events: see eventNames.
const (
	partHealth = "health"
	partCounts = "counts"
	partChart  = "chart"
	partRecent = "recent"
	partLive   = "live-"   // and the camera's id
	partGlance = "glance-" // and the camera's id

	partConditions = "conditions" // of the health page
)

// nowView is the start page.
type nowView struct {
	Health *healthLine
	Live   *liveView // nil without a camera
	Counts *countsView
	Recent *recentView
	Strip  []stripView // of several cameras
}

// stripView is one camera beside others.
type stripView struct {
	ID, Name string
	Chosen   bool
	Glance   glanceView
}

// glanceView is what one camera sees, in a word.
type glanceView struct {
	Verdict *verdictView // nil = nothing is judged there now
	Text    string
}

func (s *Server) serveNow(c *gin.Context) {
	state := s.opts.Board.State()
	v := s.voice(c)
	camera := chosenCamera(state, c.Query("camera"))
	view := nowView{
		Health: s.healthLine(v, state), Counts: s.countsView(v, state), Recent: s.recentView(v, state),
	}
	want := []string{partHealth, partCounts, partChart, partRecent}
	if camera != nil {
		view.Live = s.liveView(v, state, camera)
		want = append(want, partLive+camera.ID)
	}
	if len(state.Cameras) > 1 {
		for i := range state.Cameras {
			one := &state.Cameras[i]
			view.Strip = append(view.Strip, stripView{
				ID: one.ID, Name: cameraName(state, one.ID), Chosen: one.ID == camera.ID, Glance: s.glance(v, state, one),
			})
			want = append(want, partGlance+one.ID)
		}
	}
	s.show(c, http.StatusOK, pageView{
		Name: "now", Nav: "now", Title: v.Say("now.title"), Body: view,
		Events: "/events?want=" + url.QueryEscape(strings.Join(want, ",")),
	})
}

// chosenCamera is the camera with that id, else the first one; nil without any.
func chosenCamera(state live.State, id string) *live.Camera {
	at := slices.IndexFunc(state.Cameras, func(c live.Camera) bool { return c.ID == id })
	if at < 0 {
		at = 0
	}
	if len(state.Cameras) == 0 {
		return nil
	}
	return &state.Cameras[at]
}

// fragment renders the part of a page called name for one reader's language.
func (s *Server) fragment(name, lang string, state live.State) ([]byte, error) {
	v := s.pages.voices[web.Lang(lang)]
	if v == nil {
		return nil, fmt.Errorf("no language %q", lang)
	}
	switch name {
	case partHealth:
		return v.part("now", "health", s.healthLine(v, state))
	case partCounts:
		return v.part("now", "counts", s.countsView(v, state))
	case partChart:
		return v.part("now", "today-chart", s.countsView(v, state))
	case partRecent:
		return v.part("now", "recent", s.recentView(v, state))
	case partConditions:
		return v.part("health", "conditions", s.conditionViews(v, state))
	case partChecks:
		return v.part("check", "checks", s.checksView(v))
	}
	kind := partLive
	id, ok := strings.CutPrefix(name, partLive)
	if !ok {
		kind = partGlance
		id, ok = strings.CutPrefix(name, partGlance)
	}
	at := slices.IndexFunc(state.Cameras, func(c live.Camera) bool { return c.ID == id })
	if !ok || at < 0 {
		return nil, fmt.Errorf("no part %q", name)
	}
	if kind == partGlance {
		return v.part("now", "glance", s.glance(v, state, &state.Cameras[at]))
	}
	return v.part("now", "live", s.liveView(v, state, &state.Cameras[at]))
}

// glance says what one camera sees.
func (s *Server) glance(v *voice, state live.State, camera *live.Camera) glanceView {
	scene := sceneOf(state, camera, time.Now())
	if scene == sceneJudged && len(camera.Zones) > 0 {
		occupied := 0
		for i := range camera.Zones {
			if zone := &camera.Zones[i]; zone.Occupied && zone.Verdict != "" {
				occupied++
			}
		}
		if zone := &camera.Zones[0]; len(camera.Zones) == 1 && occupied == 1 {
			verdict := v.verdict(zone.Verdict, state.Model)
			return glanceView{Verdict: &verdict}
		}
		return glanceView{Text: v.Count("live.occupied", occupied)}
	}
	return glanceView{Text: v.Say("live." + scene)}
}

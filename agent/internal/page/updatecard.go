package page

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
	"gourdian/internal/wire"
)

// Models lets a person at the board go back to the model before that of the hub;
// *update.Update is one. It reports false where the board runs its own.
type Models interface {
	GoBack() bool
}

// updateCard says how the board does with models of its hub.
type updateCard struct {
	Line           string // "" = there was none
	Detail         string // in English, as it was found; "" = there is none
	Serves, Before string // "" = the hub's model does not serve
	SignedIn       bool
	PINSet         bool
	PINLink        string
}

func (s *Server) registerUpdate(r *gin.Engine) {
	r.POST("/model/back", s.requirePIN(), s.modelBack)
}

func (s *Server) modelBack(c *gin.Context) {
	if s.opts.Models.GoBack() {
		s.log.Info("somebody goes back to the model before", "asked from", c.Request.RemoteAddr)
	}
	c.Redirect(http.StatusSeeOther, "/health#model")
}

func (s *Server) updateCard(c *gin.Context, v *voice, u live.Update) updateCard {
	card := updateCard{Line: v.updateLine(&u.State), SignedIn: s.signedIn(c), PINSet: s.pin.isSet(), PINLink: "/pin?next=%2Fhealth"}
	if u.State.Step != "" || u.State.Stage == wire.StageWaiting {
		card.Detail = u.State.Why
	}
	if u.Current != "" {
		card.Serves, card.Before = shortID(u.Current), v.Say("update.own")
		if u.Previous != "" {
			card.Before = shortID(u.Previous)
		}
	}
	return card
}

// updateLine says in one line how the newest model of the hub does, "" where
// there was none.
func (v *voice) updateLine(u *wire.UpdateState) string {
	key := "update.stage_" + string(u.Stage)
	if !v.Has(key) {
		return ""
	}
	name := shortID(u.Bundle)
	if u.Bundle == "" {
		name = v.Say("update.own")
	}
	line := v.Say(key, "name", name)
	switch u.Stage {
	case wire.StageDownloading:
		if u.TotalBytes > 0 {
			line = v.Say("update.downloading_part", "name", name, "percent", v.Percent(float64(u.DoneBytes)/float64(u.TotalBytes)))
		}
	case wire.StageShadow:
		if u.Shadow != nil && u.Shadow.Frames > 0 {
			line += " " + v.Say("update.shadow_so_far", "agree", v.Whole(int(u.Shadow.Agree)), "frames", v.Whole(int(u.Shadow.Frames)))
		}
	}
	if step := "update.step_" + string(u.Step); u.Step != "" && v.Has(step) {
		line = strings.TrimSuffix(line, ".") + ": " + v.Say(step) + "."
	}
	return line
}

// updateAnswer is the newest model of the hub in /api/v1/status.
type updateAnswer struct {
	Bundle      string        `json:"bundle"`
	Rollout     string        `json:"rollout"`
	Stage       string        `json:"stage"`
	Step        string        `json:"step,omitempty"`
	Why         string        `json:"why,omitempty"`
	DoneBytes   int64         `json:"done_bytes"`
	TotalBytes  int64         `json:"total_bytes"`
	ReusedBytes int64         `json:"reused_bytes"`
	Shadow      *shadowAnswer `json:"shadow,omitempty"`
	Serves      string        `json:"serves"`   // bundle of the hub's model that serves, "" = the board's own does
	Previous    string        `json:"previous"` // what would be gone back to, "" = the board's own
	Watched     bool          `json:"watched"`  // Serves has not yet proved itself
	Text        string        `json:"text"`     // in the reader's language
}

type shadowAnswer struct {
	Frames  uint64  `json:"frames"`
	Agree   uint64  `json:"agree"`
	Seconds float64 `json:"seconds"`
}

// updateAnswerOf is nil where no hub has ever wanted a model.
func updateAnswerOf(v *voice, u live.Update) *updateAnswer {
	s := &u.State
	if s.Stage == "" {
		return nil
	}
	answer := &updateAnswer{
		Bundle: s.Bundle, Rollout: s.Rollout, Stage: string(s.Stage), Step: string(s.Step), Why: s.Why,
		DoneBytes: s.DoneBytes, TotalBytes: s.TotalBytes, ReusedBytes: s.ReusedBytes,
		Serves: u.Current, Previous: u.Previous, Watched: u.Soaking, Text: v.updateLine(s),
	}
	if s.Shadow != nil {
		answer.Shadow = &shadowAnswer{s.Shadow.Frames, s.Shadow.Agree, s.Shadow.Seconds}
	}
	return answer
}

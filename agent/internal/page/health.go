package page

import (
	"strings"
	"time"

	"gourdian/agent/internal/live"
)

// healthLine is how the board is, in one line.
type healthLine struct {
	Level    string // "well", "warning", "serious" or "note"; a class of the style sheet
	Text     string
	Do       string
	More     string // how many other things there are
	Rendered bool   // the model learnt from rendered pictures only
	Said     string // for screen readers, when it changes
}

func levelOf(severity live.Severity) string {
	switch severity {
	case live.Serious:
		return "serious"
	case live.Warning:
		return "warning"
	}
	return "note"
}

func (s *Server) healthLine(v *voice, state live.State) *healthLine {
	line := &healthLine{Rendered: state.Model != nil && state.Model.TrainedOn == "rendered"}
	conditions := s.conditions(state)
	serious := 0
	for _, c := range conditions {
		if c.Severity >= live.Warning {
			serious++
		}
	}
	if serious == 0 {
		line.Level, line.Text, line.Said = v.wellText(state)
		return line
	}
	worst := conditions[0]
	line.Level, line.Text, line.Do = levelOf(worst.Severity), s.aboutCamera(v, state, worst), v.remedy(worst)
	if serious > 1 {
		line.More = v.Count("health.more", serious-1)
	}
	line.Said = line.Text
	return line
}

// aboutCamera says a condition with the camera that it is about.
func (s *Server) aboutCamera(v *voice, state live.State, c live.Condition) string {
	text := v.condition(c)
	if c.Subject == "" || len(state.Cameras) < 2 {
		return text
	}
	return v.Say("health.for_camera", "camera", cameraName(state, c.Subject), "text", text)
}

// wellText says that all is well and what that means: "All well. Camera live,
// model patch." Of that a screen reader hears the first words.
func (v *voice) wellText(state live.State) (level, text, said string) {
	now := time.Now()
	liveCameras, ended := 0, 0
	for i := range state.Cameras {
		switch camera := &state.Cameras[i]; {
		case camera.Finished:
			ended++
		case camera.FrameSeq > 0 && now.Sub(camera.FrameAt) <= live.StaleAfter:
			liveCameras++
		}
	}
	switch {
	case len(state.Cameras) == 0:
		text = v.Say("camera.none")
		return "warning", text, text
	case ended == len(state.Cameras):
		text = v.Say("health.ended")
		return "well", text, text
	case state.Model == nil || state.Model.WorkerNote != "" || liveCameras+ended < len(state.Cameras):
		text = v.Say("health.starting")
		return "note", text, text
	}
	facts := []string{v.Count("health.live", liveCameras), v.Say("health.model_is", "name", state.Model.Name)}
	if fact := v.linkFact(state.Link, now); fact != "" {
		facts = append(facts, fact)
	}
	said = v.Say("health.well")
	return "well", said + " " + strings.Join(facts, ", ") + ".", said
}

package pipeline

import (
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/capture"
	"gourdian/internal/quality"
)

// viewPatience is how long nothing can be made out in any zone before the page
// says so: a hand over the lens and an exposure that settles pass.
const viewPatience = time.Minute

// view is what has kept the camera from seeing, and since when.
type view struct {
	code  string // of the condition, "" while it sees
	since time.Time
}

// judgeView says on the page when a camera sees nothing for long.
func (p *Pipeline) judgeView(frame *capture.Frame) {
	code := blindness(frame)
	if code != p.view.code {
		if p.view.code != "" {
			p.config.Board.Clear(p.view.code, p.config.ID)
		}
		p.view = view{code: code, since: time.Now()}
	}
	if code == "" || time.Since(p.view.since) < viewPatience {
		return
	}
	severity := live.Warning
	if code == "camera_dark" && p.settings.NightPause { // the farmer expects nights
		severity = live.Info
	}
	p.config.Board.Raise(live.Condition{Code: code, Severity: severity, Subject: p.config.ID})
}

// blindness is the condition of a frame in which no zone is sound, "" if one is.
func blindness(frame *capture.Frame) (code string) {
	for i := range frame.ZoneLumas {
		switch r := quality.Assess(frame.ZoneLumas[i], frame.Sharpness[i]); {
		case r.Dark:
			code = "camera_dark"
		case r.Blurred:
			code = "camera_blurred"
		default:
			return ""
		}
	}
	return code
}

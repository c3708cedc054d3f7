package doctor

import (
	"context"
	"errors"
	"slices"
	"time"

	"gourdian/agent/internal/gate"
	"gourdian/agent/internal/live"
)

// cameraFromState says of a camera what the running agent knows, and why there
// is no picture by asking device or network beside it.
func cameraFromState(ctx context.Context, b *Board, c Camera) []Result {
	state := b.Live()
	at := slices.IndexFunc(state.Cameras, func(s live.Camera) bool { return s.ID == c.ID })
	if at < 0 {
		return []Result{is(cameraUnknown)}
	}
	camera := state.Cameras[at]
	raised := func(code string) (live.Condition, bool) {
		for _, condition := range state.Conditions {
			if condition.Code == code && condition.Subject == c.ID {
				return condition, true
			}
		}
		return live.Condition{}, false
	}
	now := b.Now()
	switch {
	case camera.Finished:
		return []Result{is(cameraOnce, "w", camera.W, "h", camera.H, "first", Span(0), "fps", camera.FPS)}
	case camera.FrameSeq > 0 && camera.FPS == 0 && now.Sub(camera.FrameAt) <= live.StaleAfter:
		return []Result{is(cameraStarting)} // the first second: how fast it is can't be told yet
	case camera.FrameSeq > 0 && now.Sub(camera.FrameAt) <= live.StaleAfter:
		return judgeLiveCamera(c, camera)
	}
	if r, found := b.device(c); found {
		return []Result{r}
	}
	condition, found := raised("camera_missing")
	if !found {
		condition, found = raised("workers_mismatch")
	}
	if found {
		r := judgeSilence(ctx, c, errors.New("not open"))
		if r.Code == cameraSilent {
			r = is(cameraUnopened, "why", condition.Args["why"])
		}
		return []Result{r}
	}
	if camera.FrameSeq == 0 && now.Sub(state.Started) < firstPicture {
		return []Result{is(cameraStarting)}
	}
	silent := firstPicture
	if camera.FrameSeq > 0 {
		silent = now.Sub(camera.FrameAt).Round(time.Second)
	}
	r := judgeSilence(ctx, c, errors.New("silent"))
	if r.Code == cameraSilent {
		r = is(cameraSilent, "time", Span(silent))
	}
	return []Result{r}
}

// judgeLiveCamera is judgeCamera by what the gate said of the newest picture.
func judgeLiveCamera(c Camera, camera live.Camera) []Result {
	s := seen{w: camera.W, h: camera.H, perSecond: camera.FPS}
	s.report.Blurred = camera.LastSkip == gate.Blur
	s.report.Dark = camera.LastSkip == gate.Night
	results := judgeCamera(c, s)
	if camera.LastSkip == gate.Exposure {
		results = append(slices.DeleteFunc(results, func(r Result) bool { return r.Verdict() == OK }), is(cameraExposure))
	}
	return results
}

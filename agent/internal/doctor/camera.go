package doctor

import (
	"context"
	"errors"
	"io"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/quality"
	"gourdian/internal/worker"
)

const (
	// firstPicture is how long a camera may take: drivers that hang are noticed
	// after 10 seconds.
	firstPicture = 15 * time.Second
	// rateFor is how long its pictures are counted.
	rateFor = 2 * time.Second
	// slack is the share of the rate asked for below which it counts as missed.
	slack = 0.7
)

// seen is what a camera showed.
type seen struct {
	first     time.Duration // until the first picture
	w, h      int
	perSecond float64        // 0 = it ended before it could be counted
	report    quality.Report // of the newest picture
	once      bool           // a source that comes to its end
}

// camera looks at one camera: through a worker of its own where no agent runs.
func (b *Board) camera(ctx context.Context, c Camera) []Result {
	switch {
	case b.Live != nil:
		return cameraFromState(ctx, b, c)
	case b.Locked:
		return []Result{is(unchecked)}
	}
	if r, found := b.device(c); found {
		return []Result{r}
	}
	spec, err := capture.CameraSpec(c.Source, b.Capture)
	if err != nil {
		return []Result{is(workerMissing, "program", capture.Program, "why", err.Error())}
	}
	process, err := worker.Start(ctx, spec)
	if err != nil {
		return []Result{judgeCameraWorker(err)}
	}
	defer process.Close()
	s, err := look(ctx, capture.NewCamera(process, c.Address.Kind()))
	if err != nil {
		return []Result{judgeSilence(ctx, c, err)}
	}
	return judgeCamera(c, s)
}

func judgeCameraWorker(err error) Result {
	var failure *worker.Failure
	if errors.As(err, &failure) && failure.Code == worker.CodeMissing {
		return is(workerMissing, "program", capture.Program, "why", err.Error())
	}
	return is(cameraUnopened, "why", err.Error())
}

// look waits for the first picture and counts those that follow.
func look(ctx context.Context, camera capture.Camera) (seen, error) {
	ctx, cancel := context.WithTimeout(ctx, firstPicture+rateFor)
	defer cancel()
	began := time.Now()
	frame, err := firstFrame(ctx, camera, began)
	if err != nil {
		return seen{}, err
	}
	s := seen{first: time.Since(began), w: frame.W, h: frame.H, once: camera.Kind() == capture.Finite}
	start, from := time.Now(), frame.Seq
	for !s.once && time.Since(start) < rateFor {
		next, err := camera.Next(ctx, capture.Request{})
		if errors.Is(err, io.EOF) {
			s.once = true
			break
		}
		if err != nil {
			break // what was seen before counts
		}
		frame = next
	}
	if took := time.Since(start); frame.Seq > from {
		s.perSecond = float64(frame.Seq-from) / took.Seconds()
	}
	if len(frame.ZoneLumas) > 0 && len(frame.Sharpness) > 0 {
		s.report = quality.Assess(frame.ZoneLumas[0], frame.Sharpness[0])
	}
	return s, nil
}

// firstFrame asks until there is a picture. A source that can't be opened is
// asked twice: some cameras are woken up by the first call.
func firstFrame(ctx context.Context, camera capture.Camera, began time.Time) (*capture.Frame, error) {
	for refused := 0; ; {
		frame, err := camera.Next(ctx, capture.Request{})
		if err == nil {
			return frame, nil
		}
		if errors.Is(err, capture.ErrNotOpen) {
			refused++
		}
		if !errors.Is(err, capture.ErrNoPicture) || refused > 1 || ctx.Err() != nil || time.Since(began) > firstPicture {
			return nil, err
		}
	}
}

// judgeCamera says of a camera that shows something how that is.
func judgeCamera(c Camera, s seen) []Result {
	args := []any{"w", s.w, "h", s.h, "first", Span(s.first), "fps", s.perSecond}
	var results []Result
	if w, h := int(c.Address.Number("width", 0)), int(c.Address.Number("height", 0)); c.Address.Scheme == "device" && (w > 0 && w != s.w || h > 0 && h != s.h) {
		results = append(results, is(cameraSize, append(args, "asked_w", w, "asked_h", h)...))
	}
	if asked := expected(c); s.perSecond > 0 && s.perSecond < slack*asked {
		results = append(results, is(cameraSlow, append(args, "asked", asked)...).measured(s.perSecond, "1/s"))
	}
	switch {
	case s.report.Dark:
		results = append(results, is(cameraDark))
	case s.report.Bright:
		results = append(results, is(cameraBright))
	case s.report.Blurred:
		results = append(results, is(cameraBlurred))
	}
	switch {
	case results != nil:
		return results
	case s.once || s.perSecond == 0:
		return []Result{is(cameraOnce, args...)}
	}
	return []Result{is(cameraOK, args...).measured(s.perSecond, "1/s")}
}

// enough is the rate in 1/s below which a live camera is slower than people
// expect of one.
const enough = 1

// expected is the rate that a camera should reach: what its address asks for,
// else what is judged of it, up to what is enough. What is judged at most is no
// promise that there is more to see.
func expected(c Camera) float64 {
	if asked := c.Address.Number("fps", 0); asked > 0 {
		return asked
	}
	return min(c.FPS, enough)
}

// judgeSilence says why there is no picture, with what a look at the network
// can add: the library under the worker only says that there is no stream.
func judgeSilence(ctx context.Context, c Camera, err error) Result {
	if errors.Is(err, io.EOF) {
		return is(cameraEmpty)
	}
	if c.Address.Scheme == "rtsp" || c.Address.Scheme == "http" || c.Address.Scheme == "https" {
		if r, found := askStream(ctx, c.Address); found {
			return r
		}
	}
	var answer *worker.Error
	if errors.As(err, &answer) && errors.Is(err, capture.ErrNotOpen) {
		return is(cameraUnopened, "why", answer.Message)
	}
	return is(cameraSilent, "time", Span(firstPicture))
}

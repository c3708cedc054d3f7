package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/quality"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// fakeCamera gives what next says.
type fakeCamera struct {
	kind capture.Kind
	next func(ctx context.Context) (*capture.Frame, error)
}

func (f fakeCamera) Kind() capture.Kind { return f.kind }
func (f fakeCamera) Next(ctx context.Context, _ capture.Request) (*capture.Frame, error) {
	return f.next(ctx)
}

// every gives a frame each period, of which drop are lost between two.
func every(period time.Duration, drop uint64) func(context.Context) (*capture.Frame, error) {
	seq := uint64(0)
	return func(ctx context.Context) (*capture.Frame, error) {
		select {
		case <-time.After(period):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		seq += 1 + drop
		return &capture.Frame{
			Seq: seq, W: 1280, H: 720, Sharpness: []float64{500},
			ZoneLumas: []vision.Luma{{W: 2, H: 1, Pix: []uint8{90, 200}}},
		}, nil
	}
}

func address(t *testing.T, uri string) capture.Address {
	t.Helper()
	a, err := capture.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRateCountsFramesThatWereDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := look(t.Context(), fakeCamera{capture.Live, every(200*time.Millisecond, 2)})
		if err != nil || s.first != 200*time.Millisecond || s.w != 1280 || s.h != 720 || s.once {
			t.Errorf("%+v, %v", s, err)
		}
		if s.perSecond < 14 || s.perSecond > 16 {
			t.Errorf("%v frames each second, want 15", s.perSecond)
		}
	})
}

func TestCameraThatNeverAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := fakeCamera{capture.Live, func(ctx context.Context) (*capture.Frame, error) {
			select {
			case <-time.After(2 * time.Second):
				return nil, fmt.Errorf("next frame: %w", capture.ErrNoPicture)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}
		began := time.Now()
		_, err := look(t.Context(), silent)
		if took := time.Since(began); err == nil || took > firstPicture+rateFor {
			t.Errorf("%v after %v", err, took)
		}
		want(t, judgeSilence(t.Context(), Camera{Address: address(t, "device:/dev/video0")}, err), cameraSilent)
	})
}

func TestDriverThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := fakeCamera{capture.Live, func(ctx context.Context) (*capture.Frame, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		if _, err := look(t.Context(), hangs); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

func TestCameraThatGoesAfterItsFirstPicture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		frames, n := every(100*time.Millisecond, 0), 0
		s, err := look(t.Context(), fakeCamera{capture.Live, func(ctx context.Context) (*capture.Frame, error) {
			if n++; n > 3 {
				return nil, capture.ErrNoPicture
			}
			return frames(ctx)
		}})
		if err != nil || s.w != 1280 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestCameraThatCanNotBeOpened(t *testing.T) {
	t.Parallel()
	refusal := fmt.Errorf("%w: %w: %w", capture.ErrNoPicture, capture.ErrNotOpen, &worker.Error{Code: "not_open", Message: "FFmpeg can't open it as a video"})
	asked := 0
	_, err := look(t.Context(), fakeCamera{capture.Live, func(context.Context) (*capture.Frame, error) {
		asked++
		return nil, refusal
	}})
	if err == nil || asked != 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	r := judgeSilence(t.Context(), Camera{Address: address(t, "file:clip.mp4")}, err)
	want(t, r, cameraUnopened)
	if r.Args["why"] != "FFmpeg can't open it as a video" {
		t.Errorf("%v", r.Args)
	}
	want(t, judgeSilence(t.Context(), Camera{}, io.EOF), cameraEmpty)
	want(t, judgeCameraWorker(&worker.Failure{Code: worker.CodeMissing, Err: errors.New("no such file")}), workerMissing)
	want(t, judgeCameraWorker(&worker.Failure{Code: worker.CodeRefused, Err: errors.New("no codec")}), cameraUnopened)
}

func TestPictureThatIsNotAsItShouldBe(t *testing.T) {
	t.Parallel()
	device := Camera{FPS: 2, Address: address(t, "device:/dev/video0?width=1280&height=720&fps=15")}
	stream := Camera{FPS: 5, Address: address(t, "rtsp://host/stream")}
	well := seen{first: time.Second, w: 1280, h: 720, perSecond: 15}
	for name, c := range map[string]struct {
		camera Camera
		spoil  func(*seen)
		codes  []Code
	}{
		"well":                   {device, func(*seen) {}, []Code{cameraOK}},
		"another size":           {device, func(s *seen) { s.w, s.h = 640, 480 }, []Code{cameraSize}},
		"slower than asked":      {device, func(s *seen) { s.perSecond = 7 }, []Code{cameraSlow}},
		"small and slow":         {device, func(s *seen) { s.w, s.h, s.perSecond = 640, 480, 7 }, []Code{cameraSize, cameraSlow}},
		"slow stream":            {stream, func(s *seen) { s.perSecond = 0.3 }, []Code{cameraSlow}},
		"less than is judged":    {stream, func(s *seen) { s.perSecond = 2 }, []Code{cameraOK}},
		"lens cap":               {device, func(s *seen) { s.report = quality.Report{Dark: true, Night: true} }, []Code{cameraDark}},
		"sun in the lens":        {device, func(s *seen) { s.report = quality.Report{Bright: true, Blurred: true} }, []Code{cameraBright}},
		"out of focus":           {device, func(s *seen) { s.report = quality.Report{Blurred: true} }, []Code{cameraBlurred}},
		"a folder of photos":     {stream, func(s *seen) { s.once, s.perSecond = true, 0 }, []Code{cameraOnce}},
		"one picture in seconds": {stream, func(s *seen) { s.perSecond = 0 }, []Code{cameraOnce}},
	} {
		s := well
		c.spoil(&s)
		t.Run(name, func(t *testing.T) { wantAll(t, judgeCamera(c.camera, s), c.codes...) })
	}
}

func TestDeviceWithoutPermissionOrNotThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts deviceFacts
		code  Code
	}{
		"unplugged, none other": {deviceFacts{path: "/dev/video0", stat: fs.ErrNotExist}, cameraNone},
		"at another number":     {deviceFacts{path: "/dev/video0", stat: fs.ErrNotExist, there: []string{"/dev/video2"}}, cameraMissing},
		"not in group video":    {deviceFacts{path: "/dev/video0", access: syscall.EACCES, user: "ana", group: "video"}, cameraPermission},
		"a folder that is shut": {deviceFacts{path: "/dev/v4l/x", stat: syscall.EACCES}, cameraUnopened},
	} {
		t.Run(name, func(t *testing.T) {
			r, found := judgeDevice(c.facts)
			if !found {
				t.Fatal("nothing is found")
			}
			want(t, r, c.code)
		})
	}
	if r, found := judgeDevice(deviceFacts{path: "/dev/video0"}); found {
		t.Errorf("a device that may be opened: %v", r)
	}
	_, remedy := Words(speakers(t)[0], is(cameraPermission, "path", "/dev/video0", "user", "ana", "group", "video"))
	if remedy != "Add the user to the group video: sudo usermod -aG video ana. Then restart the agent." {
		t.Errorf("%q", remedy)
	}
}

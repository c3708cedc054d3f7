package video_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/capture/capturetest"
	"gourdian/internal/capture/video"
	"gourdian/internal/vision"
)

// tape is a Native of a number of frames, each of its own red.
type tape struct {
	frames  int
	at      int
	fps     float64
	takes   time.Duration // to read one
	skipped int
	fails   error
	closed  bool
}

func (n *tape) Read(img *vision.Image) error {
	<-time.After(n.takes) // in the time of synctest
	if n.fails != nil {
		return n.fails
	}
	if n.at == n.frames {
		return io.EOF
	}
	*img = capturetest.Plain(32, 24, uint8(n.at), 0, 0)
	n.at++
	return nil
}

func (n *tape) Skip() error {
	if n.at == n.frames {
		return io.EOF
	}
	n.at++
	n.skipped++
	return nil
}

func (n *tape) FPS() float64 { return n.fps }

func (n *tape) Close() error {
	if n.closed {
		return errors.New("closed twice")
	}
	n.closed = true
	return nil
}

func file(t *testing.T, c video.FileConfig, tapes ...*tape) *video.File {
	t.Helper()
	c.Path = "/somewhere/clip.mp4"
	opened := 0
	c.Open = func(string) (video.Native, error) {
		n := *tapes[min(opened, len(tapes)-1)]
		opened++
		return &n, nil
	}
	f, err := video.OpenFile(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("file, fast", func(t *testing.T) {
		t.Parallel()
		capturetest.Run(t, capturetest.Suite{Kind: capture.Finite, Pictures: 5, Open: func(t *testing.T, from capture.Mark) capture.Source {
			return file(t, video.FileConfig{Fast: true, From: from}, &tape{frames: 5, fps: 10})
		}})
	})
	t.Run("file, once", func(t *testing.T) {
		t.Parallel()
		capturetest.Run(t, capturetest.Suite{Kind: capture.Live, Pictures: 4, Open: func(t *testing.T, _ capture.Mark) capture.Source {
			return file(t, video.FileConfig{}, &tape{frames: 4, fps: 200})
		}})
	})
	t.Run("file, looped", func(t *testing.T) {
		t.Parallel()
		capturetest.Run(t, capturetest.Suite{Kind: capture.Live, Open: func(t *testing.T, _ capture.Mark) capture.Source {
			return file(t, video.FileConfig{Loop: true}, &tape{frames: 2, fps: 200})
		}})
	})
	t.Run("camera", func(t *testing.T) {
		t.Parallel()
		capturetest.Run(t, capturetest.Suite{Kind: capture.Live, Open: func(*testing.T, capture.Mark) capture.Source {
			return video.NewCamera(&tape{frames: 1000})
		}})
	})
}

func TestAVideoKeepsItsPaceOverItsRounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := file(t, video.FileConfig{Loop: true}, &tape{frames: 3, fps: 4})
		began := time.Now()
		for i := range 10 {
			p, err := f.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := began.Add(time.Duration(i) * 250 * time.Millisecond)
			if !p.CapturedAt.Equal(want) || !time.Now().Equal(want) {
				t.Errorf("frame %d: taken at %v, shown at %v, want %v", i, p.CapturedAt.Sub(began), time.Since(began), want.Sub(began))
			}
			if red := p.Image.Pix[0]; red != uint8(i%3) {
				t.Errorf("frame %d shows frame %d of the file", i, red)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestASlowBoardLeavesFramesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := file(t, video.FileConfig{}, &tape{frames: 100, fps: 10, takes: 300 * time.Millisecond})
		shown := 0
		for {
			p, err := f.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if late := time.Since(p.CapturedAt); late > 500*time.Millisecond {
				t.Errorf("frame %d is shown %v late", p.Image.Pix[0], late)
			}
			shown++
		}
		if shown < 25 || shown > 40 {
			t.Errorf("%d frames of 100 at a third of the speed", shown)
		}
	})
}

func TestAVideoGoesOnWhereItWasAfterASuspension(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := file(t, video.FileConfig{}, &tape{frames: 100, fps: 10})
		for range 3 {
			if _, err := f.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Hour)
		p, err := f.Next(t.Context())
		if err != nil || p.Image.Pix[0] != 3 {
			t.Errorf("frame %v after an hour's pause, want 3: %v", p.Image.Pix[:1], err)
		}
	})
}

func TestFastFramesCarryTheTimeOfTheVideo(t *testing.T) {
	t.Parallel()
	f := file(t, video.FileConfig{Fast: true}, &tape{frames: 3, fps: 2})
	var first time.Time
	for i, want := range []string{"clip.mp4#000000", "clip.mp4#000001", "clip.mp4#000002"} {
		p, err := f.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = p.CapturedAt
		}
		if p.Name != want || p.CapturedAt.Sub(first) != time.Duration(i)*500*time.Millisecond {
			t.Errorf("%q after %v", p.Name, p.CapturedAt.Sub(first))
		}
	}
}

func TestARateThatCannotBeBelievedIsReplaced(t *testing.T) {
	t.Parallel()
	for _, fps := range []float64{0, -1, 1e9, 0.001} {
		f := file(t, video.FileConfig{Fast: true}, &tape{frames: 2, fps: fps})
		a, err := f.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.Next(t.Context())
		if err != nil || b.CapturedAt.Sub(a.CapturedAt) != 40*time.Millisecond {
			t.Errorf("%v fps: frames %v apart: %v", fps, b.CapturedAt.Sub(a.CapturedAt), err)
		}
	}
}

func TestAVideoWithoutFramesIsAFaultNotAnEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []video.FileConfig{{}, {Loop: true}, {Fast: true}} {
		f := file(t, c, &tape{})
		if _, err := f.Next(t.Context()); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestAnUnpluggedCameraIsAFaultNotAnEnd(t *testing.T) {
	t.Parallel()
	camera := video.NewCamera(&tape{frames: 1})
	if _, err := camera.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := camera.Next(t.Context()); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

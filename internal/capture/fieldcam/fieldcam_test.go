package fieldcam

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/capture/capturetest"
	"gourdian/internal/vision"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	capturetest.Run(t, capturetest.Suite{Kind: capture.Live, Open: func(t *testing.T, _ capture.Mark) capture.Source {
		source, err := Open("seed=3&speed=60&width=160&height=160&fps=30", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return source
	}})
}

// clockScene paints the field time that it is asked for.
type clockScene struct{ start time.Time }

func (c clockScene) Render(dst *vision.Image, at time.Time) {
	*dst = capturetest.Plain(4, 4, uint8(at.Sub(c.start)/time.Minute), 0, 0)
}
func (c clockScene) Start() time.Time { return c.start }
func (c clockScene) Speed() float64   { return 60 }

func TestFieldClockRunsFasterAndSurvivesANewWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		scene := clockScene{time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)}
		began := time.Now()
		look := func(s *Source, want time.Duration) {
			t.Helper()
			p, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := p.CapturedAt.Sub(scene.start); got != want {
				t.Errorf("field time %v, want %v", got, want)
			}
			if p.Image.Pix[0] != uint8(want/time.Minute) {
				t.Errorf("the picture shows minute %d", p.Image.Pix[0])
			}
		}
		first := newSource(scene, 500*time.Millisecond, began)
		look(first, 0)
		look(first, 30*time.Second)
		<-time.After(9500 * time.Millisecond)
		look(first, 10*time.Minute)
		<-time.After(20 * time.Second) // the worker was killed and comes back
		look(newSource(scene, 500*time.Millisecond, began), 30*time.Minute)
	})
}

func TestTheSameQueryShowsTheSameField(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		show := func() []byte {
			source, err := Open("seed=3&width=160&height=160", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			p, err := source.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Clone(p.Image.Pix)
		}
		if !bytes.Equal(show(), show()) {
			t.Error("two cameras on the same scene and moment show different pictures")
		}
	})
}

func TestOpenRefusesBadQueries(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"fps=0", "fps=x", "fps=31", "fps=NaN", "colour=blue", "seed=-1", "%zz"} {
		if _, err := Open(query, time.Now()); err == nil {
			t.Errorf("%q was accepted", query)
		}
	}
}

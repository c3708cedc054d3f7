package pipeline

import (
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/settings"
	"gourdian/internal/capture"
)

// run lets the camera have a picture ready ten times a second and returns how
// many the pipeline took and scored in so many seconds.
func (r *rig) run(scene byte, seconds int) (taken, scored int) {
	r.t.Helper()
	r.scorer.mu.Lock()
	before := r.scorer.calls
	r.scorer.mu.Unlock()
	for range 10 * seconds {
		<-time.After(100 * time.Millisecond)
		select {
		case r.camera.answers <- answer{frame: r.frame(scene, sharp)}:
			taken++
		default: // nobody asked: the next picture takes its place
		}
		synctest.Wait()
	}
	r.scorer.mu.Lock()
	defer r.scorer.mu.Unlock()
	return taken, r.scorer.calls - before
}

func TestHotBoardTakesAndScoresFewerPictures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.change(func(s *settings.Camera) { s.FramesPerSecond = 5 })
		synctest.Wait()
		if taken, scored := r.run(emptyPlace, 60); taken != 600 || scored < 55 || scored > 75 {
			t.Errorf("cool: %d pictures taken and %d scored in a minute", taken, scored)
		}
		r.percent.Store(20)
		r.run(emptyPlace, 10)
		if taken, scored := r.run(emptyPlace, 60); taken < 50 || taken > 62 || scored < 10 || scored > 14 {
			t.Errorf("hot: %d pictures taken and %d scored in a minute, want one each second and one in five of them", taken, scored)
		}
		if len(r.shown().Zones) != 1 || r.shown().Zones[0].Occupied {
			t.Errorf("shown: %+v", r.shown().Zones)
		}
		r.percent.Store(100)
		r.run(emptyPlace, 10)
		if taken, scored := r.run(emptyPlace, 60); taken != 600 || scored < 55 {
			t.Errorf("cool again: %d pictures taken and %d scored in a minute", taken, scored)
		}
	})
}

// TestHotBoardStillSeesWhatComes: what stands there for some seconds is judged
// by fewer frames, and recorded.
func TestHotBoardStillSeesWhatComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.change(func(s *settings.Camera) { s.FramesPerSecond = 5 })
		r.percent.Store(20)
		r.run(emptyPlace, 30)
		r.run(goodOne, 20)
		r.run(emptyPlace, 30)
		r.wantRecords("good")
	})
}

// TestSlowestBoardIsNeverStale: however slow, a picture comes before the page
// greys the one before.
func TestSlowestBoardIsNeverStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.change(func(s *settings.Camera) { s.FramesPerSecond = settings.MinFPS })
		r.percent.Store(5)
		r.run(emptyPlace, 10)
		if taken, _ := r.run(emptyPlace, 60); taken < 11 {
			t.Errorf("%d pictures in a minute, want one every five seconds", taken)
		}
	})
}

func TestHotBoardIsStoppedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		r.percent.Store(5)
		r.run(emptyPlace, 1)
		before := time.Now()
		stop()
		if took := time.Since(before); took > 0 {
			t.Errorf("it ended after %v", took)
		}
	})
}

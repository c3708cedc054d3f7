package pipeline

import (
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/settings"
	"gourdian/internal/capture"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// picture is a frame of a folder.
func (r *rig) picture(scene byte, name string, sharpness float64) answer {
	f := r.frame(scene, sharpness)
	f.Name = name
	return answer{frame: f}
}

func TestEachPictureOfAFolderIsOneRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Finite)
		defer stop()
		// Faster than any rate, some alike, one blurred: a person chose them.
		for i, scene := range []byte{goodOne, goodOne, badOne, goodOne} {
			r.give(r.picture(scene, string(rune('a'+i))+".jpg", sharp))
		}
		r.give(r.picture(badOne, "e.jpg", blurry))
		r.give(answer{err: errEnd})
		all := r.wantRecords(wire.Good, wire.Good, wire.Bad, wire.Good, wire.Unsure)
		for i, k := range all {
			if k.Frames != 1 || k.Seconds != 0 || k.picture != "frame "+string(rune('1'+i)) {
				t.Errorf("record %d: %+v with %q", i, k.Record, k.picture)
			}
		}
		if all[4].Reason != wire.ReasonQuality {
			t.Errorf("a blurred picture is unsure for %q", all[4].Reason)
		}
		shown := r.shown()
		if !shown.Finite || !shown.Finished || shown.Scored != 5 {
			t.Errorf("shown: %+v", shown)
		}
		r.wantCodes("source_finished")
	})
}

func TestFolderWaitsForTheModelAndLosesNoPicture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Finite)
		defer stop()
		model := r.scorer.Model()
		r.scorer.become(nil, nil)
		r.camera.answers <- r.picture(goodOne, "a.jpg", sharp)
		<-time.After(time.Hour)
		synctest.Wait()
		if shown := r.shown(); shown.LastSkip != skipNoModel || shown.Skips[skipNoModel] != 0 {
			t.Errorf("while it waits: %+v", shown)
		}
		r.scorer.become(model, errDown)
		<-time.After(time.Second)
		r.scorer.become(model, nil)
		<-time.After(time.Second)
		synctest.Wait()
		r.give(r.picture(badOne, "b.jpg", sharp))
		r.wantRecords(wire.Good, wire.Bad)
		if skips := r.shown().Skips; len(skips) != 0 {
			t.Errorf("counted as skipped, though nothing was: %v", skips)
		}
	})
}

func TestPictureThatTheEngineDiesOfIsLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Finite)
		defer stop()
		model := r.scorer.Model()
		r.scorer.become(model, errDown)
		r.camera.answers <- r.picture(goodOne, "poison.jpg", sharp)
		<-time.After(tryFor + time.Minute)
		synctest.Wait()
		r.scorer.become(model, nil)
		r.give(r.picture(badOne, "b.jpg", sharp))
		r.wantRecords(wire.Bad)
		if skips := r.shown().Skips; skips[skipEngineDown] != 1 {
			t.Errorf("skips: %v", skips)
		}
	})
}

// A picture of two zones whose second one can't be scored is tried again as a
// whole: its first zone must not be recorded twice.
func TestPictureIsRecordedAsAWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Finite)
		defer stop()
		r.change(func(s *settings.Camera) {
			s.Zones = []vision.Zone{{ID: "left", Side: 5000}, {ID: "right", X: 5000, Side: 5000}}
		})
		r.give(answer{err: capture.ErrNoPicture})
		r.zones = 2
		half := r.picture(goodOne, "a.jpg", sharp)
		half.frame.Tensors[1][0] = badOne
		calls := 0
		r.scorer.mu.Lock()
		r.scorer.err = errDown
		r.scorer.mu.Unlock()
		r.camera.answers <- half
		<-time.After(3 * tryAgain)
		r.wantRecords()
		r.scorer.mu.Lock()
		calls, r.scorer.err = r.scorer.calls, nil
		r.scorer.mu.Unlock()
		<-time.After(2 * tryAgain)
		synctest.Wait()
		all := r.wantRecords(wire.Good, wire.Bad)
		if calls < 2 || all[0].Zone != "left" || all[1].Zone != "right" {
			t.Errorf("after %d tries: %+v, %+v", calls, all[0].Record, all[1].Record)
		}
	})
}

func TestBoardThatStopsWhileAPictureWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Finite)
		r.scorer.become(nil, nil)
		r.camera.answers <- r.picture(goodOne, "a.jpg", sharp)
		<-time.After(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took > tryAgain {
			t.Errorf("stopped after %v", took)
		}
		r.wantRecords()
	})
}

package pipeline

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/settings"
	"gourdian/internal/capture"
	"gourdian/internal/sketch"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
	"gourdian/internal/worker"
)

func TestWhatStoodThereIsRecordedWhenItGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.show(emptyPlace, 4)
		came := time.Now()
		r.show(goodOne, 6)
		zone := r.shown().Zones[0]
		if !zone.Occupied || zone.Verdict != wire.Good || zone.Frames < 4 || zone.Probabilities["good"] < 0.9 || !zone.Since.Equal(came) {
			t.Errorf("shown: %+v", zone)
		}
		r.wantRecords()
		r.show(emptyPlace, 4)
		if zone := r.shown().Zones[0]; zone.Occupied || zone.Verdict != "" {
			t.Errorf("the empty place is shown as %+v", zone)
		}
		k := r.wantRecords(wire.Good)[0]
		if !k.CapturedAt.Equal(came) || k.Camera != "barn" || k.Zone != wholeZone || k.Model != "first" || k.Boot != "boot" ||
			k.Clock != wire.ClockSynced || k.Frames < 4 || k.Seconds < 4 || k.Variant != "fp32" || k.Preprocess != "square/1" {
			t.Errorf("record: %+v", k.Record)
		}
	})
}

func TestRecordHasTheSharpestPictureOfItsSighting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.show(emptyPlace, 4)
		r.show(goodOne, 3)
		best := r.frame(goodOne, 3*sharp)
		r.give(answer{frame: best})
		<-time.After(time.Second)
		r.show(goodOne, 3)
		r.show(badOne, 4)
		if k := r.wantRecords(wire.Good)[0]; k.picture != string(best.JPEG) {
			t.Errorf("kept %q, the best one is %q", k.picture, best.JPEG)
		}
	})
}

func TestWithoutAModelPicturesAreShownAndNothingIsJudged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.scorer.become(nil, nil)
		r.show(emptyPlace, 3)
		shown := r.shown()
		if jpeg, _, seq, ok := r.hub.Frame("barn"); !ok || seq != r.seq || string(jpeg) != fmt.Sprintf("frame %d", r.seq) {
			t.Errorf("picture shown: %q %d %v", jpeg, seq, ok)
		}
		if shown.Scored != 0 || shown.Skips[skipNoModel] == 0 || shown.W != 640 {
			t.Errorf("shown: %+v", shown)
		}
		r.scorer.become(modelOf(t, "late"), nil)
		r.show(emptyPlace, 4)
		r.show(badOne, 3)
		r.show(emptyPlace, 3)
		if k := r.wantRecords(wire.Bad)[0]; k.Model != "late" {
			t.Errorf("record: %+v", k.Record)
		}
	})
}

func TestEngineThatFailsCostsFramesByReason(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		skip string
	}{
		"down":       {errDown, skipEngineDown},
		"no numbers": {fmt.Errorf("score frame: %w", verdict.ErrScores), skipBadScores},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, stop := newRig(t, capture.Live)
				defer stop()
				r.show(emptyPlace, 4)
				r.show(goodOne, 3)
				r.scorer.become(r.scorer.Model(), tc.err)
				r.show(goodOne, 10)
				shown := r.shown()
				if shown.Skips[tc.skip] == 0 || shown.LastSkip != tc.skip && shown.LastSkip != "still" {
					t.Errorf("shown: %v, last %q", shown.Skips, shown.LastSkip)
				}
				if !shown.Zones[0].Occupied {
					t.Error("what stands there is forgotten with the engine")
				}
				r.scorer.become(r.scorer.Model(), nil)
				r.show(goodOne, 3)
				r.show(emptyPlace, 4)
				r.wantRecords(wire.Good) // one, not one before and one after
			})
		})
	}
}

func TestSightingsBeginAnewWithANewModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.show(emptyPlace, 4)
		r.show(goodOne, 4)
		r.scorer.become(modelOf(t, "second"), nil)
		r.show(goodOne, 6)
		r.show(emptyPlace, 6)
		if k := r.wantRecords(wire.Good)[0]; k.Model != "second" {
			t.Errorf("votes of two models in one record: %+v", k.Record)
		}
	})
}

func TestModelThatCanDecideNothingIsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.scorer.become(&engine.Model{ID: "broken"}, nil)
		r.show(goodOne, 3)
		if shown := r.shown(); shown.Skips[skipNoModel] == 0 || shown.Scored != 0 {
			t.Errorf("shown: %+v", shown)
		}
	})
}

func TestChangedZoneEndsItsSightingAndNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		left, right := vision.Zone{ID: "left", X: 0, Side: 5000}, vision.Zone{ID: "right", X: 5000, Side: 5000}
		draw := func(zones ...vision.Zone) {
			r.change(func(s *settings.Camera) { s.Zones = zones })
			r.give(answer{err: capture.ErrNoPicture}) // this request was made with the old zones
			r.zones = len(zones)
		}
		draw(left, right)
		r.show(emptyPlace, 4)
		r.show(goodOne, 4)
		seen := r.shown()
		if len(seen.Zones) != 2 || !seen.Zones[0].Occupied || !seen.Zones[1].Occupied {
			t.Fatalf("shown: %+v", seen.Zones)
		}
		moved := right
		moved.X = 4000
		draw(left, moved)
		r.give(answer{frame: r.frame(goodOne, sharp)})
		now := r.shown()
		if !now.Zones[0].Occupied || !now.Zones[0].Since.Equal(seen.Zones[0].Since) {
			t.Errorf("the zone that stayed lost its sighting: %+v", now.Zones[0])
		}
		if now.Zones[1].Occupied {
			t.Errorf("the zone that moved kept its sighting: %+v", now.Zones[1])
		}
		r.show(goodOne, 4)
		r.show(emptyPlace, 4)
		r.wantRecords(wire.Good, wire.Good)
		last := r.camera.asked[len(r.camera.asked)-1]
		if len(last.Zones) != 2 || last.Zones[1] != moved {
			t.Errorf("the camera is asked for %+v", last.Zones)
		}
	})
}

func TestRenamingACameraResetsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.show(emptyPlace, 4)
		r.show(goodOne, 10)
		before := r.shown()
		if before.Skips["still"] == 0 {
			t.Fatalf("nothing was skipped: %v", before.Skips)
		}
		r.change(func(s *settings.Camera) { s.Name = "Granero" })
		r.show(goodOne, 2)
		after := r.shown()
		if after.Name != "Granero" || after.Skips["still"] < before.Skips["still"] || after.Scored < before.Scored || !after.Zones[0].Since.Equal(before.Zones[0].Since) {
			t.Errorf("before %+v\nafter %+v", before, after)
		}
	})
}

func TestSightingThatFindsNoRoomIsNoReasonToStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.keeper.err = errNoRoom
		r.show(emptyPlace, 4)
		r.show(goodOne, 4)
		r.show(emptyPlace, 4)
		if shown := r.shown(); shown.Zones[0].Occupied || shown.Scored == 0 {
			t.Errorf("shown: %+v", shown)
		}
		r.keeper.mu.Lock()
		r.keeper.err = nil
		r.keeper.mu.Unlock()
		r.show(badOne, 4)
		r.show(emptyPlace, 4)
		r.wantRecords(wire.Bad)
	})
}

func TestSilentCameraIsSaidByItsCause(t *testing.T) {
	t.Parallel()
	failure := func(code string) error {
		return fmt.Errorf("next frame: %w: %w", capture.ErrNoPicture, &worker.Failure{Code: code, Err: errors.New("cable")})
	}
	for name, tc := range map[string]struct {
		err     error
		seconds int
		code    string
	}{
		"a pause":           {capture.ErrNoPicture, 3, ""},
		"unplugged":         {capture.ErrNoPicture, 8, "camera_silent"},
		"worker starting":   {failure(worker.CodeStarting), 3, ""},
		"slow start":        {failure(worker.CodeStarting), 8, "camera_restarting"},
		"worker killed":     {failure(worker.CodeCrashed), 1, "camera_restarting"},
		"worker hung":       {failure(worker.CodeHung), 1, "camera_restarting"},
		"program missing":   {failure(worker.CodeMissing), 8, "camera_missing"},
		"source refused":    {failure(worker.CodeRefused), 8, "camera_missing"},
		"other program":     {failure(worker.CodeMismatch), 8, "workers_mismatch"},
		"no such device":    {fmt.Errorf("%w: %w: %w", capture.ErrNoPicture, capture.ErrNotOpen, &worker.Error{Code: "not_open", Message: "cable"}), 8, "camera_missing"},
		"answer of nothing": {errors.New("the worker answered 3 bytes"), 8, "camera_silent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, stop := newRig(t, capture.Live)
				defer stop()
				r.show(emptyPlace, 1)
				r.fail(tc.err, tc.seconds)
				if tc.code == "" {
					r.wantCodes()
					return
				}
				r.wantCodes(tc.code)
				if note := r.shown().WorkerNote; note != tc.code {
					t.Errorf("note %q", note)
				}
				args := r.hub.State().Conditions[0].Args
				if tc.code == "camera_missing" && args["why"] != "cable" || tc.code == "camera_silent" && args["time"] != "5 s" {
					t.Errorf("args: %v", args)
				}
				r.show(emptyPlace, 1)
				r.wantCodes()
				if note := r.shown().WorkerNote; note != "" {
					t.Errorf("note of a camera that is back: %q", note)
				}
			})
		})
	}
}

func TestCauseOfSilenceReplacesTheOneBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.fail(capture.ErrNoPicture, 130)
		r.wantCodes("camera_silent")
		if got := r.hub.State().Conditions[0].Args["time"]; got != "2 min" {
			t.Errorf("after two minutes: %q", got)
		}
		r.fail(&worker.Failure{Code: worker.CodeMissing, Err: errors.New("gone")}, 1)
		r.wantCodes("camera_missing")
	})
}

func TestBlindCameraIsSaidAfterAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		blur := func(seconds int) {
			for range seconds {
				r.give(answer{frame: r.frame(goodOne, blurry)})
				<-time.After(time.Second)
			}
		}
		r.show(goodOne, 1)
		blur(50)
		r.wantCodes()
		r.show(goodOne, 1)
		blur(50)
		r.wantCodes() // never a minute at a stretch
		blur(20)
		r.wantCodes("camera_blurred")
		dark := r.frame(goodOne, blurry)
		clear(dark.ZoneLumas[0].Pix)
		r.give(answer{frame: dark})
		r.wantCodes() // another cause: its minute begins
		r.show(goodOne, 1)
		r.wantCodes()
	})
}

func TestEndOfAVideoRecordsWhatStoodThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.show(emptyPlace, 4)
		r.show(badOne, 4)
		r.give(answer{err: errEnd})
		r.wantRecords(wire.Bad)
		r.wantCodes("source_finished")
		if shown := r.shown(); !shown.Finished || shown.Zones[0].Occupied {
			t.Errorf("shown: %+v", shown)
		}
	})
}

// It stands there still at the next start and must not count twice.
func TestStopRecordsNothingThatStillStandsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		r.show(emptyPlace, 4)
		r.show(badOne, 4)
		stop()
		r.wantRecords()
	})
}

func TestSketchIsOfTheSharpestPictureAndTheVote(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, capture.Live)
		defer stop()
		r.show(emptyPlace, 4)
		r.show(goodOne, 3)
		r.give(answer{frame: r.frame(goodOne, 3*sharp)})
		<-time.After(time.Second)
		r.show(goodOne, 3)
		r.show(badOne, 4)
		k := r.wantRecords(wire.Good)[0]
		if k.sight.Look.Sharpness != 3*sharp || k.sight.Look.Light.Mean < 100 || k.sight.Verdict != k.Verdict || k.sight.Novelty != k.Novelty ||
			k.sight.Probabilities[k.sight.Class] != k.Probabilities["good"] {
			t.Errorf("of %+v the sketch takes %+v", k.Record, k.sight)
		}
		if want := sketch.NewProjector(len(embeddingOf(goodOne))).Project(embeddingOf(goodOne)); k.sight.Place != want {
			t.Errorf("it lies at %v, not at %v", k.sight.Place, want)
		}
	})
}

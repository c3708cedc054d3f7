package rollout

import (
	"errors"
	"slices"
	"testing"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/fleet"
	"gourdian/internal/wire"
)

const soak = 600 // seconds

func TestWavesFollowEachOtherAfterTheirSoak(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		r.fleetOf(8)
		one := r.start(2, Plan{Waves: ParseWaves("1, 25%, 100%"), Soak: soak})
		r.expect("at first", one, Running, Counts{Told: 1, Queued: 7})
		canary := r.in(one, Told)
		if d := r.link.last[canary[0]]; d.Model == nil || d.Model.Bundle != bundleOf(2) || d.Model.Rollout != one.ID || d.Root == "" {
			t.Errorf("the first board hears %+v", d)
		}
		r.say(canary[0], one.ID, 1, wire.StageShadow, "")
		r.wait(time.Hour) // a board that tries the model is waited for
		r.expect("while it is tried", one, Running, Counts{Working: 1, Queued: 7})
		r.commits(one, canary...)
		r.wait((soak - 1) * time.Second)
		r.expect("before the soak is over", one, Running, Counts{Runs: 1, Queued: 7})
		r.wait(time.Second)
		r.expect("after it", one, Running, Counts{Runs: 1, Told: 1, Queued: 6})
		r.commits(one, r.in(one, Told)...)
		r.wait(soak * time.Second)
		r.commits(one, r.in(one, Told)...)
		r.expect("in the end", one, Done, Counts{Runs: 8})
		if b, err := r.Boards(t.Context(), one.ID); err != nil || b[0].Before != bundleOf(1) || b[0].Total != 9 {
			t.Errorf("%+v, %v", b[0], err)
		} else if tried, ok := b[0].Tried(); !ok || tried.Agree != 39 {
			t.Errorf("the shadow run: %+v", tried)
		}
	})
}

func TestFailedCanaryStopsTheRollout(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		r.fleetOf(6)
		one := r.start(2, Plan{Waves: []string{"2", "100%"}, Failures: 3})
		told := r.in(one, Told)
		r.say(told[1], one.ID, 1, wire.StageDownloading, "")
		r.say(told[0], one.ID, 1, wire.StageRefused, wire.StepGolden)
		r.expect("after the refusal", one, Stopped, Counts{Failed: 1, Queued: 5})
		if why := r.state(one).Why; why != told[0]+": golden: said so" {
			t.Errorf("why: %q", why)
		}
		if d := r.link.last[told[1]]; d.Model != nil {
			t.Errorf("the other one of the wave still hears %+v", d.Model)
		}
		r.wait(time.Hour)
		r.expect("an hour later", one, Stopped, Counts{Failed: 1, Queued: 5})
		// A person lets it pass: the failed board is left alone, the rest goes on.
		if _, err := r.Resume(t.Context(), "ana", one.ID); err != nil {
			t.Fatal(err)
		}
		r.look()
		r.commits(one, told[1])
		r.commits(one, r.in(one, Told)...)
		r.expect("resumed", one, Done, Counts{Failed: 1, Runs: 5})
	})
}

func TestLaterFailuresStopBeyondThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.fleetOf(6)
	one := r.start(2, Plan{Waves: []string{"1", "100%"}, Failures: 1})
	r.commits(one, r.in(one, Told)...)
	rest := r.in(one, Told)
	r.say(rest[0], one.ID, 1, wire.StageRefused, wire.StepSpeed)
	r.expect("one failure is allowed", one, Running, Counts{Runs: 1, Failed: 1, Told: 4})
	r.say(rest[1], one.ID, 2, wire.StageCommitted, "")
	r.say(rest[1], one.ID, 1, wire.StageRolledBack, wire.StepSoak) // after it seemed well
	r.expect("two are not", one, Stopped, Counts{Runs: 1, Failed: 2, Queued: 3})
}

// TestOfflineBoardsAreNoFailures: they hold up nothing, and go straight to the
// newest when they come back.
func TestOfflineBoardsAreNoFailures(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.fleetOf(3)
	r.board("away", "north", false)
	one := r.start(2, Plan{Waves: []string{"1", "100%"}})
	if first := r.in(one, Told); len(first) != 1 || first[0] == "away" {
		t.Fatalf("the first wave is %v", first)
	}
	r.commits(one, r.in(one, Told)...)
	for _, device := range r.in(one, Told) {
		if device != "away" {
			r.commits(one, device)
		}
	}
	r.expect("without the one that is away", one, Done, Counts{Runs: 3, Told: 1})
	newer := r.start(3, Plan{Waves: []string{"1", "100%"}})
	r.expect("the older one", one, Done, Counts{Runs: 3, Superseded: 1})
	r.commits(newer, r.in(newer, Told)...)
	b, err := r.fleet.Board(t.Context(), "away")
	if err != nil || b.Wanted().Model == nil || b.Wanted().Model.Bundle != bundleOf(3) {
		t.Errorf("the board that is away is wanted %+v, %v", b.Wanted().Model, err)
	}
	r.fleet.Present("away", 2)
	r.say("away", newer.ID, 1, wire.StageDownloading, "")
	r.say("away", newer.ID, 3, wire.StageCommitted, "")
	r.say("away", newer.ID, 3, wire.StageCommitted, "") // it says so every few minutes
	if !slices.Contains(r.in(newer, Runs), "away") {
		t.Error("it does not run the newest")
	}
}

func TestFirstWaveThatIsAwayWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.board("a", "north", false)
	r.board("b", "north", false)
	one := r.start(2, Plan{Waves: []string{"1", "100%"}})
	r.wait(24 * time.Hour)
	r.expect("nobody is there", one, Running, Counts{Told: 1, Queued: 1})
}

func TestNewerRolloutTakesOverWhoHasNotFinished(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.fleetOf(4)
	old := r.start(2, Plan{Waves: []string{"2", "100%"}})
	first := r.in(old, Told)
	r.commits(old, first[0])
	r.say(first[1], old.ID, 1, wire.StageDownloading, "")
	fresh := r.start(3, Plan{Site: "north", Waves: []string{"100%"}})
	r.expect("the newer one has its site", fresh, Running, Counts{Told: 2})
	boards, err := r.Boards(t.Context(), old.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range boards {
		if b.Site == "north" && b.State != Superseded && b.State != Runs {
			t.Errorf("%s is %s in the older one", b.Device, b.State)
		}
		if b.Site == "south" && b.State == Superseded {
			t.Errorf("%s of another site was taken over", b.Device)
		}
	}
	// What a board says of the older one changes nothing there any more.
	for _, b := range boards {
		if b.State == Superseded {
			r.say(b.Device, old.ID, 1, wire.StageRefused, wire.StepDisk)
		}
	}
	if failed := r.in(old, Failed); len(failed) > 0 {
		t.Errorf("%v failed in a rollout that they left", failed)
	}
}

func TestPauseHoldsAndResumeGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.fleetOf(3)
	one := r.start(2, Plan{Waves: []string{"1", "100%"}})
	canary := r.in(one, Told)[0]
	if _, err := r.Pause(t.Context(), "ana", one.ID); err != nil {
		t.Fatal(err)
	}
	if d := r.link.last[canary]; !d.Pause || d.Model == nil {
		t.Errorf("the board that downloads hears %+v", d)
	}
	r.commits(one, canary) // it was trying it already
	r.wait(time.Hour)
	r.expect("paused", one, Paused, Counts{Runs: 1, Queued: 2})
	if _, err := r.Pause(t.Context(), "ana", one.ID); !errors.Is(err, ErrState) {
		t.Errorf("twice: %v", err)
	}
	if _, err := r.Resume(t.Context(), "ana", one.ID); err != nil {
		t.Fatal(err)
	}
	r.look()
	r.expect("resumed", one, Running, Counts{Runs: 1, Told: 2})
}

func TestAbortKeepsOrReverts(t *testing.T) {
	t.Parallel()
	for _, revert := range []bool{false, true} {
		r := newRig(t, dbtest.SQLite(t))
		r.fleetOf(4)
		r.models.signed[bundleOf(1)] = true
		one := r.start(2, Plan{Waves: []string{"3", "100%"}})
		told := r.in(one, Told)
		r.commits(one, told[0])
		r.say(told[1], one.ID, 1, wire.StageDownloading, "")
		if _, err := r.Abort(t.Context(), "ana", one.ID, " ", revert); !errors.Is(err, ErrReason) {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := r.Abort(t.Context(), "ana", one.ID, "it sees mud", revert); err != nil {
			t.Fatal(err)
		}
		r.look()
		if !revert {
			r.expect("kept", one, Aborted, Counts{Runs: 1, Skipped: 3})
			if d := r.link.last[told[1]]; d.Model != nil {
				t.Errorf("the one that downloads hears %+v", d.Model)
			}
			continue
		}
		r.expect("reverted", one, Aborted, Counts{Returning: 2, Skipped: 2})
		if d := r.link.last[told[0]]; d.Model == nil || d.Model.Bundle != bundleOf(1) || d.Model.Release || d.Model.Rollout == one.ID {
			t.Errorf("the one that runs it hears %+v", d.Model)
		}
		r.say(told[0], one.ID+"-back", 1, wire.StageCommitted, "")
		r.expect("the first is back", one, Aborted, Counts{Returning: 1, Returned: 1, Skipped: 2})
	}
}

// TestAbortLeavesBoardsThatANewerRolloutHas: they have moved on.
func TestAbortLeavesBoardsThatANewerRolloutHas(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		r.fleetOf(2)
		old := r.start(2, Plan{Waves: []string{"100%"}})
		r.commits(old, "b00", "b01")
		fresh := r.start(3, Plan{Devices: []string{"b00"}})
		r.say("b00", fresh.ID, 3, wire.StageCommitted, "")
		r.expect("the older one", old, Done, Counts{Runs: 1, Superseded: 1})
		if _, err := r.Abort(t.Context(), "ana", old.ID, "it sees mud", true); err != nil {
			t.Fatal(err)
		}
		r.expect("aborted", old, Aborted, Counts{Returning: 1, Superseded: 1})
		if d := r.link.last["b00"]; d.Model == nil || d.Model.Bundle != bundleOf(3) {
			t.Errorf("the board of the newer one hears %+v", d.Model)
		}
	})
}

// TestRolloutBringsBackNoOldSettings: what a board has answered is not said
// again, what it has not heard yet is.
func TestRolloutBringsBackNoOldSettings(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.fleetOf(2)
	for device, heard := range map[string]string{"b00": "3", "b01": "2"} {
		_, err := r.db.Write().NewRaw(`UPDATE board SET wish = 3, settings = '{"language":"es"}', status = ? WHERE device = ?`,
			`{"desired":{"version":`+heard+`}}`, device).Exec(t.Context())
		if err != nil {
			t.Fatal(err)
		}
	}
	r.start(2, Plan{Waves: []string{"100%"}})
	if settings := r.link.last["b00"].Settings; settings != nil {
		t.Errorf("settings that were applied come again: %v", settings)
	}
	if settings := r.link.last["b01"].Settings; settings["language"] != "es" {
		t.Errorf("settings that were not heard are lost: %v", settings)
	}
}

// TestAbortForgetsWhatABoardRefused: nothing stays wanted that will not run.
func TestAbortForgetsWhatABoardRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.fleetOf(1)
	one := r.start(2, Plan{})
	r.say("b00", one.ID, 1, wire.StageRefused, wire.StepSpeed)
	if _, err := r.Abort(t.Context(), "ana", one.ID, "too slow", false); err != nil {
		t.Fatal(err)
	}
	r.expect("aborted", one, Aborted, Counts{Failed: 1})
	if d := r.link.last["b00"]; d.Model != nil {
		t.Errorf("it still hears %+v", d.Model)
	}
}

// TestRevertToAModelOfItsOwnLetsGo: what the board ran before came from no hub.
func TestRevertToAModelOfItsOwnLetsGo(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.fleetOf(1)
	one := r.start(2, Plan{})
	r.commits(one, "b00")
	r.expect("done", one, Done, Counts{Runs: 1})
	if _, err := r.Abort(t.Context(), "ana", one.ID, "it sees mud", true); err != nil {
		t.Fatal(err)
	}
	if d := r.link.last["b00"]; d.Model == nil || !d.Model.Release || d.Model.Bundle != "" {
		t.Errorf("it hears %+v", d.Model)
	}
}

func TestBoardsThatJoinLaterAreTold(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		r.fleetOf(2)
		one := r.start(2, Plan{Site: "north"})
		r.commits(one, "b00")
		r.at = r.at.Add(time.Minute)
		r.board("fresh", "north", true)
		r.board("elsewhere", "south", true)
		r.look()
		r.expect("after it joined", one, Done, Counts{Runs: 1, Told: 1})
		r.look()
		if d := r.link.last["elsewhere"]; d.Model != nil {
			t.Errorf("a board of another site hears %+v", d.Model)
		}
		r.commits(one, "fresh")
		r.expect("in the end", one, Done, Counts{Runs: 2})
	})
}

func TestBoardThatLeavesTheFleetIsSkipped(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.fleetOf(3)
	one := r.start(2, Plan{Waves: []string{"1", "100%"}})
	canary := r.in(one, Told)[0]
	if _, err := r.fleet.Revoke(t.Context(), "ana", canary, "stolen"); err != nil {
		t.Fatal(err)
	}
	r.look()
	r.expect("without it", one, Running, Counts{Skipped: 1, Told: 2})
}

func TestOrderThatCannotBeCarriedOutIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.fleetOf(2)
	r.models.forbidden = 4
	for what, tc := range map[string]struct {
		order Order
		want  error
	}{
		"no reason":             {Order{Version: 2}, ErrReason},
		"no version":            {Order{Version: 77, Reason: "x"}, ErrVersion},
		"a deleted one":         {Order{Version: 9, Reason: "x"}, ErrVersion},
		"an unsigned one":       {Order{Version: 4, Reason: "x"}, errForbidden},
		"nobody there":          {Order{Version: 2, Reason: "x", Plan: Plan{Site: "west"}}, ErrNobody},
		"a board of elsewhere":  {Order{Version: 2, Reason: "x", Plan: Plan{Site: "south", Devices: []string{"b00"}}}, ErrNobody},
		"a wave of nothing":     {Order{Version: 2, Reason: "x", Plan: Plan{Waves: []string{"0"}}}, ErrPlan},
		"a wave of 200 %":       {Order{Version: 2, Reason: "x", Plan: Plan{Waves: []string{"200%"}}}, ErrPlan},
		"a share below nothing": {Order{Version: 2, Reason: "x", Plan: Plan{Share: -1}}, ErrPlan},
		"a soak of years":       {Order{Version: 2, Reason: "x", Plan: Plan{Soak: 1 << 40}}, ErrPlan},
	} {
		if _, err := r.Start(t.Context(), "ana", tc.order); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if list, err := r.List(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("%d rollouts began, %v", len(list), err)
	}
}

func TestFirstWaveMeetsEverySite(t *testing.T) {
	t.Parallel()
	var boards []fleet.Board
	for i, site := range []string{"a", "a", "a", "a", "b", "b", "c"} {
		boards = append(boards, fleet.Board{Device: string(rune('p' + i)), Site: site, Online: true})
	}
	boards = append(boards, fleet.Board{Device: "z", Site: "d"})
	got := order(boards, "key")
	first := []string{got[0].Site, got[1].Site, got[2].Site}
	slices.Sort(first)
	if !slices.Equal(first, []string{"a", "b", "c"}) || got[7].Device != "z" {
		t.Errorf("the first boards are of %v, the last is %s", first, got[7].Device)
	}
}

func TestPlacesTellWhatRunsWhere(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		r.fleetOf(5)
		one := r.start(2, Plan{Waves: []string{"100%"}})
		r.commits(one, "b00", "b01")
		places, err := r.Places(t.Context())
		if err != nil || len(places) != 2 || places[0].Site != "north" || places[0].Shares[0] != (Share{bundleOf(1), 2}) || places[1].Shares[1].Boards != 1 {
			t.Errorf("%+v, %v", places, err)
		}
	})
}

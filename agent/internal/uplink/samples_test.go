package uplink

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/agent/internal/sampling"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

// picturesEnv makes a child only send what is there.
const picturesEnv = "GOURDIAN_UPLINK_PICTURES"

// free are limits that no test reaches.
func free() settings.Samples { return settings.Samples{Send: true, PerDay: 10_000, MBPerDay: 10_000} }

func TestPictureThatTeachesArrivesWholeAndOthersStay(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	good := b.pictured(wire.Good, "", 1000, different(1))
	novel := b.pictured(wire.Unsure, wire.ReasonNovel, 3*wire.MaxChunk+17, different(2))
	twin := b.pictured(wire.Unsure, wire.ReasonNovel, 1000, different(2)^1)
	dark := b.pictured(wire.Unsure, wire.ReasonQuality, 1000, different(3))
	b.joinAt(h, h.addr)
	b.run()
	until(t, "the picture", func() bool { return b.state(novel.Seq) == store.SampleSent })
	b.looked()
	complete(t, h.table, b)
	if sum := h.desk.arrived(); sum != 1 {
		t.Errorf("%d pictures arrived", sum)
	}
	for name, e := range map[string]store.Entry{"a good one": good, "a near-duplicate": twin, "a dark one": dark} {
		if s := b.state(e.Seq); s != "" {
			t.Errorf("%s is %s", name, s)
		}
	}
	offers := h.desk.offersOf(novel.Seq)
	if len(offers) != 1 || offers[0].Why != wire.WhyUnsure || offers[0].Hash != novel.Image || offers[0].Verdict != wire.Unsure || offers[0].Camera != "north" {
		t.Errorf("offers %+v", offers)
	}
	until(t, "the page", func() bool {
		l := b.live.State().Link
		return l.PhotosWaiting == 0 && l.PhotosToday == h.desk.arrived() && l.PhotosMost == 60
	})
	h.desk.check(t)
}

// TestHundredCutsOfPictures cuts the line in the middle of pictures.
func TestHundredCutsOfPictures(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	p := newProxy(t, h.addr)
	b := newBoard(t, t.TempDir())
	b.allow(free())
	b.novel(40, 15*wire.MaxChunk)
	b.joinAt(h, p.addr())
	b.run()
	cuts := 0
	pieces := func() (n int) { h.desk.look(func(d *desk) { n = d.pieces }); return n }
	for ; cuts < 100 && h.desk.arrived() < 40; cuts++ {
		was := pieces()
		until(t, "a piece, or the end", func() bool { return pieces() > was || h.desk.arrived() >= 40 })
		p.cut()
		if cuts%10 == 0 {
			b.keep(5)
		}
	}
	until(t, "the last picture", func() bool { b.looked(); return b.waiting() == 0 })
	complete(t, h.table, b)
	h.desk.check(t)
	h.desk.look(func(d *desk) {
		t.Logf("%d cuts, %d pictures, %d pieces, %d of them sent again, %d offers", cuts, len(d.whole), d.pieces, d.again, len(d.offers))
		if len(d.order) != len(d.whole) || len(d.whole) < 40 {
			t.Errorf("%d pictures, %d times whole", len(d.whole), len(d.order))
		}
	})
	if cuts < 100 {
		t.Errorf("%d cuts are not many", cuts)
	}
}

// TestBoardKilledBetweenPieces kills real processes while pictures travel.
func TestBoardKilledBetweenPieces(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	data := t.TempDir()
	b := newBoard(t, data)
	b.novel(12, 6*wire.MaxChunk)
	b.joinAt(h, h.addr)
	b.stop()
	pieces := func() (n int) { h.desk.look(func(d *desk) { n = d.pieces }); return n }
	between := 0
	for range 10 {
		was := pieces()
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"="+data, picturesEnv+"=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "a piece", func() bool { return pieces() > was+2 || h.desk.arrived() == 12 })
		_ = cmd.Process.Kill() // where it ended by itself, the next child fails as well
		_ = cmd.Wait()
		h.desk.look(func(d *desk) {
			for _, part := range d.parts {
				if len(part) > 0 {
					between++
					break
				}
			}
		})
	}
	last := newBoard(t, data)
	last.run()
	until(t, "the last picture", func() bool { last.looked(); return last.waiting() == 0 })
	h.desk.check(t)
	h.desk.look(func(d *desk) {
		t.Logf("10 kills, %d between two pieces of a picture; %d pictures, %d pieces, %d of them sent again", between, len(d.whole), d.pieces, d.again)
		if len(d.order) != len(d.whole) || len(d.whole) < 12 {
			t.Errorf("%d pictures, %d times whole", len(d.whole), len(d.order))
		}
	})
	if between == 0 {
		t.Error("no kill came between two pieces")
	}
}

func TestPictureThatIsDamagedOnTheWayBeginsAnew(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	b.allow(free())
	h.desk.damage = 1
	first := b.pictured(wire.Unsure, wire.ReasonNovel, 2*wire.MaxChunk, different(1))
	b.joinAt(h, h.addr)
	b.run()
	until(t, "the picture", func() bool { return b.state(first.Seq) == store.SampleSent })
	h.desk.look(func(d *desk) { d.damage = 1000 })
	never := b.pictured(wire.Unsure, wire.ReasonNovel, 2*wire.MaxChunk, different(2))
	until(t, "the end of trying", func() bool { return b.state(never.Seq) == store.SampleRefused })
	h.desk.look(func(d *desk) { d.damage = 0 })
	b.novel(1, 100)
	b.looked()
	until(t, "the next picture", func() bool { return b.waiting() == 0 })
	h.desk.check(t)
}

func TestRefusedPictureIsOfferedAgainOnlyWhenTheFarmerCorrectsIt(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	h.desk.refuse = func(s wire.Sample) string {
		if s.Correction == "" {
			return "enough of these"
		}
		return ""
	}
	e := b.pictured(wire.Unsure, wire.ReasonNovel, 1000, different(1))
	b.joinAt(h, h.addr)
	b.run()
	until(t, "the refusal", func() bool { return b.state(e.Seq) == store.SampleRefused })
	b.keep(3)
	complete(t, h.table, b)
	b.looked()
	if n := len(h.desk.offersOf(e.Seq)); n != 1 || b.waiting() != 0 {
		t.Errorf("%d offers of a refused picture, %d wait", n, b.waiting())
	}
	if err := b.store.Correct(t.Context(), e.Seq, wire.Bad); err != nil {
		t.Fatal(err)
	}
	until(t, "the picture", func() bool { return b.state(e.Seq) == store.SampleSent })
	if offers := h.desk.offersOf(e.Seq); len(offers) != 2 || offers[1].Correction != wire.Bad || offers[1].Why != wire.WhyCorrection || offers[1].Worth != 1 {
		t.Errorf("offers %+v", offers)
	}
}

func TestCorrectionAndItsUndoReachTheHub(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	sure := b.pictured(wire.Good, "", 2*wire.MaxChunk, different(1)) // not chosen by itself
	b.joinAt(h, h.addr)
	b.run()
	b.looked()
	corrections := func() (all []wire.Verdict) {
		for _, o := range h.desk.offersOf(sure.Seq) {
			all = append(all, o.Correction)
		}
		return all
	}
	tell := func(v wire.Verdict) {
		t.Helper()
		err := b.store.Uncorrect(t.Context(), sure.Seq)
		if v != "" {
			err = b.store.Correct(t.Context(), sure.Seq, v)
		}
		if err != nil {
			t.Fatal(err)
		}
		until(t, "the correction "+string(v), func() bool {
			all := corrections()
			return len(all) > 0 && all[len(all)-1] == v && b.waiting() == 0
		})
	}
	tell(wire.Bad)
	if h.desk.arrived() == 0 || b.state(sure.Seq) != store.SampleSent {
		t.Error("the corrected picture did not arrive")
	}
	h.desk.look(func(d *desk) { d.pieces = 0 })
	tell("")
	tell(store.CantTell)
	h.desk.look(func(d *desk) {
		if d.pieces != 0 {
			t.Errorf("%d pieces of a picture that the hub has", d.pieces)
		}
	})
}

// TestCorrectionTakenBackBeforeItIsTold leaves nothing to tell.
func TestCorrectionTakenBackBeforeItIsTold(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	h.desk.mute = true
	sure := b.pictured(wire.Good, "", 100, different(1))
	b.joinAt(h, h.addr)
	b.run()
	b.looked()
	b.stop()
	again := newBoard(t, b.data) // without a link
	if err := again.store.Correct(t.Context(), sure.Seq, wire.Bad); err != nil {
		t.Fatal(err)
	}
	if err := again.store.Uncorrect(t.Context(), sure.Seq); err != nil {
		t.Fatal(err)
	}
	h.desk.look(func(d *desk) { d.mute = false })
	again.run()
	until(t, "nothing to tell", func() bool { return again.waiting() == 0 })
	if n := len(h.desk.offersOf(sure.Seq)); n != 0 {
		t.Errorf("%d offers", n)
	}
}

func TestPictureThatWentBeforeItWasSent(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	gone := b.pictured(wire.Unsure, wire.ReasonNovel, 2*wire.MaxChunk, different(1))
	h.desk.onWant = func(s wire.Sample) {
		if s.Seq == gone.Seq {
			if err := os.Remove(filepath.Join(b.data, "store", "pictures", s.Hash[:2], s.Hash+".jpg")); err != nil {
				t.Error(err)
			}
		}
	}
	other := b.pictured(wire.Unsure, wire.ReasonNovel, 100, different(2))
	b.joinAt(h, h.addr)
	b.run()
	until(t, "both", func() bool { return b.state(gone.Seq) == store.SampleGone && b.state(other.Seq) == store.SampleSent })
}

func TestNoMoreThanADayAllows(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	b.allow(settings.Samples{Send: true, PerDay: 2, MBPerDay: 10})
	low := b.pictured(wire.Unsure, wire.ReasonLowConfidence, 100, different(1))
	empty := b.pictured(wire.NotPumpkin, "", 100, different(2))
	novel := b.pictured(wire.Unsure, wire.ReasonNovel, 100, different(3))
	wrong := b.pictured(wire.Good, "", 100, different(4))
	if err := b.store.Correct(t.Context(), wrong.Seq, wire.Bad); err != nil {
		t.Fatal(err)
	}
	random := b.waiting() // 0: nothing was looked at yet
	b.joinAt(h, h.addr)
	b.run()
	b.looked()
	until(t, "two pictures", func() bool { return h.desk.arrived() == 2 })
	b.keep(20)
	complete(t, h.table, b)
	if n := h.desk.arrived(); n != 2 || random != 0 {
		t.Errorf("%d pictures in a day of 2", n)
	}
	if b.state(wrong.Seq) != store.SampleSent || b.state(empty.Seq) != store.SampleChosen || b.state(low.Seq) != store.SampleChosen {
		t.Errorf("corrected %s, novel %s, low confidence %s, no pumpkin %s", b.state(wrong.Seq), b.state(novel.Seq), b.state(low.Seq), b.state(empty.Seq))
	}
	until(t, "the page", func() bool {
		l := b.live.State().Link
		return l.PhotosToday == 2 && l.PhotosWaiting >= 2 && l.PhotosMost == 2
	})
	b.stop()
	again := newBoard(t, b.data) // a restart is no new day
	again.allow(settings.Samples{Send: true, PerDay: 3, MBPerDay: 10})
	again.run()
	until(t, "one more", func() bool { return h.desk.arrived() == 3 })
	again.keep(20)
	complete(t, h.table, again)
	if n := h.desk.arrived(); n != 3 {
		t.Errorf("%d pictures in a day of 3", n)
	}
}

func TestPicturesNeverLeaveABoardThatKeepsThem(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	b.allow(settings.Samples{PerDay: 60, MBPerDay: 20})
	b.novel(3, 100)
	b.joinAt(h, h.addr)
	b.run()
	complete(t, h.table, b)
	h.say(wire.TopicDesired, wire.Desired{Contract: wire.Contract, Version: 1, Settings: map[string]any{"samples": map[string]any{"send": true}}})
	until(t, "the refusal", func() (refused bool) {
		h.look(func(tb *table) {
			for _, s := range tb.states {
				refused = refused || s.Desired.Version == 1 && strings.Contains(s.Desired.Error, "pictures were told to stay")
			}
		})
		return refused
	})
	h.desk.look(func(d *desk) {
		if len(d.offers) != 0 {
			t.Errorf("%d offers", len(d.offers))
		}
	})
	if l := b.live.State().Link; l.PhotosMost != 0 || l.PhotosWaiting != 0 {
		t.Errorf("the page says %+v", l)
	}
	b.allow(free())
	until(t, "pictures once they are allowed", func() bool { return h.desk.arrived() >= 3 })
}

// TestHubMayLowerWhatTheFarmerAllows changes one number and leaves the rest.
func TestHubMayLowerWhatTheFarmerAllows(t *testing.T) {
	t.Parallel()
	now := settings.Default(nil)
	got, err := merge(now, wire.Desired{Settings: map[string]any{"samples": map[string]any{"per_day": 7}}})
	want := now.Samples
	want.PerDay = 7
	if err != nil || got.Samples != want {
		t.Errorf("%+v, %v", got.Samples, err)
	}
	if _, err := merge(now, wire.Desired{Settings: map[string]any{"samples": 7}}); err == nil {
		t.Error("a number is taken for an object")
	}
}

// TestHubThatSaysNothingOfPicturesHoldsUpNoRecord is of an older hub.
func TestHubThatSaysNothingOfPicturesHoldsUpNoRecord(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	h.desk.mute = true
	b.timing.ackTimeout = quick().ackTimeout / 25
	b.novel(3, 1000)
	b.joinAt(h, h.addr)
	b.run()
	for range 5 {
		b.keep(50)
		complete(t, h.table, b)
	}
	h.look(func(*table) {
		if h.connects != 1 {
			t.Errorf("%d connections", h.connects)
		}
	})
	until(t, "a second offer", func() (ok bool) { h.desk.look(func(d *desk) { ok = len(d.offers) >= 2 }); return ok })
	h.desk.look(func(d *desk) { d.mute = false })
	until(t, "pictures once it answers", func() bool { return h.desk.arrived() >= 3 && b.waiting() == 0 })
}

func TestAnotherHubIsOfferedThePicturesAsWell(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	b.allow(free())
	b.novel(3, 100)
	b.joinAt(h, h.addr)
	b.run()
	b.looked()
	until(t, "pictures", func() bool { return h.desk.arrived() >= 3 && b.waiting() == 0 })
	other := newHub(t)
	b.joinAt(other, other.addr)
	until(t, "pictures at the other hub", func() bool { return other.desk.arrived() == h.desk.arrived() && b.waiting() == 0 })
}

// TestRandomShareIsSentWhateverTheVerdict is what the hub learns of the whole
// field from.
func TestRandomShareIsSentWhateverTheVerdict(t *testing.T) {
	t.Parallel()
	h, b := newHub(t), newBoard(t, t.TempDir())
	b.allow(free())
	drawn := 0
	for range 3 * sampling.Share {
		e := b.anyPictured(wire.Good, "", 50, 1) // all look the same
		if why, _, _ := sampling.Choose(&e.Record, ""); why == wire.WhyRandom {
			drawn++
		}
	}
	b.joinAt(h, h.addr)
	b.run()
	b.looked()
	until(t, "the share", func() bool { return b.waiting() == 0 })
	if n := h.desk.arrived(); n != drawn {
		t.Errorf("%d pictures arrived, %d are of the random share", n, drawn)
	}
}

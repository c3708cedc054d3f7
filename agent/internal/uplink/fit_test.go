package uplink

import (
	"slices"
	"testing"

	"gourdian/internal/wire"
)

// says reports whether the board has a condition.
func (b *board) says(code string) bool {
	for _, c := range b.live.State().Conditions {
		if c.Code == code {
			return true
		}
	}
	return false
}

func TestHubOfAnotherContractIsNamedAndWorksOn(t *testing.T) {
	t.Parallel()
	for code, contract := range map[string]int{hubOlder: wire.Contract - 1, hubNewer: wire.Contract + 1} {
		h := newHub(t)
		h.look(func(tb *table) { tb.speaks = contract })
		b := newBoard(t, t.TempDir())
		b.joinAt(h, h.addr)
		b.run()
		b.keep(3)
		complete(t, h.table, b)
		until(t, code, func() bool { return b.says(code) })
		h.look(func(tb *table) { tb.speaks = 0 })
		b.keep(1)
		complete(t, h.table, b)
		until(t, "the end of "+code, func() bool { return !b.says(code) })
		b.stop()
	}
}

// TestRecordsThatAnOldHubCanNotReadStayUntilItIsUpdated: they are not put away
// as poison, and what was read before is acknowledged.
func TestRecordsThatAnOldHubCanNotReadStayUntilItIsUpdated(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.look(func(tb *table) { tb.speaks, tb.poison[3] = wire.Contract-1, wire.Retry })
	b := newBoard(t, t.TempDir())
	b.timing.ackTimeout = b.timing.persist // pauses follow it
	b.joinAt(h, h.addr)
	b.run()
	b.keep(5)
	until(t, "two records at the hub", func() bool { return b.store.Usage().Acked == 2 })
	until(t, hubTooOld, func() bool { return b.says(hubTooOld) && !b.says(hubOlder) })
	if u := b.store.Usage(); u.Quarantined != 0 || u.LastSeq != 5 {
		t.Errorf("%+v", u)
	}
	h.look(func(tb *table) {
		tb.speaks = 0
		delete(tb.poison, 3)
	})
	complete(t, h.table, b)
	until(t, "the end of "+hubTooOld, func() bool { return !b.says(hubTooOld) })
}

func TestHubBeforeTheOldestContractKeepsNothingFromTheBoard(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.look(func(tb *table) { tb.speaks = 1 })
	b := newBoard(t, t.TempDir())
	b.joinAt(h, h.addr)
	b.run()
	b.keep(3)
	until(t, hubTooOld, func() bool { return b.says(hubTooOld) })
	if u := b.store.Usage(); u.Acked != 0 || u.LastSeq != 3 {
		t.Errorf("an acknowledgement that can't be read was believed: %+v", u)
	}
}

func TestPictureDeletedOnTheHubIsErasedAndItsRecordStays(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.joinAt(h, h.addr)
	b.run()
	e := b.pictured(wire.Unsure, wire.ReasonNovel, 3000, different(1))
	until(t, "the picture at the hub", func() bool { return h.desk.arrived() == 1 })
	h.say(wire.TopicWant, wire.Want{Contract: wire.Contract, Hash: e.Image, Refuse: "deleted", Erase: true})
	until(t, "the board's answer", func() (ok bool) {
		h.desk.look(func(d *desk) { ok = slices.Contains(d.erased, e.Image) })
		return ok
	})
	if f, err := b.store.Picture(e.Image); err == nil {
		_ = f.Close()
		t.Error("the picture is still here")
	}
	if r, err := b.store.Record(t.Context(), e.Seq); err != nil || r.Image != e.Image {
		t.Errorf("its record: %+v, %v", r, err)
	}
	// What was never here is answered too, or the hub would ask for ever.
	h.say(wire.TopicWant, wire.Want{Contract: wire.Contract, Hash: goneHash, Refuse: "deleted", Erase: true})
	until(t, "an answer about a picture that was never here", func() (ok bool) {
		h.desk.look(func(d *desk) { ok = slices.Contains(d.erased, goneHash) })
		return ok
	})
}

const goneHash = "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c"

// TestPictureDeletedWhileItTravelsArrivesNoMore: what is on its way is given up.
func TestPictureDeletedWhileItTravelsArrivesNoMore(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.joinAt(h, h.addr)
	h.desk.look(func(d *desk) { d.refuse = func(wire.Sample) string { return "deleted" } })
	b.run()
	e := b.pictured(wire.Unsure, wire.ReasonNovel, 200_000, different(1))
	until(t, "the offer", func() bool { return len(h.desk.offersOf(e.Seq)) > 0 })
	h.say(wire.TopicWant, wire.Want{Contract: wire.Contract, Hash: e.Image, Refuse: "deleted", Erase: true})
	until(t, "the erasure", func() (ok bool) {
		h.desk.look(func(d *desk) { ok = len(d.erased) > 0 })
		return ok
	})
	until(t, "no errand", func() bool { return b.waiting() == 0 })
	if h.desk.arrived() != 0 {
		t.Error("it arrived")
	}
}

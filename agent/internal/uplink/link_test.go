package uplink

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/membership"
	"gourdian/agent/internal/settings"
	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

func TestRecordsFromBeforeJoiningArriveAfterIt(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.keep(300)
	b.run()
	until(t, "the page says that the board works alone", func() bool { l := b.live.State().Link; return l != nil && !l.Joined })
	b.joinAt(h, h.addr) // while it runs
	complete(t, h.table, b)
	b.keep(50)
	complete(t, h.table, b)
	until(t, "the page", func() bool {
		l := b.live.State().Link
		return l.Joined && l.Connected && l.Unsent == 0 && !l.LastAck.IsZero() && l.BytesUp > 10_000 && l.BytesDown > 1000
	})
	l := b.live.State().Link
	if l.Site != "Oak farm" || l.Name != "North field" || l.Hub != h.join.URL || l.CertUntil.Before(time.Now()) {
		t.Errorf("%+v", l)
	}
	if c := b.live.State().Conditions; len(c) > 0 {
		t.Errorf("%+v", c)
	}
}

func TestStateSaysHowTheBoardIs(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.keep(3)
	b.joinAt(h, h.addr)
	b.run()
	states := func() (all []wire.State) { h.look(func(tb *table) { all = append(all, tb.states...) }); return all }
	until(t, "a state", func() bool { return len(states()) > 0 })
	first := states()[0]
	if !first.Online || first.LastSeq != 3 || first.Unsent != 3 || first.Settings["board_name"] != "gourdian" ||
		first.Board.Temperature != 51.5 || len(first.Cameras) != 1 || first.Versions.Agent != "test" {
		t.Errorf("%+v", first)
	}
	complete(t, h.table, b)
	n := len(states())
	b.live.Raise(live.Condition{Code: "disk_low", Severity: live.Warning, Args: map[string]string{"free_mb": "3\n"}})
	until(t, "a state with the condition", func() bool {
		all := states()
		return len(all) > n && len(all[len(all)-1].Conditions) == 1
	})
	n = len(states())
	for range 20 {
		b.live.UpdateCamera("north", func(c *live.Camera) { c.Scored++; c.FPS = 4.9 })
	}
	b.keep(1)
	complete(t, h.table, b)
	if more := len(states()) - n; more > 0 {
		t.Errorf("%d states though nothing changed", more)
	}
	b.stop()
	until(t, "goodbye", func() bool { all := states(); return !all[len(all)-1].Online })
}

func TestBrokenConnectionLeavesALastWill(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	p := newProxy(t, h.addr)
	b := newBoard(t, t.TempDir())
	b.joinAt(h, p.addr())
	b.run()
	until(t, "a connection", func() bool { l := b.live.State().Link; return l != nil && l.Connected })
	p.setBroken(true)
	p.cut()
	until(t, "the page", func() bool { l := b.live.State().Link; return !l.Connected && l.Why == live.WhyUnreachable })
	p.setBroken(false)
	p.cut()
	until(t, "a connection", func() bool { return b.live.State().Link.Connected })
}

// TestHundredFlapsLoseAndDoubleNothing cuts the link while records come and go.
func TestHundredFlapsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	p := newProxy(t, h.addr)
	b := newBoard(t, t.TempDir())
	b.keep(200)
	b.joinAt(h, p.addr())
	b.run()
	connects := func() (n int) { h.look(func(*table) { n = h.connects }); return n }
	before := 0
	for flap := range 100 {
		b.keep(20)
		until(t, "another connection", func() bool { return connects() > before })
		batches := func() (n int) { h.look(func(tb *table) { n = tb.batches }); return n }
		was := batches()
		if flap%2 == 0 { // in the middle of a conversation, or at once
			b.keep(1)
			until(t, "another batch", func() bool { return batches() > was })
		}
		if flap%10 == 0 {
			h.look(func(tb *table) { tb.mute++ }) // this answer is lost with the link
		}
		before = connects()
		p.cut()
	}
	complete(t, h.table, b)
	if n := connects(); n < 100 {
		t.Errorf("%d connections for 100 flaps", n)
	}
}

func TestHubThatIsKilledBetweenCommitAndAnswer(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	p := newProxy(t, h.addr)
	b := newBoard(t, t.TempDir())
	b.timing.ackTimeout = 300 * time.Millisecond
	b.keep(100)
	b.joinAt(h, p.addr())
	b.run()
	for range 20 {
		batches := 0
		h.look(func(tb *table) { batches, tb.mute, tb.refuse = tb.batches, rand.IntN(2), rand.IntN(2) })
		b.keep(10)
		until(t, "a batch", func() (ok bool) { h.look(func(tb *table) { ok = tb.batches > batches }); return ok })
		p.setDown(true)
		b.keep(5)
		p.setDown(false)
	}
	complete(t, h.table, b)
}

func TestHubThatWasRestoredFromABackupGetsWhatItLost(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.keep(400)
	b.joinAt(h, h.addr)
	b.run()
	complete(t, h.table, b)
	restore := func(tb *table) {
		tb.through[b.store.Epoch()] = 150
		for seq := range tb.rows[b.store.Epoch()] {
			if seq > 150 {
				delete(tb.rows[b.store.Epoch()], seq)
			}
		}
	}
	h.look(restore)
	b.keep(1)
	complete(t, h.table, b)
	h.look(restore)
	h.say(wire.TopicAck, wire.Ack{Contract: wire.Contract, Epoch: b.store.Epoch(), Through: 150}) // while nothing is to be sent
	complete(t, h.table, b)
}

func TestAcknowledgementsThatMakeNoSenseChangeNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.keep(10)
	b.joinAt(h, h.addr)
	b.run()
	complete(t, h.table, b)
	h.say(wire.TopicAck, wire.Ack{Contract: wire.Contract, Epoch: "another", Through: 3})
	h.say(wire.TopicAck, wire.Ack{Contract: wire.Contract, Epoch: b.store.Epoch(), Through: 4711})
	h.say(wire.TopicAck, "nonsense")
	h.say(wire.TopicChunk, "of a later version")
	until(t, "three warnings at the hub", func() (ok bool) {
		h.look(func(tb *table) {
			n := 0
			for _, line := range tb.lines {
				if strings.Contains(line.Text, "makes no sense") {
					n++
				}
			}
			ok = n == 3
		})
		return ok
	})
	b.keep(1)
	complete(t, h.table, b)
	if again := h.again; again > 0 {
		t.Errorf("%d records were sent again", again)
	}
}

func TestPoisonBlocksNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.timing.ackTimeout = 200 * time.Millisecond // of which the pause before a retry is half
	b.keep(20)
	h.poison = map[uint64]wire.RejectionDo{3: wire.Quarantine, 7: wire.Retry, 20: wire.Quarantine}
	b.joinAt(h, h.addr)
	b.run()
	b.keep(5)
	complete(t, h.table, b)
	q, err := b.store.Quarantine(t.Context())
	if err != nil || q.Count != 2 || q.Newest[0].Seq != 3 || q.Newest[1].Seq != 20 {
		t.Errorf("%+v, %v", q, err)
	}
	until(t, "the page", func() bool { return b.live.State().Link.Quarantined == 2 })
}

func TestHubThatNeverAnswersHoldsUpNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.timing.ackTimeout = 50 * time.Millisecond
	h.mute = 1 << 30
	b.joinAt(h, h.addr)
	b.run()
	b.keep(50)
	until(t, "batches sent again and again", func() (ok bool) { h.look(func(tb *table) { ok = tb.batches > 5 }); return ok })
	until(t, "another connection", func() (ok bool) { h.look(func(*table) { ok = h.connects > 1 }); return ok })
	b.keep(50)
	if u := b.store.Usage(); u.Acked != 0 || u.LastSeq != 100 {
		t.Errorf("%+v", u)
	}
	h.look(func(tb *table) { tb.mute = 0 })
	complete(t, h.table, b)
}

func TestHandshakeThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	p := newProxy(t, h.addr)
	p.setBroken(true)
	b := newBoard(t, t.TempDir())
	b.timing.connect = 50 * time.Millisecond
	b.joinAt(h, p.addr())
	b.keep(10)
	b.run()
	until(t, "several attempts", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.open) > 3 })
	b.keep(10)
	p.setBroken(false)
	p.cut()
	b.stop()
	b2 := newBoard(t, b.data) // a restart
	b2.run()
	complete(t, h.table, b2)
}

func TestBoardInNineteenSeventyReachesItsHub(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.config.Clock.Now = func() time.Time { return time.Unix(60, 0) }
	b.live.SetClock(wire.ClockUnknown)
	b.keep(3)
	b.joinAt(h, h.addr)
	b.run()
	complete(t, h.table, b)
	h.look(func(tb *table) {
		if len(tb.hours) > 0 {
			t.Errorf("hours of 1970 were told: %v", tb.hours)
		}
	})
}

func TestAnotherHubGetsEverythingAgain(t *testing.T) {
	t.Parallel()
	first, second := newHub(t), newHub(t)
	b := newBoard(t, t.TempDir())
	b.keep(50)
	b.joinAt(first, first.addr)
	b.run()
	complete(t, first.table, b)
	if err := membership.Leave(b.data); err != nil {
		t.Fatal(err)
	}
	until(t, "the board works alone", func() bool { l := b.live.State().Link; return !l.Joined && !l.Connected })
	b.keep(5)
	b.joinAt(second, second.addr)
	complete(t, second.table, b)
	if n := first.through[b.store.Epoch()]; n != 50 {
		t.Errorf("the hub that was left has %d records", n)
	}
	b.joinAt(first, first.addr) // without leaving
	complete(t, first.table, b)
}

func TestRefusedBoardSaysSo(t *testing.T) {
	t.Parallel()
	h, other := newHub(t), newHub(t)
	for name, broker := range map[string]string{"a broker of another hub": other.addr} {
		b := newBoard(t, t.TempDir())
		b.joinAt(h, broker)
		b.run()
		until(t, name, func() bool {
			s := b.live.State()
			return s.Link != nil && s.Link.Why == live.WhyOtherHub && len(s.Conditions) == 1 && s.Conditions[0].Code == hubRefuses
		})
	}
}

func TestEndedCertificateAsksForAnother(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.join.Life = -time.Second
	b := newBoard(t, t.TempDir())
	asked := make(chan struct{}, 100)
	b.config.Renew = func() {
		select {
		case asked <- struct{}{}:
		default:
		}
	}
	b.keep(3)
	b.joinAt(h, h.addr)
	b.run()
	<-asked
	h.join.Life = time.Hour
	b.joinAt(h, h.addr) // as the renewal does: another certificate
	complete(t, h.table, b)
}

func TestDesiredSettingsAreAppliedOnce(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	data := t.TempDir()
	b := newBoard(t, data)
	b.joinAt(h, h.addr)
	b.run()
	until(t, "a connection", func() bool { l := b.live.State().Link; return l != nil && l.Connected })
	answer := func(version uint64) (got wire.State) {
		t.Helper()
		until(t, "the answer", func() (ok bool) {
			h.look(func(tb *table) {
				for _, s := range tb.states {
					if s.Desired.Version == version {
						got, ok = s, true
					}
				}
			})
			return ok
		})
		return got
	}
	desired := wire.Desired{Contract: wire.Contract, Version: 1, Name: "Long row", Settings: map[string]any{
		"language": "es", "cameras": []any{map[string]any{"id": "north", "frames_per_second": 2}},
	}}
	h.say(wire.TopicDesired, desired)
	s := <-b.set
	if s.BoardName != "Long row" || s.Language != "es" || s.Cameras[0].FramesPerSecond != 2 || s.Cameras[0].Sensitivity != "normal" {
		t.Errorf("%+v", s)
	}
	if got := answer(1); got.Desired.Error != "" || got.Settings["language"] != "es" {
		t.Errorf("%+v", got)
	}
	h.say(wire.TopicDesired, desired) // the farmer may have changed it since
	for version, bad := range map[uint64]map[string]any{
		2: {"language": "xx"}, 3: {"nonsense": 1}, 4: {"cameras": []any{map[string]any{"id": "south"}}}, 5: {"cameras": 3}, 6: {"cameras": []any{7}},
	} {
		h.say(wire.TopicDesired, wire.Desired{Contract: wire.Contract, Version: version, Settings: bad})
		if got := answer(version); got.Desired.Error == "" || got.Settings["language"] != "es" {
			t.Errorf("version %d: %+v", version, got)
		}
	}
	b.stop()
	b = newBoard(t, data)
	b.run()
	until(t, "a connection", func() bool { l := b.live.State().Link; return l != nil && l.Connected })
	h.say(wire.TopicDesired, wire.Desired{Contract: wire.Contract, Version: 7, Settings: map[string]any{"language": "en"}})
	if s := <-b.set; s.Language != "en" || len(b.set) > 0 {
		t.Errorf("%+v, %d more", s, len(b.set))
	}
}

func TestSummariesTellEveryHourAlsoEmptyOnes(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	b := newBoard(t, t.TempDir())
	b.keep(7)
	field := time.Now().UTC().Truncate(time.Hour).Add(5*time.Hour + time.Minute)
	b.live.SetFrame("north", []byte("jpeg"), time.Now(), field, 1, nil)
	b.joinAt(h, h.addr)
	b.run()
	hour := func(n int) time.Time { return field.Truncate(time.Hour).Add(time.Duration(n) * time.Hour) }
	told := func(at time.Time) (s wire.Summary, ok bool) {
		h.look(func(tb *table) { s, ok = tb.hours[at] })
		return s, ok
	}
	until(t, "the hour before this one", func() bool { _, ok := told(hour(-1)); return ok })
	until(t, "the hour of the records", func() bool { _, ok := told(hour(-5)); return ok })
	if s, _ := told(hour(-5)); s.Cameras["north"][wire.Good] != 7 {
		t.Errorf("%+v", s)
	}
	s, _ := told(hour(-5))
	if len(s.Sketches) != 1 || s.Sketches[0].Camera != "north" {
		t.Fatalf("sketches: %+v", s.Sketches)
	}
	if sum, err := sketch.Decode(s.Sketches[0].Data); err != nil || sum.Count() != 7 {
		t.Errorf("a sketch of %d sightings, %v", sum.Count(), err)
	}
	if s, _ := told(hour(-1)); len(s.Sketches) != 0 || len(s.Cameras) != 1 || len(s.Cameras["north"]) != 0 {
		t.Errorf("an hour in which nothing came: %+v", s)
	}
	if _, ok := told(hour(0)); ok {
		t.Error("an hour that is not over was told")
	}
	until(t, "what was told, on the board's disk", func() bool {
		kept, err := b.store.LoadLink(t.Context())
		return err == nil && strings.Contains(string(kept), hour(-1).Format(time.RFC3339))
	})
	b.stop()
	h.look(func(tb *table) { clear(tb.hours) })
	b = newBoard(t, b.data) // a restart later, after one record came late for an hour that was told
	b.keep(1)
	b.live.SetFrame("north", []byte("jpeg"), time.Now(), field.Add(3*time.Hour), 1, nil)
	b.run()
	until(t, "three empty hours", func() bool { _, ok := told(hour(2)); return ok })
	until(t, "the hour of the late record", func() bool { s, _ := told(hour(-5)); return s.Cameras["north"][wire.Good] == 8 })
	h.look(func(tb *table) {
		if len(tb.hours) != 4 {
			t.Errorf("%d hours were told, 4 are new: %v", len(tb.hours), tb.hours)
		}
	})
}

func TestControlNeverSeesSettingsOfAnotherBoard(t *testing.T) {
	t.Parallel()
	now := settings.Default([]settings.Camera{{ID: "north", Name: "Barn"}, {ID: "south"}})
	got, err := merge(now, wire.Desired{Settings: map[string]any{"cameras": []any{map[string]any{"id": "south", "name": "Gate"}}}})
	if err != nil || got.Cameras[0].Name != "Barn" || got.Cameras[1].Name != "Gate" || now.Cameras[1].Name != "south" || got.BoardName != now.BoardName {
		t.Errorf("%+v, %v", got, err)
	}
}

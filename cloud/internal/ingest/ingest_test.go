package ingest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/fleet"
	"gourdian/internal/wire"
)

func TestBothDatabases(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		for name, test := range map[string]func(*testing.T, *rig){
			"repeated, early and late batches": batches,
			"states and what is desired":       states,
			"summaries and logs":               summaries,
		} {
			t.Run(name, func(t *testing.T) { test(t, r) })
		}
	})
}

func batches(t *testing.T, r *rig) {
	for _, step := range []struct {
		name        string
		first, last uint64
		through     uint64
	}{
		{"first", 1, 3, 3},
		{"the same again", 1, 3, 3},
		{"too early", 6, 8, 3},
		{"overlapping", 2, 5, 5},
		{"now its turn", 6, 8, 8},
		{"long ago", 1, 1, 8},
	} {
		ack, err := r.send(t, "b1", batch(t, "b1", step.first, step.last))
		if err != nil || ack == nil || ack.Through != step.through || len(ack.Rejected) > 0 {
			t.Fatalf("%s: %+v, %v", step.name, ack, err)
		}
		r.holds(t, "b1", int64(step.through))
	}
	other := batch(t, "b1", 1, 2)
	other.Epoch = "e2" // a new store counts anew
	for n := range other.Records {
		one := record("b1", uint64(n)+1)
		one.Epoch = "e2"
		other.Records[n] = raw(t, one)
	}
	if ack, err := r.send(t, "b1", other); err != nil || ack.Through != 2 || ack.Epoch != "e2" {
		t.Errorf("another epoch: %+v, %v", ack, err)
	}
}

func states(t *testing.T, r *rig) {
	if _, err := r.send(t, "b2", batch(t, "b2", 1, 2)); err != nil {
		t.Fatal(err)
	}
	r.fleet.Present("b2", 7)
	tell := func(edit func(*wire.State)) {
		s := wire.State{
			Contract: wire.Contract, Online: true, Boot: "boot", At: at, Started: at, Clock: wire.ClockSynced, Epoch: epoch, LastSeq: 9,
			Versions: wire.Versions{Agent: "1"}, Board: wire.BoardState{Arch: "arm64", Profile: "generic"},
		}
		edit(&s)
		if err := r.Receive(t.Context(), message(t, "b2", wire.TopicState, s)); err != nil {
			t.Fatal(err)
		}
	}
	health := func() fleet.Health {
		b, err := r.fleet.Board(t.Context(), "b2")
		if err != nil {
			t.Fatal(err)
		}
		return b.Health()
	}
	tell(func(*wire.State) {})
	if acks := r.ear.take(t, wire.TopicAck); len(acks) != 1 {
		t.Errorf("%d acknowledgements for a state", len(acks))
	} else if a, err := wire.DecodeAck(acks[0]); err != nil || a.Through != 2 {
		t.Errorf("%+v, %v", a, err)
	}
	if got := health(); got != fleet.Well {
		t.Errorf("a good state: %s", got)
	}
	if _, err := r.fleet.Rename(t.Context(), "admin", "b2", "  the   far corner "); err != nil {
		t.Fatal(err)
	}
	r.ear.take(t, "")
	tell(func(s *wire.State) {
		s.Versions.Agent = "2"
		s.Conditions = []wire.ConditionState{{Code: "camera_silent", Severity: "serious", Since: at}}
	})
	wants := r.ear.take(t, wire.TopicDesired)
	if len(wants) != 1 {
		t.Fatalf("a board that missed a change is told %d times", len(wants))
	}
	if d, err := wire.DecodeDesired(wants[0]); err != nil || d.Name != "the far corner" || d.Version != 1 {
		t.Errorf("%+v, %v", d, err)
	}
	if got := health(); got != fleet.Failing {
		t.Errorf("a serious condition: %s", got)
	}
	r.Absent("b2", 7)
	if got := health(); got != fleet.Silent {
		t.Errorf("a broken connection: %s", got)
	}
	r.fleet.Present("b2", 8)
	tell(func(s *wire.State) { s.Online = false })
	r.Absent("b2", 7) // an old connection that ends late
	if !r.fleet.Online("b2") {
		t.Error("the end of an old connection hides the new one")
	}
	r.Absent("b2", 8)
	if got := health(); got != fleet.Offline {
		t.Errorf("after a goodbye: %s", got)
	}
	events, err := r.fleet.History(t.Context(), "b2", 10)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range events {
		got[e.What] = e.Detail
	}
	if got["versions"] != "1 → 2" || got["begins"] != "camera_silent " || got["rename"] == "" || got["joined"] != "north" {
		t.Errorf("history: %v", got)
	}
}

func summaries(t *testing.T, r *rig) {
	hour := at.Truncate(time.Hour)
	for _, n := range []uint64{3, 5, 5} {
		s := wire.Summary{Contract: wire.Contract, Epoch: epoch, Hour: hour, Cameras: map[string]wire.Counts{"c1": {wire.Good: n}, "c2": {}}}
		if err := r.Receive(t.Context(), message(t, "b1", wire.TopicSummary, s)); err != nil {
			t.Fatal(err)
		}
	}
	if r.heard.summaries.Load() != 3 {
		t.Errorf("%d of 3 summaries were handed on to who watches for changes", r.heard.summaries.Load())
	}
	var sum, rows int64
	err := r.db.Read().NewSelect().Table("hour_summary").ColumnExpr("SUM(n), COUNT(*)").Where("device = 'b1'").Scan(t.Context(), &sum, &rows)
	if err != nil || sum != 5 || rows != 2 {
		t.Errorf("%d in %d rows, %v", sum, rows, err)
	}
	lines := wire.LogLines{Contract: wire.Contract}
	for n := range wire.MaxLogLines {
		lines.Lines = append(lines.Lines, wire.LogLine{At: at.Add(time.Duration(n) * time.Second), Level: "WARN", Text: "x"})
	}
	for range 2 {
		if err := r.Receive(t.Context(), message(t, "b1", wire.TopicLog, lines)); err != nil {
			t.Fatal(err)
		}
	}
	lines.Lines = []wire.LogLine{{At: at.Add(time.Hour), Level: "ERROR", Text: "newest"}}
	if err := r.Receive(t.Context(), message(t, "b1", wire.TopicLog, lines)); err != nil {
		t.Fatal(err)
	}
	b, err := r.fleet.Board(t.Context(), "b1")
	if err != nil {
		t.Fatal(err)
	}
	if log := b.Log(); len(log) != wire.MaxLogLines || log[len(log)-1].Text != "newest" {
		t.Errorf("%d lines", len(log))
	}
}

func TestPoisonDoesNotBlockWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		b := batch(t, "b1", 1, 7)
		b.Records[1] = json.RawMessage(`{"device":"b1"}`)
		b.Records[2] = raw(t, record("b2", 3)) // of another board
		b.Records[3] = raw(t, record("b1", 40))
		b.Records[4] = json.RawMessage(`"\u0000"`)
		// Not even UTF-8, in a field that nobody reads: PostgreSQL would refuse it.
		broken := strings.TrimSuffix(string(raw(t, record("b1", 8))), "}") + ",\"note\":\"\xff\"}"
		first, err := r.send(t, "b1", b)
		if err != nil || first.Through != 7 || len(first.Rejected) != 4 {
			t.Fatalf("%+v, %v", first, err)
		}
		rest := message(t, "b1", wire.TopicRecords, batch(t, "b1", 9, 9))
		rest.Payload = []byte(`{"contract":2,"epoch":"e1","first":8,"records":[` + broken + `,` + string(raw(t, record("b1", 9))) + `]}`)
		if err := r.Receive(t.Context(), rest); err != nil {
			t.Fatal(err)
		}
		acks := r.ear.take(t, wire.TopicAck)
		ack, err := wire.DecodeAck(acks[len(acks)-1])
		if err != nil || ack.Through != 9 || len(ack.Rejected) != 1 || ack.Rejected[0].Do != wire.Quarantine || ack.Rejected[0].Seq != 8 {
			t.Errorf("%+v, %v", ack, err)
		}
		if got := r.seqs(t, "b1"); len(got) != 4 {
			t.Errorf("kept are %v", got)
		}
		if s := r.Stats(); s.Quarantined != 5 || s.Records != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestGapThatTheBoardCannotFill(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	if _, err := r.send(t, "b1", batch(t, "b1", 1, 2)); err != nil {
		t.Fatal(err)
	}
	late := batch(t, "b1", 10, 11)
	late.Oldest = 0 // it says nothing: the gap may yet be filled
	if ack, err := r.send(t, "b1", late); err != nil || ack.Through != 2 {
		t.Fatalf("%+v, %v", ack, err)
	}
	late.Oldest = 8 // 8 and 9 still exist
	if ack, err := r.send(t, "b1", late); err != nil || ack.Through != 7 {
		t.Fatalf("%+v, %v", ack, err)
	}
	late.Oldest = 10
	if ack, err := r.send(t, "b1", late); err != nil || ack.Through != 11 {
		t.Fatalf("%+v, %v", ack, err)
	}
	if s := r.Stats(); s.Lost != 7 {
		t.Errorf("%d records are said to be lost", s.Lost)
	}
}

func TestNonsenseIsCountedAndNotAskedForAgain(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	for _, name := range []string{wire.TopicRecords, wire.TopicState, wire.TopicSummary, wire.TopicLog, wire.TopicSamples, "other"} {
		m := message(t, "b1", name, "nonsense")
		if err := r.Receive(t.Context(), m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := r.Stats(); s.Unreadable != 6 || s.Commits != 0 {
		t.Errorf("%+v", s)
	}
}

func TestHubDeadBetweenReceiveAndCommit(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		r.store.fail(dead, nil)
		if ack, err := r.send(t, "b1", batch(t, "b1", 1, 5)); !errors.Is(err, errDead) || ack != nil {
			t.Fatalf("before the commit: %+v, %v", ack, err)
		}
		if r.Health() == nil {
			t.Error("nobody is told that nothing is kept")
		}
		r.holds(t, "b1", 0)
		r.store.fail(nil, dead)
		if ack, err := r.send(t, "b1", batch(t, "b1", 1, 5)); !errors.Is(err, errDead) || ack != nil {
			t.Fatalf("after the commit: %+v, %v", ack, err)
		}
		r.store.fail(nil, nil)
		if ack, err := r.send(t, "b1", batch(t, "b1", 1, 7)); err != nil || ack.Through != 7 {
			t.Fatalf("sent again: %+v, %v", ack, err)
		}
		r.holds(t, "b1", 7)
		if err := r.Health(); err != nil {
			t.Errorf("all is well again, and it says %v", err)
		}
	})
}

func TestOneBoardsFaultDoesNotHoldUpAnothers(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	read := func(m broker.Message) *job {
		j, err := r.read(m)
		if err != nil {
			t.Fatal(err)
		}
		j.done = make(chan error, 1)
		return j
	}
	for n, first := range []bool{true, false} {
		// Of a device that is in no fleet: the transaction of both fails.
		bad := read(message(t, "stranger", wire.TopicLog, wire.LogLines{Contract: wire.Contract}))
		good := read(message(t, "b1", wire.TopicRecords, batch(t, "b1", 1, uint64(3+n))))
		group := []*job{good, bad}
		if first {
			group = []*job{bad, good}
		}
		r.write(t.Context(), group)
		if err := <-bad.done; err == nil {
			t.Error("a stranger is acknowledged")
		}
		if err := <-good.done; err != nil {
			t.Errorf("the stranger first %v: %v", first, err)
		}
		r.holds(t, "b1", int64(3+n))
	}
	if s := r.Stats(); s.Failed != 2 || s.Commits != 2 {
		t.Errorf("%+v", s)
	}
}

func TestExactlyOnceHoweverTheLinkIs(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	epochs := 0
	rapid.Check(t, func(rt *rapid.T) {
		epochs++
		name := "x" + time.Duration(epochs).String()
		newest := uint64(rapid.IntRange(1, 60).Draw(rt, "newest"))
		acked := uint64(0)
		deliver := func(first, last uint64) {
			b := wire.Batch{Contract: wire.Contract, Epoch: name, First: first, Oldest: 1}
			for seq := first; seq <= last; seq++ {
				one := record("b1", seq)
				one.Epoch = name
				b.Records = append(b.Records, raw(t, one))
			}
			err := r.Receive(t.Context(), message(t, "b1", wire.TopicRecords, b))
			said := r.ear.take(t, wire.TopicAck)
			if (err == nil) != (len(said) == 1) {
				rt.Fatalf("%v with %d acknowledgements", err, len(said))
			}
			if err != nil || rapid.Bool().Draw(rt, "the acknowledgement is lost") {
				return
			}
			ack, err := wire.DecodeAck(said[0])
			if err != nil || ack.Through < acked {
				rt.Fatalf("%+v after %d, %v", ack, acked, err)
			}
			acked = ack.Through
		}
		for range rapid.IntRange(0, 25).Draw(rt, "deliveries") {
			switch rapid.IntRange(0, 3).Draw(rt, "fault") {
			case 0:
				r.store.fail(dead, nil)
			case 1:
				r.store.fail(nil, dead)
			default:
				r.store.fail(nil, nil)
			}
			first := uint64(rapid.IntRange(1, int(newest)).Draw(rt, "first")) // from anywhere: brokers redeliver what they like
			last := min(newest, first+uint64(rapid.IntRange(0, 20).Draw(rt, "more")))
			deliver(first, last)
		}
		r.store.fail(nil, nil)
		for tries := 0; acked < newest; tries++ {
			if tries > 200 {
				rt.Fatal("the board never empties its outbox")
			}
			deliver(acked+1, min(newest, acked+7))
		}
		var seqs []uint64
		if err := r.db.Read().NewSelect().Model((*Record)(nil)).Column("seq").Where("epoch = ?", name).Order("seq").Scan(t.Context(), &seqs); err != nil {
			rt.Fatal(err)
		}
		for n, seq := range seqs {
			if seq != uint64(n)+1 {
				rt.Fatalf("record %d in place %d", seq, n+1)
			}
		}
		if uint64(len(seqs)) != newest {
			rt.Fatalf("%d records of %d", len(seqs), newest)
		}
	})
}

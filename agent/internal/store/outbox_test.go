package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/wire"
)

// seqs reads the numbers of letters and holds that they have no gap.
func seqs(t *testing.T, l Letters) []uint64 {
	t.Helper()
	var all []uint64
	for i, raw := range l.Records {
		r, err := wire.DecodeRecord(raw)
		if err != nil {
			t.Fatal(err)
		}
		if r.Seq != l.First+uint64(i) {
			t.Errorf("record %d stands where %d should", r.Seq, l.First+uint64(i))
		}
		all = append(all, r.Seq)
	}
	return all
}

func outbox(t *testing.T, s *Store, after uint64, limit, size int) Letters {
	t.Helper()
	l, err := s.Outbox(t.Context(), after, limit, size)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOutboxIsWhatTheHubDoesNotHave(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	s, stop := startUntil(t, opts, realDisk{})
	if l := outbox(t, s, 0, 10, 1<<20); len(l.Records) != 0 {
		t.Errorf("an empty store has %d letters", len(l.Records))
	}
	for n := range 7 {
		add(t, s, n, wire.Good, 0)
	}
	if got := seqs(t, outbox(t, s, 0, 100, 1<<20)); len(got) != 7 {
		t.Errorf("%v", got)
	}
	if got := seqs(t, outbox(t, s, 2, 3, 1<<20)); fmt.Sprint(got) != "[3 4 5]" {
		t.Errorf("%v", got)
	}
	if got := seqs(t, outbox(t, s, 2, 100, 1)); fmt.Sprint(got) != "[3]" {
		t.Errorf("one record must pass however large: %v", got)
	}
	two := outbox(t, s, 0, 2, 1<<20)
	if got := seqs(t, outbox(t, s, 0, 100, len(two.Records[0])+len(two.Records[1])+2)); len(got) != 2 {
		t.Errorf("bytes bound a batch: %v", got)
	}
	if err := s.Acknowledge(t.Context(), 5, nil); err != nil {
		t.Fatal(err)
	}
	stop()
	s = start(t, opts, realDisk{})
	if u := s.Usage(); u.Acked != 5 || u.LastSeq != 7 || u.Records != 7 {
		t.Errorf("after a restart %+v", u)
	}
	if err := s.Acknowledge(t.Context(), 3, nil); err != nil || s.Usage().Acked != 3 {
		t.Errorf("a hub that went back: %v, %d", err, s.Usage().Acked)
	}
	if err := s.Acknowledge(t.Context(), 99, nil); err != nil || s.Usage().Acked != 7 {
		t.Errorf("a hub that knows more than there is: %v, %d", err, s.Usage().Acked)
	}
}

func TestDamagedRecordDoesNotBlockTheOutbox(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	for n := range 5 {
		add(t, s, n, wire.Good, 0)
	}
	err := s.db.Update(func(txn *badger.Txn) error {
		return errors.Join(
			txn.Set(numbered(kindRecord, s.epoch, 2), []byte{valueVersion, '{', 0xff}),
			txn.Delete(numbered(kindRecord, s.epoch, 4)))
	})
	if err != nil {
		t.Fatal(err)
	}
	l := outbox(t, s, 0, 100, 1<<20)
	if l.First != 1 || len(l.Records) != 3 || string(l.Records[1]) != unreadable {
		t.Errorf("before the hole: %d records from %d, the second is %s", len(l.Records), l.First, l.Records[1])
	}
	if l = outbox(t, s, 3, 100, 1<<20); l.First != 5 || l.Oldest != 5 || len(l.Records) != 1 {
		t.Errorf("after the hole: %d records from %d, oldest %d", len(l.Records), l.First, l.Oldest)
	}
}

func TestQuarantinedRecordsAreListedOnceAndStay(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	s, stop := startUntil(t, opts, realDisk{})
	for n := range 3 {
		add(t, s, n, wire.Good, 0)
	}
	rejected := []wire.Rejection{{Seq: 2, Reason: "no\nsense", Do: wire.Quarantine}, {Seq: 3, Reason: "busy", Do: wire.Retry}}
	for range 2 {
		if err := s.Acknowledge(t.Context(), 2, rejected); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 * maxQuarantine {
		if err := s.Acknowledge(t.Context(), 2, []wire.Rejection{{Seq: uint64(1000 + n), Do: wire.Quarantine}}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	s = start(t, opts, realDisk{})
	q, err := s.Quarantine(t.Context())
	if err != nil || q.Count != 3*maxQuarantine+1 || len(q.Newest) != maxQuarantine || s.Usage().Quarantined != q.Count {
		t.Errorf("%d of %d listed, usage %d, %v", len(q.Newest), q.Count, s.Usage().Quarantined, err)
	}
	if _, err := s.Record(t.Context(), 2); err != nil {
		t.Errorf("a quarantined record left the board: %v", err)
	}
}

// TestFullRecordQuotaTakesWhatTheHubHas lets a ring turn: of the acknowledged
// records the oldest go, never one that is not acknowledged.
func TestFullRecordQuotaTakesWhatTheHubHas(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	opts.RecordQuotaMB = 1
	s, stop := startUntil(t, opts, realDisk{})
	for n := range 20 {
		add(t, s, n, wire.Bad, 500)
	}
	if err := s.Correct(t.Context(), 3, wire.Good); err != nil {
		t.Fatal(err)
	}
	if err := s.Acknowledge(t.Context(), 10, nil); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.state.recordBytes += megabyte - s.state.recordBytes - 100 // as after two thousand more
	s.mu.Unlock()
	day, err := s.Day(t.Context(), sighting(0, wire.Bad).CapturedAt.Format(dateForm))
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for n := 20; err == nil && n < 60; n++ {
		if _, err = s.Append(t.Context(), sighting(n, wire.Bad), jpeg(n, 500), 0, nil); err == nil {
			kept++
		}
	}
	u := s.Usage()
	if !errors.Is(err, ErrFull) || u.LastSeq != uint64(20+kept) || !u.Degraded {
		t.Fatalf("kept %d, %v, usage %+v", kept, err, u)
	}
	if u.LastSeq-u.Records != 10 {
		t.Errorf("%d records went, 10 were acknowledged", u.LastSeq-u.Records)
	}
	if kept < 8 || kept > 12 {
		t.Errorf("%d found room where 10 left", kept)
	}
	if u.Pictures != u.Records {
		t.Errorf("%d pictures of %d records", u.Pictures, u.Records)
	}
	if _, err := s.Record(t.Context(), 10); !errors.Is(err, ErrNotFound) {
		t.Errorf("record 10: %v", err)
	}
	if l := outbox(t, s, 0, 100, 1<<20); l.First != 11 || l.Oldest != 11 || len(l.Records) != 10+kept {
		t.Errorf("%d letters from %d, oldest %d", len(l.Records), l.First, l.Oldest)
	}
	after, err := s.Day(t.Context(), day.Date)
	if err != nil || after.Total < day.Total {
		t.Errorf("the day had %d, now %d: %v", day.Total, after.Total, err)
	}
	checkShelf(t, s)
	if err := s.Acknowledge(t.Context(), 12, nil); err != nil {
		t.Fatal(err)
	}
	add(t, s, 70, wire.Bad, 500)
	stop()
	s = start(t, opts, realDisk{})
	if u := s.Usage(); u.Records != u.LastSeq-11 || u.LastSeq != uint64(21+kept) {
		t.Errorf("usage after a restart %+v", u)
	}
}

func TestHoursTellWhatTheirReaderDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	six := time.Date(2026, 10, 4, 6, 0, 0, 0, time.UTC)
	put := func(at time.Time, camera string, v wire.Verdict) {
		t.Helper()
		r := sighting(1, v)
		r.CapturedAt, r.Camera = at, camera
		if _, err := s.Append(t.Context(), r, nil, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	tell := func(told time.Time, seq uint64, before time.Time) string {
		t.Helper()
		hours, err := s.Hours(t.Context(), told, seq, before)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, h := range hours {
			counts, err := json.Marshal(h.Cameras)
			if err != nil {
				t.Fatal(err)
			}
			text += h.At.Format("15 ") + string(counts) + " "
		}
		return text
	}
	put(six.Add(time.Minute), "north", wire.Good)
	put(six.Add(2*time.Minute), "south", wire.Bad)
	put(six.Add(time.Hour), "north", wire.Good)
	if got := tell(time.Time{}, 0, six.Add(time.Hour)); got != `06 {"north":{"good":1},"south":{"bad":1}} ` {
		t.Error(got)
	}
	put(six.Add(3*time.Minute), "north", wire.Good) // arrived at six, went at seven
	if got := tell(six, 2, six.Add(time.Hour)); got != `06 {"north":{"good":2},"south":{"bad":1}} ` {
		t.Errorf("an hour that was counted in again: %s", got)
	}
	if got := tell(six, 4, six.Add(2*time.Hour)); got != `07 {"north":{"good":1}} ` {
		t.Errorf("a later hour whose records are older: %s", got)
	}
	if got := tell(six.Add(time.Hour), 4, six.Add(9*time.Hour)); got != "" {
		t.Errorf("nothing is new: %s", got)
	}
}

// TestStoreOfFormatOneIsTakenOver writes a store as format 1 did.
func TestStoreOfFormatOneIsTakenOver(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	s, stop := startUntil(t, opts, realDisk{})
	add(t, s, 1, wire.Good, 0)
	epoch := s.Epoch()
	setFormat := func(s *Store, v byte) {
		t.Helper()
		if err := s.db.Update(func(txn *badger.Txn) error { return txn.Set(metaKey(metaFormat), []byte{v}) }); err != nil {
			t.Fatal(err)
		}
	}
	setFormat(s, 1)
	stop()
	s, stop = startUntil(t, opts, realDisk{})
	if u := s.Usage(); u.Records != 1 || u.Acked != 0 || s.Epoch() != epoch {
		t.Errorf("usage %+v, epoch %s, was %s", u, s.Epoch(), epoch)
	}
	setFormat(s, format+1)
	stop()
	if _, err := Open(opts); !errors.Is(err, ErrFormat) {
		t.Errorf("a store of a newer program: %v", err)
	}
}

package label

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

func picksOf(names []string, version int64) []sample.Pick {
	var out []sample.Pick
	for _, name := range names {
		out = append(out, sample.Pick{Hash: name, Version: version})
	}
	return out
}

func TestTwoWhoLabelManyAtOnceNeverOverwriteEachOther(t *testing.T) {
	both(t, func(t *testing.T, s *Store, names []string) {
		var all sync.WaitGroup
		done := make([]int, 4)
		for i := range done {
			all.Go(func() {
				var err error
				if done[i], err = s.SetMany(t.Context(), fmt.Sprint("batch", i), picksOf(names, 0), Labels()[i], fmt.Sprint("person", i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		sum := 0
		for _, n := range done {
			sum += n
		}
		if sum != len(names) {
			t.Errorf("%v were said to have their label, of %d", done, len(names))
		}
		for _, name := range names {
			if history, err := s.History(t.Context(), name); err != nil || len(history) != 1 {
				t.Errorf("%d steps of %s, %v", len(history), name, err)
			}
		}
	})
}

func TestUndoOfManyLeavesWhatOthersChangedSince(t *testing.T) {
	both(t, func(t *testing.T, s *Store, names []string) {
		if err := s.Set(t.Context(), names[3], wire.Regular, 0, "eva"); err != nil {
			t.Fatal(err)
		}
		picks := append(picksOf(names[:3], 0), sample.Pick{Hash: names[3], Version: 1}, sample.Pick{Hash: names[3], Version: 1}, sample.Pick{Hash: "gone"})
		if n, err := s.SetMany(t.Context(), "b", picks, wire.Good, "ana"); err != nil || n != 4 {
			t.Fatalf("%d, %v", n, err)
		}
		if err := s.Set(t.Context(), names[0], wire.Bad, 1, "ben"); err != nil {
			t.Fatal(err)
		}
		if n, err := s.UndoMany(t.Context(), "b", "ben"); err != nil || n != 0 {
			t.Errorf("by who did not do it: %d, %v", n, err)
		}
		if n, err := s.UndoMany(t.Context(), "", "ana"); err != nil || n != 0 {
			t.Errorf("of no batch: %d, %v", n, err)
		}
		if n, err := s.UndoMany(t.Context(), "b", "ana"); err != nil || n != 3 {
			t.Errorf("%d were taken back, %v", n, err)
		}
		if n, err := s.UndoMany(t.Context(), "b", "ana"); err != nil || n != 0 {
			t.Errorf("a second time: %d, %v", n, err)
		}
		p, err := s.Progress(t.Context(), sample.Filter{})
		if err != nil || p.ByLabel[wire.Bad] != 1 || p.ByLabel[wire.Regular] != 1 || p.ByLabel[wire.Good] != 0 || p.Waiting != 10 {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err := s.SetMany(t.Context(), "b", picks, "pumpkin", "ana"); !errors.Is(err, ErrUnknown) {
			t.Errorf("what is no label: %v", err)
		}
	})
}

// TestPicturePutIntoTheQueueByHandComesOnceMore: for a second opinion on one
// that has its label.
func TestPicturePutIntoTheQueueByHandComesOnceMore(t *testing.T) {
	both(t, func(t *testing.T, s *Store, names []string) {
		if _, err := s.SetMany(t.Context(), "b", picksOf(names, 0), wire.Good, "ana"); err != nil {
			t.Fatal(err)
		}
		set := func(name, queue string) {
			t.Helper()
			if _, err := s.db.Write().NewUpdate().Model((*sample.Sample)(nil)).Set("queue = ?", queue).Where("s.hash = ?", name).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		next := func() []sample.Sample {
			t.Helper()
			list, err := s.Next(t.Context(), "ben", sample.Filter{}, 4)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		if list := next(); len(list) != 0 {
			t.Fatalf("%d wait", len(list))
		}
		set(names[5], sample.QueuedByHand)
		if p, err := s.Progress(t.Context(), sample.Filter{}); err != nil || p.Waiting != 1 || p.Labelled != 12 {
			t.Errorf("%+v, %v", p, err)
		}
		if at, err := s.Oldest(t.Context()); err != nil || at.UnixMicro() != 6 {
			t.Errorf("the oldest came %v, %v", at, err)
		}
		if list := next(); len(list) != 1 || list[0].Hash != names[5] {
			t.Fatalf("%d wait", len(list))
		}
		if err := s.Set(t.Context(), names[5], wire.Bad, 1, "ben"); err != nil {
			t.Fatal(err)
		}
		if list := next(); len(list) != 0 {
			t.Error("it stays in the queue")
		}
		if list := disputed(t, s); len(list) != 1 || list[0] != names[5] {
			t.Errorf("disputed are %v", list)
		}
		if err := s.Set(t.Context(), names[5], wire.Bad, 2, "ana"); err != nil { // she has seen it
			t.Fatal(err)
		}
		if list := disputed(t, s); len(list) != 0 {
			t.Errorf("all agree, and disputed are %v", list)
		}
		if _, err := s.Undo(t.Context(), "ana"); err != nil {
			t.Fatal(err)
		}
		set(names[6], sample.Unqueued)
		if _, err := s.UndoMany(t.Context(), "b", "ana"); err != nil {
			t.Fatal(err)
		}
		for _, one := range next() {
			if one.Hash == names[6] {
				t.Error("what was taken out of the queue is in it")
			}
		}
		if p, err := s.Progress(t.Context(), sample.Filter{}); err != nil || p.Waiting != 10 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func disputed(t *testing.T, s *Store) []string {
	t.Helper()
	var names []string
	q := sample.Filter{Label: sample.Disputed}.Apply(s.db.Read().NewSelect().Model((*sample.Sample)(nil)))
	if err := q.Column("s.hash").Scan(t.Context(), &names); err != nil {
		t.Fatal(err)
	}
	return names
}

// TestTenThousandPicturesAreLabelledAndUndone: a person who chose all of a
// filter waits for seconds, not for minutes.
func TestTenThousandPicturesAreLabelledAndUndone(t *testing.T) {
	t.Parallel()
	const n = 10_000
	d := dbtest.SQLite(t)
	s, names := New(d), make([]string, n)
	rows := make([]sample.Sample, n)
	for i := range rows {
		names[i] = blob.Name(fmt.Appendf(nil, "%d", i))
		rows[i] = sample.Sample{Hash: names[i], Source: sample.FromBoard, State: sample.Kept, Checked: true, ReceivedAt: int64(i + 1)}
	}
	for at := 0; at < n; at += 500 {
		some := rows[at : at+500]
		if _, err := d.Write().NewInsert().Model(&some).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	begin, done := time.Now(), 0
	for at := 0; at < n; at += 200 {
		some, err := s.SetMany(t.Context(), "b", picksOf(names[at:at+200], 0), wire.Good, "ana")
		if err != nil {
			t.Fatal(err)
		}
		done += some
	}
	labelled := time.Since(begin)
	begin = time.Now()
	undone, err := s.UndoMany(t.Context(), "b", "ana")
	if err != nil || done != n || undone != n {
		t.Errorf("%d labelled, %d undone, %v", done, undone, err)
	}
	t.Logf("%d labelled in %v, undone in %v", n, labelled, time.Since(begin))
}

package label

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// lay writes n checked pictures and returns their names.
func lay(t *testing.T, d *db.DB, n int) []string {
	t.Helper()
	var names []string
	for i := range n {
		row := sample.Sample{Hash: blob.Name(fmt.Appendf(nil, "%d", i)), Bytes: 1, Source: sample.FromBoard, State: sample.Kept, Checked: true,
			ReceivedAt: int64(i + 1)}
		if _, err := d.Write().NewInsert().Model(&row).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		names = append(names, row.Hash)
	}
	return names
}

func both(t *testing.T, test func(t *testing.T, s *Store, names []string)) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, New(d), lay(t, d, 12)) })
}

func TestTwoPeopleNeverGetTheSamePicture(t *testing.T) {
	both(t, func(t *testing.T, s *Store, _ []string) {
		var all sync.WaitGroup
		var mu sync.Mutex // guards met
		met := map[string]string{}
		for _, who := range []string{"ana", "ben", "eva"} {
			all.Go(func() {
				for range 3 { // and each may hold one more
					page, err := s.Next(t.Context(), who, sample.Filter{}, 2)
					if err != nil {
						t.Error(err)
						return
					}
					for _, one := range page {
						mu.Lock()
						if other := met[one.Hash]; other != "" && other != who {
							t.Errorf("%s and %s were given %s", other, who, one.Hash)
						}
						met[one.Hash] = who
						mu.Unlock()
					}
					if len(page) == 0 {
						t.Errorf("nothing for %s", who)
						return
					}
					if err := s.Set(t.Context(), page[0].Hash, wire.Good, 0, who); err != nil {
						t.Errorf("%s: %v", who, err)
					}
				}
			})
		}
		all.Wait()
		if p, err := s.Progress(t.Context(), sample.Filter{}); err != nil || p.Waiting != 3 || p.Labelled != 9 || p.ByLabel[wire.Good] != 9 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestClaimOfWhoWentAwayEnds(t *testing.T) {
	both(t, func(t *testing.T, s *Store, _ []string) {
		mine, err := s.Next(t.Context(), "ana", sample.Filter{}, 4)
		if err != nil || len(mine) != 4 {
			t.Fatal(len(mine), err)
		}
		again, err := s.Next(t.Context(), "ana", sample.Filter{}, 4)
		if err != nil || len(again) != 4 || again[0].Hash != mine[0].Hash {
			t.Errorf("a reload changes what she has: %d, %v", len(again), err)
		}
		theirs, err := s.Next(t.Context(), "ben", sample.Filter{}, 1)
		if err != nil || len(theirs) != 1 || theirs[0].Hash == mine[0].Hash {
			t.Fatal(theirs, err)
		}
		s.now = func() time.Time { return time.Now().Add(claimFor + time.Minute) }
		late, err := s.Next(t.Context(), "eva", sample.Filter{}, 1)
		if err != nil || len(late) != 1 || late[0].Hash != mine[0].Hash {
			t.Errorf("after the claim ended: %v", err)
		}
		if err := s.Release(t.Context(), "eva"); err != nil {
			t.Fatal(err)
		}
		if freed, err := s.Next(t.Context(), "ben", sample.Filter{}, 4); err != nil || len(freed) != 4 {
			t.Error(len(freed), err)
		}
	})
}

func TestNoLabelIsOverwrittenUnseen(t *testing.T) {
	both(t, func(t *testing.T, s *Store, names []string) {
		if err := s.Set(t.Context(), names[0], wire.Good, 0, "ana"); err != nil {
			t.Fatal(err)
		}
		if err := s.Set(t.Context(), names[0], wire.Bad, 0, "ben"); !errors.Is(err, ErrChanged) {
			t.Errorf("by who had not seen it: %v", err)
		}
		if err := s.Set(t.Context(), names[0], wire.Bad, 1, "ben"); err != nil {
			t.Errorf("by who had: %v", err)
		}
		history, err := s.History(t.Context(), names[0])
		if err != nil || len(history) != 2 || history[0].By != "ana" || history[1].From != wire.Good || history[1].To != wire.Bad {
			t.Errorf("history %+v, %v", history, err)
		}
		if err := s.Set(t.Context(), names[1], "excellent", 0, "ana"); !errors.Is(err, ErrUnknown) {
			t.Errorf("an unknown label: %v", err)
		}
		if err := s.Set(t.Context(), blob.Name([]byte("gone")), wire.Good, 0, "ana"); !errors.Is(err, ErrNotFound) {
			t.Errorf("of no picture: %v", err)
		}
	})
}

func TestSimultaneousLabelsLeaveOne(t *testing.T) {
	both(t, func(t *testing.T, s *Store, names []string) {
		var all sync.WaitGroup
		errs := make(chan error, 6)
		for i := range cap(errs) {
			all.Go(func() { errs <- s.Set(t.Context(), names[0], wire.Good, 0, fmt.Sprint(i)) })
		}
		all.Wait()
		close(errs)
		kept := 0
		for err := range errs {
			switch {
			case err == nil:
				kept++
			case !errors.Is(err, ErrChanged):
				t.Error(err)
			}
		}
		if history, err := s.History(t.Context(), names[0]); kept != 1 || err != nil || len(history) != 1 {
			t.Errorf("%d were kept, %d events, %v", kept, len(history), err)
		}
	})
}

// TestPictureWhoseLabelWasTakenBackComesNext: whoever pressed the wrong key wants
// to press another one.
func TestPictureWhoseLabelWasTakenBackComesNext(t *testing.T) {
	both(t, func(t *testing.T, s *Store, _ []string) {
		first := func(who string) string {
			list, err := s.Next(t.Context(), who, sample.Filter{}, 3)
			if err != nil || len(list) == 0 {
				t.Fatalf("%d pictures, %v", len(list), err)
			}
			return list[0].Hash
		}
		wrong := first("ana")
		if err := s.Set(t.Context(), wrong, wire.Good, 0, "ana"); err != nil {
			t.Fatal(err)
		}
		if next := first("ana"); next == wrong {
			t.Fatal("a picture that has a label is shown again")
		}
		if _, err := s.Undo(t.Context(), "ana"); err != nil {
			t.Fatal(err)
		}
		if next := first("ana"); next != wrong {
			t.Errorf("after the undo comes %s, not %s", next, wrong)
		}
	})
}

func TestUndoGoesBackStepByStepAndNeverOverOthers(t *testing.T) {
	both(t, func(t *testing.T, s *Store, names []string) {
		tick := time.Now()
		s.now = func() time.Time { tick = tick.Add(time.Second); return tick }
		if _, err := s.Undo(t.Context(), "ana"); !errors.Is(err, ErrNothing) {
			t.Errorf("nothing done: %v", err)
		}
		for i, name := range []wire.Verdict{wire.Good, wire.Bad} {
			if err := s.Set(t.Context(), names[i], name, 0, "ana"); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []string{names[1], names[0]} {
			if got, err := s.Undo(t.Context(), "ana"); err != nil || got != want {
				t.Fatalf("undid %s, %v", got, err)
			}
		}
		if p, err := s.Progress(t.Context(), sample.Filter{}); err != nil || p.Labelled != 0 || p.Waiting != 12 {
			t.Errorf("%+v, %v", p, err)
		}
		if err := s.Set(t.Context(), names[0], wire.Regular, 2, "ana"); err != nil {
			t.Fatal(err)
		}
		if err := s.Set(t.Context(), names[0], wire.Bad, 3, "ben"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Undo(t.Context(), "ana"); !errors.Is(err, ErrChanged) {
			t.Errorf("over another's label: %v", err)
		}
		if history, err := s.History(t.Context(), names[0]); err != nil || len(history) != 4 {
			t.Errorf("%d events, %v", len(history), err)
		}
	})
}

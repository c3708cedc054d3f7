package dataset

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// album gives the bytes of every picture: its name.
type album struct{ gone string }

func (a *album) Picture(_ context.Context, hash string) ([]byte, error) {
	if hash == a.gone {
		return nil, sample.ErrNotFound
	}
	return []byte(hash), nil
}

func storeOn(t *testing.T, d *db.DB) *Store {
	t.Helper()
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	return New(d, blobs, &album{}, func() Settings { return Settings{GoldenPercent: 20, LeastPictures: 3, LeastGroups: 3} })
}

// write puts a world into a database.
func (w *world) write(t *testing.T, d *db.DB) {
	t.Helper()
	for i := range w.samples {
		if _, err := d.Write().NewInsert().Model(&w.samples[i]).On("CONFLICT (hash) DO NOTHING").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range w.events {
		e := &w.events[i]
		now := label.Current{Hash: e.Hash, Label: e.To, Version: e.Version, By: e.By, At: e.At}
		_, err := d.Write().NewInsert().Model(&now).On("CONFLICT (hash) DO UPDATE").Set("label = EXCLUDED.label").Set("version = EXCLUDED.version").
			Set("labelled_by = EXCLUDED.labelled_by").Set("labelled_at = EXCLUDED.labelled_at").Exec(t.Context())
		if err == nil {
			_, err = d.Write().NewInsert().Model(e).On("CONFLICT (hash, version) DO NOTHING").Exec(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// farm is a world with pictures of every class and day.
func farm(days int) *world {
	w := newWorld()
	for day := range days {
		for i, class := range classes() {
			one := w.picture("board"+string(class), day, uint64(1)<<(8*i)-1)
			w.say(one.Hash, "ana", label.DidLabel, class)
		}
	}
	return w
}

func TestSameLabelsGiveTheSameBytesOnASecondHub(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := farm(6)
		w.write(t, d)
		s := storeOn(t, d)
		first, created, err := s.Make(t.Context(), time.Time{}, "ana")
		if err != nil || !created || first.Number != 1 {
			t.Fatal(first, created, err)
		}
		if again, created, err := s.Make(t.Context(), time.Time{}, "ben"); err != nil || created || again != first {
			t.Errorf("nothing changed, and it is %+v, %v, %v", again, created, err)
		}
		// Its sides were decided bit by bit here, and all at once there.
		w.say(w.picture("board", 9, 0).Hash, "ben", label.DidLabel, wire.Bad)
		w.write(t, d)
		second, created, err := s.Make(t.Context(), time.Time{}, "ana")
		if err != nil || !created || second.Number != 2 {
			t.Fatal(second, created, err)
		}
		other := dbtest.SQLite(t)
		for i, j := 0, len(w.samples)-1; i < j; i, j = i+1, j-1 {
			w.samples[i], w.samples[j] = w.samples[j], w.samples[i]
		}
		w.write(t, other)
		o := storeOn(t, other)
		if there, _, err := o.Make(t.Context(), time.Time{}, "eva"); err != nil || there.Manifest != second.Manifest {
			t.Errorf("a second hub made %s, %v", there.Manifest, err)
		}
		early, _, err := o.Make(t.Context(), first.Revision(), "eva")
		if err != nil || early.Manifest != first.Manifest {
			t.Errorf("as known at the first revision it made %s, %v", early.Manifest, err)
		}
		m, err := s.Open(t.Context(), second.Manifest)
		if err != nil || len(m.Pictures) != 25 {
			t.Fatal(err)
		}
		if counts, err := second.Counts(); err != nil || counts.All != m.Count().All || counts.All.Groups != 25 {
			t.Errorf("%+v, %v", counts, err)
		}
	})
}

func TestDataSetOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := storeOn(t, d)
		if _, _, err := s.Make(t.Context(), time.Time{}, "ana"); !errors.Is(err, ErrEmpty) {
			t.Error(err)
		}
		if _, err := s.Get(t.Context(), 1); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if _, err := s.Open(t.Context(), "../../x"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestEveryLookAtGoldenPicturesStandsInTheLedger(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := farm(6)
		w.write(t, d)
		s := storeOn(t, d)
		v, _, err := s.Make(t.Context(), time.Time{}, "ana")
		if err != nil {
			t.Fatal(err)
		}
		golden, err := s.Golden(t.Context(), v.Manifest, "run 1", "ben")
		if err != nil || len(golden) == 0 {
			t.Fatal(len(golden), err)
		}
		m, err := s.Open(t.Context(), v.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Learning() {
			if p.Split == Golden {
				t.Error("a golden picture is there to learn from")
			}
		}
		if len(m.Learning())+len(golden) != len(m.Pictures) {
			t.Error("pictures are on no side")
		}
		uses, err := s.Uses(t.Context(), v.Manifest, 10)
		if err != nil || len(uses) != 1 || uses[0].By != "ben" || uses[0].Purpose != "run 1" || int(uses[0].Pictures) != len(golden) {
			t.Errorf("%+v, %v", uses, err)
		}
	})
}

func TestTooLittleDataSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := storeOn(t, d)
		if ok, reasons, err := s.Enough(t.Context()); ok || len(reasons) != len(classes()) || err != nil {
			t.Errorf("an empty hub: %v, %v, %v", ok, reasons, err)
		}
		w := farm(3)
		w.say(w.samples[2].Hash, "ben", label.DidLabel, wire.Good) // bad, says ana
		w.write(t, d)
		ok, reasons, err := s.Enough(t.Context())
		if ok || err != nil || len(reasons) != 1 {
			t.Fatal(ok, reasons, err)
		}
		if text := reasons[0].String(); text != "bad: 2 pictures of 2 visits; at least 3 of 3 are needed" {
			t.Error(text)
		}
		w.say(w.samples[2].Hash, "ben", label.DidLabel, wire.Bad)
		w.write(t, d)
		if ok, reasons, err := s.Enough(t.Context()); !ok || err != nil {
			t.Errorf("%v, %v", reasons, err)
		}
	})
}

func TestClassThatOneSideLacksIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for day := range 3 { // regular ones stand in the groups of good ones, which came first
		w.say(w.picture("b", day, 0).Hash, "ana", label.DidLabel, wire.Good)
	}
	m, sides := plan(w.at(w.asOf))
	if len(m.Pictures) != 3 {
		t.Fatal(m)
	}
	s := &Store{settings: func() Settings { return Settings{GoldenPercent: 20, LeastPictures: 1, LeastGroups: 1} }}
	for _, g := range sides {
		if g.Split == Golden {
			day := strings.TrimPrefix(g.Group, "board/b/")
			for i := range w.samples[:3] {
				if sessionOf(&w.samples[i]) == day {
					w.say(w.picture("b", i, 0).Hash, "ana", label.DidLabel, wire.Regular)
				}
			}
		}
	}
	m, _ = plan(w.at(w.asOf))
	var lacking []Split
	for _, r := range s.Lacks(m) {
		if r.Class == wire.Regular && r.Code == Side {
			lacking = append(lacking, r.Split)
		}
		if r.Class == wire.Good {
			t.Error(r)
		}
	}
	if len(lacking) != 2 || lacking[0] != Train || lacking[1] != Validation {
		t.Errorf("regular pictures are said to lack in %v", lacking)
	}
}

func TestCompareTellsAddedRemovedAndRelabelled(t *testing.T) {
	t.Parallel()
	w := farm(2)
	before, _ := plan(w.at(w.asOf))
	w.say(w.samples[0].Hash, "ana", label.DidLabel, wire.Bad)
	w.say(w.samples[1].Hash, "ana", label.DidLabel, label.CantTell)
	w.say(w.picture("new", 0, 0).Hash, "ana", label.DidLabel, wire.Good)
	after, _ := plan(w.at(w.asOf))
	d := Compare(before, after)
	if len(d.Added) != 1 || d.Added[0].Board != "new" || len(d.Removed) != 1 || d.Removed[0].Image != w.samples[1].Hash ||
		len(d.Relabelled) != 1 || d.Relabelled[0] != (Relabelled{w.samples[0].Hash, wire.Good, wire.Bad}) {
		t.Errorf("%+v", d)
	}
	if same := Compare(after, after); len(same.Added)+len(same.Removed)+len(same.Relabelled) != 0 {
		t.Errorf("a data set differs from itself: %+v", same)
	}
}

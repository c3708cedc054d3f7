package sample

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"gourdian/cloud/internal/db"
)

func brought(t *testing.T, r *rig, pictures ...string) []Pick {
	t.Helper()
	var picks []Pick
	for _, data := range pictures {
		hash, fault, err := r.Add(t.Context(), Given{Source: FromImport, Origin: data, Site: "north", Data: []byte(data)})
		if err != nil || fault != Sound {
			t.Fatalf("%q: %q, %v", data, fault, err)
		}
		picks = append(picks, Pick{Hash: hash})
	}
	return picks
}

func TestMarksOfManyAreTakenBackWhereNobodyChangedThemSince(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		picks := brought(t, r, "noise 1", "noise 2", "noise 3")
		first := NewBatch(DidLeave, "", "ana")
		n, err := r.Mark(t.Context(), first, picks[:2])
		if err == nil {
			first.Count = int64(n)
			err = r.KeepBatch(t.Context(), first)
		}
		if err != nil || n != 2 {
			t.Fatalf("%d, %v", n, err)
		}
		if left, err := r.Count(t.Context(), Filter{Mark: MarkLeftOut}); err != nil || left != 2 {
			t.Errorf("%d are left out, %v", left, err)
		}
		// Ben takes one in again, and one that is in already.
		if n, err := r.Mark(t.Context(), NewBatch(DidTake, "", "ben"), picks[1:]); err != nil || n != 2 {
			t.Errorf("%d, %v", n, err)
		}
		if _, err := r.Batch(t.Context(), first.ID, "ben"); !errors.Is(err, ErrUndone) {
			t.Errorf("somebody else's batch: %v", err)
		}
		if err := r.TakeBack(t.Context(), first.ID, "ana"); err != nil {
			t.Fatal(err)
		}
		if err := r.TakeBack(t.Context(), first.ID, "ana"); !errors.Is(err, ErrUndone) {
			t.Errorf("a second time: %v", err)
		}
		if n, err := r.Unmark(t.Context(), first); err != nil || n != 1 {
			t.Errorf("%d were taken back, %v", n, err)
		}
		if left, err := r.Count(t.Context(), Filter{Mark: MarkLeftOut}); err != nil || left != 0 {
			t.Errorf("%d are left out, %v", left, err)
		}
		if _, err := r.Mark(t.Context(), NewBatch("burn", "", "ana"), picks); err == nil {
			t.Error("what is no mark is done")
		}
	})
}

func TestPicturesThatCameAfterTheLookAreNotOfTheSelection(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		before := brought(t, r, "noise 1", "noise 2")
		sel := Selection{All: true, Filter: Filter{Site: "north"}, Seen: time.Now()}
		if _, err := d.Write().NewInsert().Model(&map[string]any{
			"hash": before[0].Hash, "label": "good", "version": 3, "labelled_by": "eva", "labelled_at": time.Now().Add(time.Minute).UnixMicro(),
		}).Table("labels").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		late := Sample{Hash: "late", Source: FromImport, Site: "north", State: Kept, ReceivedAt: time.Now().Add(time.Second).UnixMicro()}
		if _, err := d.Write().NewInsert().Model(&late).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		err := r.Portions(t.Context(), sel, func(_ context.Context, picks []Pick) error {
			for _, p := range picks {
				got[p.Hash] = p.Version
			}
			return nil
		})
		if err != nil || len(got) != 2 || got[before[0].Hash] != unseen || got[before[1].Hash] != 0 {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// TestTwoWhoDeleteTheSamePicturesCountEachOnce, and a deleted one never comes
// back.
func TestTwoWhoDeleteTheSamePicturesCountEachOnce(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		picks := brought(t, r, "noise 1", "noise 2", "noise 3")
		var all sync.WaitGroup
		done := make([]int, 3)
		for i := range done {
			all.Go(func() {
				var err error
				if done[i], err = r.DeleteMany(t.Context(), picks[:2]); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if done[0]+done[1]+done[2] != 2 {
			t.Errorf("deleted were %v", done)
		}
		if n, err := r.Count(t.Context(), Filter{}); err != nil || n != 1 {
			t.Errorf("%d are left, %v", n, err)
		}
		if _, err := r.Picture(t.Context(), picks[0].Hash); !errors.Is(err, ErrNotFound) {
			t.Errorf("its bytes are there: %v", err)
		}
		if _, fault, err := r.Add(t.Context(), Given{Source: FromImport, Data: []byte("noise 1")}); err != nil || fault != Duplicate {
			t.Errorf("it came back: %q, %v", fault, err)
		}
	})
}

func TestDownloadHoldsWhatWasChosenAndNothingDeleted(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		picks := brought(t, r, "noise 1", "noise 2", "noise 3")
		if err := r.Delete(t.Context(), picks[1].Hash); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := r.WriteZip(t.Context(), Selection{Picks: picks[:2]}, &out); err != nil {
			t.Fatal(err)
		}
		files, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil || len(files.File) != 1 || files.File[0].Name != "no-label/"+picks[0].Hash+".jpg" {
			t.Errorf("%+v, %v", files, err)
		}
	})
}

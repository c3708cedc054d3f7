package sample

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
)

// mouth hears what boards are told.
type mouth struct{ told []string }

func (m *mouth) Publish(device, name string, payload []byte) error {
	m.told = append(m.told, device+" "+name+" "+string(payload))
	return nil
}

func (r *rig) erasing(t *testing.T, device string) int {
	t.Helper()
	n, err := r.Erasing(t.Context(), device)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDeletedPictureIsErasedOnItsBoardAndOnWhoeverOffersIt(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r, m := newRig(t, d, nil), &mouth{}
		r.Attach(m)
		r.bring(t, Board{"b1", "north"}, "noise 1")
		hash := blob.Name([]byte("noise 1"))
		if err := r.Delete(t.Context(), hash); err != nil {
			t.Fatal(err)
		}
		if len(m.told) != 1 || !strings.HasPrefix(m.told[0], "b1 want ") || !strings.Contains(m.told[0], `"erase":true`) || r.erasing(t, "b1") != 1 {
			t.Errorf("told %q, %d to erase", m.told, r.erasing(t, "b1"))
		}
		if _, err := r.Erased(t.Context(), "b2", hash); err != nil || r.erasing(t, "b1") != 1 {
			t.Errorf("another board answered for it: %v", err)
		}
		if _, err := r.Erased(t.Context(), "b1", hash); err != nil || r.erasing(t, "b1") != 0 {
			t.Errorf("%d to erase, %v", r.erasing(t, "b1"), err)
		}
		for _, device := range []string{"b1", "b2"} { // from a backup, or the same picture elsewhere
			want, err := r.Offer(t.Context(), Board{device, "north"}, offerOf("noise 1"))
			if err != nil || want.Refuse != "deleted" || !want.Erase || r.erasing(t, device) != 1 {
				t.Errorf("%s: %+v, %v", device, want, err)
			}
		}
	})
}

func TestPictureThatWentByAgeStaysOnItsBoard(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, func(l *Limits) { l.KeepDays = 1 })
		r.bring(t, Board{"b1", "north"}, "noise 1")
		if n, err := r.Retain(t.Context(), time.Now().AddDate(0, 0, 2), func(int, int) {}); err != nil || n != 1 {
			t.Fatalf("%d went, %v", n, err)
		}
		want, err := r.Offer(t.Context(), Board{"b1", "north"}, offerOf("noise 1"))
		if err != nil || want.Refuse == "" || want.Erase || r.erasing(t, "b1") != 0 {
			t.Errorf("%+v, %v", want, err)
		}
	})
}

// TestManyErasuresAreAskedForABitAtATime: a board's inbox holds few messages.
func TestManyErasuresAreAskedForABitAtATime(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		var picks []Pick
		for n := range askedAtOnce + 5 {
			data := fmt.Sprintf("noise %d", n)
			r.bring(t, Board{"b1", "north"}, data)
			picks = append(picks, Pick{Hash: blob.Name([]byte(data))})
		}
		if n, err := r.DeleteMany(t.Context(), picks); err != nil || n != len(picks) {
			t.Fatalf("%d deleted, %v", n, err)
		}
		wants, err := r.Erasures(t.Context(), d.Read(), "b1")
		if err != nil || len(wants) != askedAtOnce {
			t.Fatalf("%d at once, %v", len(wants), err)
		}
		asked := map[string]bool{}
		for turn := 0; len(wants) > 0; turn++ {
			want := wants[0]
			if wants = wants[1:]; asked[want.Hash] || turn > len(picks) {
				t.Fatalf("%s is asked for twice, turn %d", want.Hash, turn)
			}
			asked[want.Hash] = true
			next, err := r.Erased(t.Context(), "b1", want.Hash)
			if err != nil {
				t.Fatal(err)
			}
			wants = append(wants, next...)
		}
		if left := r.erasing(t, "b1"); left != 0 || len(asked) != len(picks) {
			t.Errorf("%d were asked for, %d are left", len(asked), left)
		}
	})
}

var _ Speaker = (*mouth)(nil)

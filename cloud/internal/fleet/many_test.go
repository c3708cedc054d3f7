package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
)

// TestManyBoardsAreMovedButNotThoseThatSomebodyChangedSince: two operators with
// the same list open do not undo each other's work.
func TestManyBoardsAreMovedButNotThoseThatSomebodyChangedSince(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
		for _, device := range []string{"b1", "b2", "b3"} {
			r.mustJoin(t, secret, device)
		}
		seen := r.now
		r.now = r.now.Add(time.Minute)
		if _, err := r.Move(t.Context(), "eva", "b2", "east", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Remove(t.Context(), "eva", "b3"); err != nil {
			t.Fatal(err)
		}
		chosen := Chosen{Devices: []string{"b1", "b2", "b3", "b4"}, Seen: seen}
		done, err := r.MoveMany(t.Context(), "ana", chosen, "south", "row 1", false)
		if err != nil || done != (Done{Done: 1, Left: 3}) {
			t.Errorf("%+v, %v", done, err)
		}
		if _, err := r.MoveMany(t.Context(), "ana", chosen, strings.Repeat("x", 81), "", false); !errors.Is(err, ErrName) {
			t.Errorf("a name that is too long: %v", err)
		}
		place := func(device, site, group string) {
			t.Helper()
			if b, err := r.Board(t.Context(), device); err != nil || b.Site != site || b.Group != group {
				t.Errorf("%s is at %s/%s, %v", device, b.Site, b.Group, err)
			}
		}
		place("b1", "south", "row 1")
		place("b2", "east", "")
		done, err = r.MoveMany(t.Context(), "ana", Chosen{All: true, Seen: r.now}, "", "", true)
		if err != nil || done.Done != 2 {
			t.Errorf("%+v, %v", done, err)
		}
		place("b1", "south", "") // the site stays
	})
}

func TestManyBoardsAreShutOutAtOnceAndLateOnesAreNot(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 300, Valid: time.Hour})
		for i := range 5 {
			r.mustJoin(t, secret, string(rune('a'+i)))
		}
		seen := r.now
		r.now = r.now.Add(time.Minute)
		_, late := r.mustJoin(t, secret, "late")
		if n, err := r.CountChosen(t.Context(), Chosen{All: true}); err != nil || n != 6 {
			t.Errorf("%d, %v", n, err)
		}
		if done, err := r.RevokeMany(t.Context(), "ana", Chosen{Devices: []string{"a", "b"}, Seen: seen}, "lost"); err != nil || done.Done != 2 {
			t.Errorf("%+v, %v", done, err)
		}
		if done, err := r.RevokeMany(t.Context(), "ana", Chosen{All: true, Seen: seen}, ""); err != nil || done != (Done{Done: 3, Left: 2}) {
			t.Errorf("%+v, %v", done, err)
		}
		if err := r.admits(late); err != nil {
			t.Errorf("a board that joined after the list was read: %v", err)
		}
		if len(r.gone) != 5 {
			t.Errorf("connections of %v were ended", r.gone)
		}
		if done, err := r.RemoveMany(t.Context(), "ana", Chosen{All: true, Filter: Filter{State: Revoked}, Seen: seen}); err != nil || done.Done != 5 {
			t.Errorf("%+v, %v", done, err)
		}
		if n, err := r.Count(t.Context(), Filter{}); err != nil || n != 1 {
			t.Errorf("%d boards are left, %v", n, err)
		}
	})
}

package fleet

import (
	"errors"
	"testing"
	"time"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
)

// TestBoardThatWasRefusedIsRememberedUntilItIsLetIn: with a token that is good,
// and not for one who guesses.
func TestBoardThatWasRefusedIsRememberedUntilItIsLetIn(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: 60 * 24 * time.Hour})
		r.mustJoin(t, secret, "b1")
		r.mustJoin(t, secret, "b2")
		r.seen(t, "b1")
		asking := func(want int) []Asked {
			t.Helper()
			list, err := r.Asking(t.Context())
			if err != nil || len(list) != want {
				t.Fatalf("%+v, %v; expected are %d", list, err, want)
			}
			return list
		}
		if _, _, err := r.join(t, "guess", "b1"); !errors.Is(err, ErrSecret) {
			t.Errorf("a guess: %v", err)
		}
		asking(0)
		r.now = r.now.Add(time.Minute)
		for range 2 { // each time with another key
			if _, _, err := r.join(t, secret, "b1"); !errors.Is(err, ErrAlready) {
				t.Errorf("another key: %v", err)
			}
			r.now = r.now.Add(time.Second)
		}
		if list := asking(1); list[0].Device != "b1" || list[0].Name == "" {
			t.Errorf("%+v", list)
		}
		if _, err := r.Revoke(t.Context(), "ana", "b2", ""); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.join(t, secret, "b2"); err == nil {
			t.Error("a revoked board is let in")
		}
		asking(2)
		_, again := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour, Rejoin: true})
		r.now = r.now.Add(time.Second)
		r.mustJoin(t, again, "b1")
		if list := asking(1); list[0].Device != "b2" {
			t.Errorf("%+v", list)
		}
		r.now = r.now.Add(askedFor)
		asking(0)
	})
}

func TestCertificatesThatAreNotRenewedAndOldVersionsAreFound(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
		r.mustJoin(t, secret, "b1") // version "1" joins a hub of version "v"
		if list, err := r.Ending(t.Context(), r.now.Add(authority.BoardLife/2)); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		if list, err := r.Ending(t.Context(), r.now.Add(2*authority.BoardLife)); err != nil || len(list) != 1 || list[0].CertificateUntil().IsZero() {
			t.Errorf("%+v, %v", list, err)
		}
		if list, err := r.Outdated(t.Context()); err != nil || len(list) != 1 || list[0].Agent != "1" {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := d.Write().NewUpdate().Model((*Board)(nil)).Set("agent = 'v'").Where("device = 'b1'").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list, err := r.Outdated(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("of the hub's version: %+v, %v", list, err)
		}
	})
}

package fleet

import (
	"context"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/internal/wire"
)

// TestSilentIsToldFromOffline: a cable that was cut needs somebody after some
// minutes; a board that was switched off, a flap, and a hub that was down don't.
func TestSilentIsToldFromOffline(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
		report := func(device string, state wire.State) {
			err := d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				_, err := r.Report(ctx, tx, device, state, r.now)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, device := range []string{"cut", "off", "fine", "ill", "never"} {
			r.mustJoin(t, secret, device)
			if device != "never" {
				report(device, wire.State{Online: true})
			}
		}
		report("off", wire.State{Online: false})
		report("ill", wire.State{Online: true, Conditions: []wire.ConditionState{{Code: "model_missing", Severity: "serious", Since: r.now}}})
		r.Present("fine", 1)
		r.Present("ill", 2)
		expect := func(when string, silent ...string) {
			t.Helper()
			found, err := r.Attention(t.Context())
			if err != nil || len(found.Silent) != len(silent) || len(found.Failing) != 1 || found.Failing[0].Device != "ill" {
				t.Fatalf("%s: %+v, %v", when, found, err)
			}
			for i, b := range found.Silent {
				if b.Device != silent[i] || b.Name == "" {
					t.Errorf("%s: %+v", when, b)
				}
			}
		}
		r.now = r.now.Add(quiet - time.Second)
		expect("soon")
		r.now = r.now.Add(2 * time.Second)
		expect("after some minutes", "cut")
		r.opened = r.now // as after a restart, however long the hub was down
		expect("after a restart")
		r.now = r.now.Add(quiet + time.Second)
		expect("long after a restart", "cut")
		r.Present("cut", 3)
		expect("once it is back")
	})
}

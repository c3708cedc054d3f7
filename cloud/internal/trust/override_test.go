package trust

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
)

func TestOverrideIsBelievedForItsSignatureAlone(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o, err := OpenOverrides(d, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		bundle, at := strings.Repeat("a", 64), time.Now().UTC().Truncate(time.Microsecond)
		if _, err := o.Grant(t.Context(), bundle); !errors.Is(err, ErrNoGrant) {
			t.Errorf("before anybody decided: %v", err)
		}
		made, err := o.Record(t.Context(), d.Write(), Override{Kind: Promoted, Who: "ana", At: at, Reason: "the first", Version: 3, Bundle: bundle, Champion: 2})
		if err != nil {
			t.Fatal(err)
		}
		if g, err := o.Grant(t.Context(), bundle); err != nil || g != (Grant{made.ID, bundle, 3}) {
			t.Errorf("%+v, %v", g, err)
		}
		if list, err := o.Of(t.Context(), bundle); err != nil || len(list) != 1 || list[0] != made {
			t.Errorf("%+v, %v", list, err)
		}
		// Whoever can write the database can't grant.
		other := strings.Repeat("b", 64)
		forged := overrideRow{ID: "x", Bundle: other, Body: `{"at":1,"bundle":"` + other + `","version":1}`, Signature: made.signature}
		if _, err := d.Write().NewInsert().Model(&forged).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		moved := overrideRow{ID: "y", Bundle: other, Body: "", Signature: made.signature}
		if err := d.Read().NewRaw("SELECT body FROM model_override WHERE id = ?", made.ID).Scan(t.Context(), &moved.Body); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Write().NewInsert().Model(&moved).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if g, err := o.Grant(t.Context(), other); !errors.Is(err, ErrNoGrant) {
			t.Errorf("a forged override grants %+v, %v", g, err)
		}
	})
}

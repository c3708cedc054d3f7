package setting

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/people"
)

func open(t *testing.T, d *db.DB, fixed ...string) *Store {
	t.Helper()
	s, err := Open(t.Context(), d, Defaults(), fixed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wish wants a value by one who saw what is in force.
func wish(s *Store, key, value string) Wish {
	f, _ := fieldOf(key)
	now := s.Now()
	return Wish{Key: key, Seen: Mark(f.Get(&now)), Value: &value}
}

func TestDefaultsAreAllowed(t *testing.T) {
	t.Parallel()
	v := Defaults()
	Check(&v, func(key string, err error) { t.Errorf("%s: %v", key, err) })
}

func TestChangeHoldsAtOnceAndAfterARestartAndIsUndone(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := open(t, d)
		if _, err := s.Undo(t.Context(), "ana", 1); !errors.Is(err, ErrNothing) {
			t.Errorf("nothing was changed yet: %v", err)
		}
		first, err := s.Change(t.Context(), "ana", []Wish{wish(s, "predict.access", "off"), wish(s, "samples.quota_gb", "0.5"), wish(s, "name", "gourdian")})
		if err != nil || len(first.Edits) != 2 {
			t.Fatalf("%+v, %v", first, err)
		}
		if now := s.Now(); now.Predict.Access != "off" || now.Samples.QuotaGB != 0.5 || s.OnPage("name") || !s.OnPage("predict.access") {
			t.Errorf("%+v", now)
		}
		if again := open(t, d).Now(); again.Predict.Access != "off" || again.Samples.QuotaGB != 0.5 {
			t.Errorf("after a restart: %+v", again)
		}
		second, err := s.Change(t.Context(), "ben", []Wish{wish(s, "samples.quota_gb", "2")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Undo(t.Context(), "ana", first.Seq); !errors.Is(err, ErrChanged) {
			t.Errorf("one that is not the last: %v", err)
		}
		for _, c := range []Change{second, first} {
			if _, err := s.Undo(t.Context(), "ana", c.Seq); err != nil {
				t.Fatal(err)
			}
		}
		if now := open(t, d).Now(); now != Defaults() {
			t.Errorf("all was undone: %+v", now)
		}
		lines, err := people.NewAudit(d).List(t.Context(), 0, "samples.quota_gb", 9)
		if err != nil || len(lines) != 4 || lines[3].Who != "ana" || lines[3].Detail != "20 → 0.5" || lines[2].Who != "ben" || lines[2].Detail != "0.5 → 2" {
			t.Errorf("log of changes: %+v, %v", lines, err)
		}
	})
}

func TestFileWinsOverThePageAndThePageOverTheDefault(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := open(t, d)
	if _, err := s.Change(t.Context(), "ana", []Wish{wish(s, "predict.access", "off")}); err != nil {
		t.Fatal(err)
	}
	base := Defaults()
	base.Predict.Access = "login"
	fixed, err := Open(t.Context(), d, base, []string{"predict.access"})
	if err != nil || fixed.Now().Predict.Access != "login" {
		t.Fatalf("%+v, %v", fixed.Now(), err)
	}
	if _, err := fixed.Change(t.Context(), "ana", []Wish{wish(fixed, "predict.access", "open")}); !errors.Is(err, ErrFixed) {
		t.Errorf("what the file says was changed: %v", err)
	}
	// A default that moves with a new version leaves what the page says.
	if free, err := Open(t.Context(), d, base, nil); err != nil || free.Now().Predict.Access != "off" {
		t.Errorf("%+v, %v", free.Now(), err)
	}
}

func TestNothingIsOverwrittenUnseenByTwoAdmins(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := open(t, d)
		seen := wish(s, "name", "north farm")
		var all sync.WaitGroup
		errs := make(chan error, 8)
		for i := range cap(errs) {
			all.Go(func() {
				other := seen
				value := "north farm " + string(rune('a'+i))
				other.Value = &value
				_, err := s.Change(t.Context(), "somebody", []Wish{other})
				errs <- err
			})
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
		if kept != 1 {
			t.Errorf("%d changes were kept", kept)
		}
	})
}

func TestValuesOutOfRangeAreRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.SQLite(t))
	for key, bad := range map[string][]string{
		"name":                 {"", strings.Repeat("x", 61), "a\nb", "\xff"},
		"time_zone":            {"Mars/Olympus", "Local", "../../etc/passwd"},
		"predict.access":       {"", "all"},
		"predict.per_minute":   {"0", "1e3", "-1", "99999999999999999999"},
		"samples.quota_gb":     {"NaN", "Inf", "0", "-1", "1e9"},
		"samples.keep_days":    {"-1", "x"},
		"labels.claim_minutes": {"0", "241"},
		"alerts.webhook":       {"ftp://x", "https://", "javascript:alert(1)"},
		"backup.keep":          {"0"},
	} {
		for _, value := range bad {
			_, err := s.Change(t.Context(), "ana", []Wish{wish(s, "backup.every_hours", "5"), wish(s, key, value)})
			var fault *Fault
			if !errors.As(err, &fault) || fault.Key != key || !errors.Is(err, ErrValue) {
				t.Errorf("%s = %q: %v", key, value, err)
			}
		}
	}
	if _, err := s.Change(t.Context(), "ana", []Wish{{Key: "listen"}}); !errors.Is(err, ErrUnknown) {
		t.Errorf("what is no setting: %v", err)
	}
	if now := s.Now(); now != Defaults() {
		t.Errorf("something was kept: %+v", now)
	}
	if v := Defaults(); func() bool {
		v.Samples.QuotaGB = math.NaN()
		n := 0
		Check(&v, func(string, error) { n++ })
		return n != 1
	}() {
		t.Error("the config may hold a quota that is no number")
	}
}

func TestSecretIsNeverWrittenDown(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := open(t, d)
	if _, err := s.Change(t.Context(), "ana", []Wish{wish(s, "alerts.webhook", "https://hooks.example/T0/s3cret")}); err != nil {
		t.Fatal(err)
	}
	lines, err := people.NewAudit(d).List(t.Context(), 0, "", 1)
	if err != nil || len(lines) != 1 || strings.Contains(lines[0].Detail, "s3cret") || lines[0].Detail != "none → https://hooks.example/…" {
		t.Errorf("%+v, %v", lines, err)
	}
}

// TestKeptValueThatIsNoLongerAllowedCostsItselfOnly: after a newer version
// narrowed a limit, the hub starts.
func TestKeptValueThatIsNoLongerAllowedCostsItselfOnly(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	for key, value := range map[string]string{"backup.keep": "100000", "name": "north", "gone": "1"} {
		if _, err := d.Write().NewInsert().Model(&row{Key: key, Value: value}).Exec(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, d)
	if now := s.Now(); now.Name != "north" || now.Backup.Keep != Defaults().Backup.Keep || len(s.Ignored()) != 2 {
		t.Errorf("%+v, ignored %v", now, s.Ignored())
	}
}

package health

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestOldConditionKeepsItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		full := false
		w := New(map[string]Check{
			"disk": func(context.Context) []Condition {
				if !full {
					return nil
				}
				return []Condition{{Code: "disk_full", Severity: Warning}}
			},
			"queue": func(context.Context) []Condition {
				return []Condition{{Code: "queue", Severity: Serious, Subject: "a"}}
			},
		})
		w.Look(t.Context())
		began := time.Now()
		<-time.After(time.Minute)
		full = true
		w.Look(t.Context())
		got := w.Conditions()
		if len(got) != 2 || got[0].Code != "queue" || !got[0].Since.Equal(began) || !got[1].Since.Equal(time.Now()) {
			t.Errorf("%+v", got)
		}
		full = false
		w.Look(t.Context())
		if got := w.Conditions(); len(got) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestCheckThatHangsOrPanicsIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := New(map[string]Check{
			"hangs":  func(ctx context.Context) []Condition { <-ctx.Done(); return nil },
			"panics": func(context.Context) []Condition { panic("nil map") },
		})
		w.Look(t.Context())
		got := w.Conditions()
		if len(got) != 2 || got[0].Code != "check_failed" || got[1].Code != "check_slow" || got[1].Subject != "hangs" {
			t.Errorf("%+v", got)
		}
	})
}

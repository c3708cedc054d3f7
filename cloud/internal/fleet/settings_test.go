package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/internal/wire"
)

// reports lets a board say how it is.
func (r *rig) reports(t *testing.T, device string, s wire.State) {
	t.Helper()
	s.Contract, s.Online = wire.Contract, true
	err := r.db.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		_, err := r.Report(ctx, tx, device, s, r.now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSettingsThatNoBoardWouldTakeAreNotSent(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
	r.mustJoin(t, secret, "b1")
	r.reports(t, "b1", wire.State{Settings: map[string]any{"cameras": []any{map[string]any{"id": "c1", "frames_per_second": 2.0}}}})
	camera := func(key string, value any) map[string]any {
		return map[string]any{"cameras": []any{map[string]any{"id": "c1", key: value}}}
	}
	for name, wanted := range map[string]map[string]any{
		"unknown":            {"pin": "1234"},
		"too small":          {"keep_pictures_mb": 1},
		"half a megabyte":    {"keep_pictures_mb": 100.5},
		"another type":       {"keep_pictures_mb": "100"},
		"no choice":          {"language": "fr"},
		"private pictures":   {"samples": map[string]any{"send": true}},
		"samples as a list":  {"samples": []any{}},
		"cameras as a text":  {"cameras": "all"},
		"no such camera":     {"cameras": []any{map[string]any{"id": "c2", "frames_per_second": 3}}},
		"camera without id":  {"cameras": []any{map[string]any{"frames_per_second": 3}}},
		"too many a second":  camera("frames_per_second", 31),
		"no number a second": camera("frames_per_second", true),
		"zones from afar":    camera("zones", []any{}),
	} {
		if _, err := r.Desire(t.Context(), "ana", "b1", wanted); !errors.Is(err, ErrSettings) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(r.told) != 0 {
		t.Errorf("the board was told %q", r.told)
	}
	for name, wanted := range map[string]map[string]any{
		"number": {"keep_pictures_mb": 100}, "inside": {"samples": map[string]any{"per_day": 5}},
		"choice": camera("sensitivity", "high"), "on": camera("night_pause", true), "nothing": {},
	} {
		if _, err := r.Desire(t.Context(), "ana", "b1", wanted); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBoardsAnswerIsOfTheNewestWish(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
	r.mustJoin(t, secret, "b1")
	answered := func(when string, want Answer, wantWhy string) {
		t.Helper()
		b, err := r.Board(t.Context(), "b1")
		if err != nil {
			t.Fatal(err)
		}
		if got, why := b.Answered(); got != want || why != wantWhy {
			t.Errorf("%s: %s %q", when, got, why)
		}
	}
	answered("never asked", AsItIs, "")
	b, err := r.Desire(t.Context(), "ana", "b1", map[string]any{"keep_pictures_mb": 100})
	if err != nil {
		t.Fatal(err)
	}
	answered("asked", Waiting, "")
	r.reports(t, "b1", wire.State{Desired: wire.DesiredState{Version: uint64(b.Wish) - 1, Error: "of before"}})
	answered("answered to an older wish", Waiting, "")
	r.reports(t, "b1", wire.State{Desired: wire.DesiredState{Version: uint64(b.Wish), Error: "too full"}})
	answered("refused", Declined, "too full")
	r.reports(t, "b1", wire.State{Desired: wire.DesiredState{Version: uint64(b.Wish)}})
	answered("taken", Applied, "")
}

func TestEveryOrderShowsEachBoardOnce(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
		severity := []string{"", "serious", "info", "warning", "serious", "", ""}
		for n, worst := range severity {
			device := fmt.Sprintf("b%d", n)
			r.mustJoin(t, secret, device)
			if _, err := r.Rename(t.Context(), "ana", device, []string{"gate", "barn"}[n%2]); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Move(t.Context(), "ana", device, []string{"west", "east", "north"}[n%3], ""); err != nil {
				t.Fatal(err)
			}
			if n == 6 {
				continue // it has not come yet
			}
			r.now = r.now.Add(time.Minute)
			var s wire.State
			if worst != "" {
				s.Conditions = []wire.ConditionState{{Code: "x", Severity: worst}}
			}
			r.reports(t, device, s)
		}
		for sort, want := range map[Sort][]string{
			"":      {"b1", "b3", "b5", "b0", "b2", "b4", "b6"},
			"odd":   {"b1", "b3", "b5", "b0", "b2", "b4", "b6"},
			BySite:  {"b1", "b4", "b5", "b2", "b3", "b0", "b6"},
			BySeen:  {"b5", "b4", "b3", "b2", "b1", "b0", "b6"},
			ByState: {"b1", "b4", "b3", "b2", "b5", "b0", "b6"},
		} {
			var got []string
			for filter := (Filter{Sort: sort, Limit: 2}); ; {
				boards, next, err := r.List(t.Context(), filter)
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range boards {
					got = append(got, b.Device)
				}
				if filter.After = next; next == "" || len(got) > len(want) {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q: %v, expected is %v", sort, got, want)
			}
		}
		for _, cursor := range []string{"x", "a\x00b", "nonsense\x00a\x00b"} {
			if boards, _, err := r.List(t.Context(), Filter{Sort: BySeen, After: cursor}); err != nil || len(boards) != len(severity) {
				t.Errorf("cursor %q: %d boards, %v", cursor, len(boards), err)
			}
		}
	})
}

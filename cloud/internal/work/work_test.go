package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/people"
)

// rig is a desk whose source a test fills.
type rig struct {
	*Desk
	mu    sync.Mutex // guards items
	items []Item
	clock time.Time
}

func (r *rig) set(items ...Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.items = items
}

func setup(t *testing.T, d *db.DB) *rig {
	t.Helper()
	r := &rig{clock: time.Now().Truncate(time.Second)}
	r.Desk = New(d, map[string]Source{
		"rig": SourceFunc(func(context.Context) ([]Item, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return append([]Item(nil), r.items...), nil
		}),
		"down": SourceFunc(func(context.Context) ([]Item, error) { return nil, errors.New("the part is down") }),
	}, slog.New(slog.DiscardHandler))
	r.fresh = 0
	r.now = func() time.Time { return r.clock }
	r.set(Item{Key: "labels", Kind: Label, Text: "t", Count: 5, Path: "/label", Least: people.Labeller},
		Item{Key: "disk", Kind: Alarm, Text: "t", Count: 1, Since: r.clock, Mark: "1", Path: "/health", Least: people.Operator})
	return r
}

func person(name string, role people.Role) people.Person {
	return people.Person{Name: name, Role: role}
}

func (r *rig) card(t *testing.T, key string) Card {
	t.Helper()
	list, err := r.Cards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Broken) != 1 || list.Broken[0] != "down" {
		t.Errorf("parts that can't be asked: %v", list.Broken)
	}
	for _, c := range list.Cards {
		if c.Key == key {
			return c
		}
	}
	t.Fatalf("%s does not wait", key)
	return Card{}
}

func (r *rig) must(t *testing.T, who people.Person, o Order) {
	t.Helper()
	o.Version = r.card(t, o.Key).Version
	if err := r.Do(t.Context(), who, o); err != nil {
		t.Fatalf("%s %s: %v", o.What, o.Key, err)
	}
}

func both(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, setup(t, d)) })
}

func TestTwoWhoTakeTheSameWorkAtOnceOneHasIt(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		var all sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			all.Go(func() {
				errs[i] = r.Do(t.Context(), person(fmt.Sprint("p", i), people.Admin), Order{Key: "disk", What: DidTake})
			})
		}
		all.Wait()
		winner := ""
		for i, err := range errs {
			switch {
			case err == nil && winner == "":
				winner = fmt.Sprint("p", i)
			case !errors.Is(err, ErrChanged):
				t.Errorf("p%d: %v", i, err)
			}
		}
		if c := r.card(t, "disk"); c.Owner != winner || len(c.Steps) != 1 {
			t.Errorf("%s won, and %s has it after %d steps", winner, c.Owner, len(c.Steps))
		}
	})
}

func TestWorkThatIsDoneComesBackWhenItHappensAgainOrGrows(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		ana := person("ana", people.Admin)
		for _, key := range []string{"labels", "disk"} {
			r.must(t, ana, Order{Key: key, What: DidDone})
			if c := r.card(t, key); !c.Hidden || !c.Done {
				t.Errorf("%+v", c)
			}
		}
		at := func(count int, mark string) {
			r.set(Item{Key: "labels", Kind: Label, Count: count, Least: people.Labeller}, Item{Key: "disk", Kind: Alarm, Count: 1, Mark: mark, Least: people.Operator})
		}
		at(4, "1")
		if !r.card(t, "labels").Hidden || !r.card(t, "disk").Hidden {
			t.Error("less of it, or the same, comes back")
		}
		at(6, "2")
		if r.card(t, "labels").Hidden || r.card(t, "disk").Hidden {
			t.Error("more of it, or another time, stays hidden")
		}
		r.must(t, ana, Order{Key: "disk", What: DidSnooze, Until: r.clock.Add(time.Hour)})
		if c := r.card(t, "disk"); !c.Hidden || c.Done || !c.Until.Equal(r.clock.Add(time.Hour)) {
			t.Errorf("put off: %+v", c)
		}
		r.clock = r.clock.Add(2 * time.Hour)
		if r.card(t, "disk").Hidden {
			t.Error("its time is over and it stays hidden")
		}
		r.set()
		if err := r.Do(t.Context(), ana, Order{Key: "disk", What: DidTake}); !errors.Is(err, ErrGone) {
			t.Errorf("what does not wait is taken: %v", err)
		}
	})
}

func TestStepsAreUndoneByWhoTookThemAndOnlyTheNewest(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		ana, ben := person("ana", people.Admin), person("ben", people.Operator)
		r.must(t, ana, Order{Key: "disk", What: DidAssign, To: ben})
		r.must(t, ben, Order{Key: "disk", What: DidNote, Note: " ordered a new one "})
		r.must(t, ben, Order{Key: "disk", What: DidDone})
		if err := r.Do(t.Context(), ana, Order{Key: "disk", What: DidUndo, Version: 3}); !errors.Is(err, ErrNothing) {
			t.Errorf("somebody else's step: %v", err)
		}
		if err := r.Do(t.Context(), ben, Order{Key: "disk", What: DidUndo, Version: 2}); !errors.Is(err, ErrChanged) {
			t.Errorf("by who has not seen it: %v", err)
		}
		r.must(t, ben, Order{Key: "disk", What: DidUndo})
		if c := r.card(t, "disk"); c.Hidden || c.Owner != "ben" {
			t.Errorf("%+v", c)
		}
		r.must(t, ben, Order{Key: "disk", What: DidUndo}) // the note
		undone := 0
		for _, s := range r.card(t, "disk").Steps {
			if s.Undone {
				undone++
			}
		}
		if undone != 2 {
			t.Errorf("%d steps are undone", undone)
		}
		r.must(t, ana, Order{Key: "disk", What: DidUndo})
		if c := r.card(t, "disk"); c.Owner != "" || c.Version != 6 {
			t.Errorf("%+v", c)
		}
		lines, err := people.NewAudit(r.db).List(t.Context(), 0, "disk", 20)
		if err != nil || len(lines) != 6 || lines[5].Action != "work.assign" || lines[5].Detail != "ben" || lines[4].Detail != "ordered a new one" {
			t.Errorf("log of changes: %+v, %v", lines, err)
		}
	})
}

func TestNobodyDoesOrIsGivenWhatHisRoleMayNot(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		lola, ana := person("lola", people.Labeller), person("ana", people.Admin)
		if err := r.Do(t.Context(), lola, Order{Key: "disk", What: DidDone}); !errors.Is(err, ErrRole) {
			t.Errorf("a labeller does an operator's work: %v", err)
		}
		if err := r.Do(t.Context(), ana, Order{Key: "disk", What: DidAssign, To: lola}); !errors.Is(err, ErrRole) {
			t.Errorf("a labeller is given an operator's work: %v", err)
		}
		for _, note := range []string{"", "  ", strings.Repeat("x", MaxNote+1), "a\x00b"} {
			if err := r.Do(t.Context(), ana, Order{Key: "disk", What: DidNote, Note: note}); !errors.Is(err, ErrNote) {
				t.Errorf("note %.10q: %v", note, err)
			}
		}
		if err := r.Do(t.Context(), ana, Order{Key: "disk", What: "burn"}); !errors.Is(err, ErrWhat) {
			t.Errorf("what is no step: %v", err)
		}
		if c := r.card(t, "disk"); c.Version != 0 || len(c.Steps) != 0 {
			t.Errorf("%+v", c)
		}
		r.must(t, lola, Order{Key: "labels", What: DidTake})
	})
}

func TestPagesThatLookAtOnceAskThePartsOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	d := New(dbtest.SQLite(t), map[string]Source{"rig": SourceFunc(func(context.Context) ([]Item, error) {
		asked++
		return []Item{{Key: "a", Count: 1}}, nil
	})}, slog.New(slog.DiscardHandler))
	clock := time.Now()
	d.now = func() time.Time { return clock }
	for range 20 {
		if list, err := d.Cards(t.Context()); err != nil || len(list.Cards) != 1 {
			t.Fatal(list, err)
		}
	}
	clock = clock.Add(fresh)
	if _, err := d.Cards(t.Context()); err != nil || asked != 2 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

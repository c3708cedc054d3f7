package people_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/people"
)

// TestAdminsWhoDisableEachOtherAtOnceLeaveOne: each sees the other as the admin
// who stays.
func TestAdminsWhoDisableEachOtherAtOnceLeaveOne(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, ana := open(t, d)
		admins := []people.Person{ana}
		for _, name := range []string{"luz", "eva"} { // few: hashing their passwords is what takes time
			secret, err := p.Add(t.Context(), "ana", name, people.Admin)
			if err != nil {
				t.Fatal(err)
			}
			one, err := p.Accept(t.Context(), secret, "", password)
			if err != nil {
				t.Fatal(err)
			}
			admins = append(admins, one)
		}
		var all sync.WaitGroup
		var refused atomic.Int64
		for i, one := range admins {
			all.Go(func() {
				other := admins[(i+1)%len(admins)]
				switch err := p.Change(t.Context(), one.Name, other.ID, people.Viewer, i%2 == 0); {
				case errors.Is(err, people.ErrLastAdmin):
					refused.Add(1)
				case err != nil:
					t.Error(err)
				}
			})
		}
		all.Wait()
		list, err := p.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, one := range list {
			if one.Role == people.Admin && !one.Disabled {
				left++
			}
		}
		if left != 1 || refused.Load() != 1 {
			t.Errorf("%d admins are left, %d changes were refused", left, refused.Load())
		}
	})
}

// TestTokensMadeAtOnceStayWithinTheLimit of 20 for a person.
func TestTokensMadeAtOnceStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, ana := open(t, d)
		var all sync.WaitGroup
		var made atomic.Int64
		for i := range 30 {
			all.Go(func() {
				switch _, err := p.NewToken(t.Context(), ana, fmt.Sprint(i)); {
				case err == nil:
					made.Add(1)
				case !errors.Is(err, people.ErrTokens):
					t.Error(err)
				}
			})
		}
		all.Wait()
		tokens, err := p.Tokens(t.Context(), ana.ID)
		if err != nil || len(tokens) != 20 || made.Load() != 20 {
			t.Errorf("%d tokens, %d were given out, %v", len(tokens), made.Load(), err)
		}
	})
}

// TestPasswordChangedTwiceAtOnceIsOneOfThem: the old one lets in no more, and who
// was told that the change worked can log in.
func TestPasswordChangedTwiceAtOnceIsOneOfThem(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		p, ana := open(t, d)
		var all sync.WaitGroup
		var mu sync.Mutex // guards won
		var won []string
		for i := range 2 {
			all.Go(func() {
				next := fmt.Sprintf("another field %d", i)
				if _, err := p.SetPassword(t.Context(), ana.ID, password, next); err != nil {
					return // another one was first
				}
				mu.Lock()
				defer mu.Unlock()
				won = append(won, next)
			})
		}
		all.Wait()
		if _, err := p.LogIn(t.Context(), "ana", password); !errors.Is(err, people.ErrWrong) {
			t.Errorf("the old password: %v", err)
		}
		if len(won) != 1 {
			t.Fatalf("%d changes with the same old password worked", len(won))
		}
		if _, err := p.LogIn(t.Context(), "ana", won[0]); err != nil {
			t.Errorf("who was told that it worked: %v", err)
		}
	})
}

package page

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSessionEndsWhenNobodyUsesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		token := s.begin()
		for range 3 {
			pass(sessionIdle - time.Second)
			if !s.visit(token) {
				t.Fatal("a session in use has ended")
			}
		}
		pass(sessionIdle)
		if s.visit(token) {
			t.Error("an idle session is open")
		}
		if s.visit(token) || len(s.open) != 0 {
			t.Error("a look at an ended session opened it again")
		}
	})
}

// TestSessionInUseEndsToo keeps a stolen cookie from being kept alive for ever.
func TestSessionInUseEndsToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		token := s.begin()
		for began := time.Now(); time.Since(began) < sessionLongest; pass(time.Minute) {
			if !s.visit(token) {
				t.Fatalf("ended after %s", time.Since(began))
			}
		}
		if s.visit(token) {
			t.Errorf("open after %s", sessionLongest)
		}
	})
}

func TestSixtyFifthSessionTakesThePlaceOfTheLongestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		var tokens []string
		for range maxSessions {
			tokens = append(tokens, s.begin())
			pass(time.Second)
		}
		if !s.visit(tokens[0]) { // now the second one is the longest idle
			t.Fatal("the first has ended before the 65th")
		}
		pass(time.Second)
		newest := s.begin()
		if len(s.open) != maxSessions {
			t.Errorf("%d sessions", len(s.open))
		}
		if s.visit(tokens[1]) {
			t.Error("the longest idle session is open")
		}
		for i, token := range append([]string{tokens[0], newest}, tokens[2:]...) {
			if !s.visit(token) {
				t.Errorf("session %d has ended", i)
			}
		}
	})
}

func TestSessionsThatAreOverMakeRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		for range 10 {
			s.begin()
		}
		pass(sessionIdle)
		s.begin()
		if len(s.open) != 1 {
			t.Errorf("%d sessions are remembered", len(s.open))
		}
	})
}

func TestTokenOpensItsOwnSessionOnly(t *testing.T) {
	t.Parallel()
	s := newSessions()
	one, two := s.begin(), s.begin()
	if one == two || len(one) != 43 {
		t.Errorf("tokens %q and %q", one, two)
	}
	s.end(one)
	if s.visit(one) || !s.visit(two) {
		t.Error("the wrong session was ended")
	}
	for _, token := range []string{"", one[:42], two + "A", "\x00"} {
		if s.visit(token) {
			t.Errorf("%q is a session", token)
		}
	}
}

// TestResetPINEndsEverySession: whoever resets it wants the others out.
func TestResetPINEndsEverySession(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRigIn(t, dir)
	cookie := r.signIn()
	if err := ResetPIN(dir); err != nil {
		t.Fatal(err)
	}
	if w := r.do(request{method: "DELETE", target: "/api/v1/records/1/correction", cookie: cookie}); w.Code != 401 {
		t.Errorf("the old session after a reset: %d", w.Code)
	}
	r.signIn()
	if w := r.do(request{method: "DELETE", target: "/api/v1/records/1/correction", cookie: cookie}); w.Code != 401 {
		t.Errorf("the old session under the new PIN: %d", w.Code)
	}
}

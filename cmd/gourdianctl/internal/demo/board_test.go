package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gourdian/internal/e2e"
)

// spoken collects what the demo says.
type spoken struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (s *spoken) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.text, format+"\n", args...)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// freshPort is a port that nobody uses now.
func freshPort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// onceWith runs the demo once on a board of that mode.
func onceWith(t *testing.T, mode string) (said string, err error) {
	t.Helper()
	o := never(t)
	makes(&o)
	words := &spoken{}
	o.Say, o.Agent, o.Once, o.Port = words.say, agentThat(t, mode), true, freshPort(t)
	err = Run(t.Context(), o)
	return words.String(), err
}

func TestBoardThatFailsEndsTheDemoWithWords(t *testing.T) {
	t.Parallel()
	cases := []struct {
		mode   string
		result bool // a verdict of the demo, no breakdown
		want   []string
	}{
		{"dies", false, []string{"the board ended by itself (exit status 3)", "the disk has caught fire"}},
		{"collapses", false, []string{"the board ended by itself (exit status 4)", "out of memory"}},
		{"shut", false, []string{"can't open what it is to look at", "The camera can't be opened."}},
		{"blind", true, []string{"0 sightings where"}},
		{"bad", true, []string{"recall of bad is 0.00"}},
	}
	for _, c := range cases {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			_, err := onceWith(t, c.mode)
			if err == nil || errors.Is(err, ErrResult) != c.result {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestGoodBoardPassesAndIsExplained(t *testing.T) {
	t.Parallel()
	said, err := onceWith(t, "perfect")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Its page: http://localhost:", "arrived", "Passed", "the board says: The lens is dirty."} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q:\n%s", want, said)
		}
	}
}

func TestTakenPortLeadsToTheNext(t *testing.T) {
	t.Parallel()
	words := &spoken{}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	o := Options{Say: words.say}
	got, err := o.freePort(t.Context(), ":", taken)
	if err != nil {
		t.Fatal(err)
	}
	if got <= taken || !strings.Contains(words.String(), fmt.Sprintf("Port %d is taken", taken)) {
		t.Errorf("port %d after %d, said %q", got, taken, words)
	}
}

func TestSecondDemoInOneFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unlock, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	o := never(t)
	o.Dir = dir
	want := fmt.Sprintf("another demo (process %d) runs in", os.Getpid())
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %q", err, want)
	}
	unlock()
	again, err := lock(dir)
	if err != nil {
		t.Fatalf("the lock outlives its demo: %v", err)
	}
	again()
}

func TestCtrlCWhileFollowingStopsTheBoard(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	o := never(t)
	makes(&o)
	words := &spoken{}
	o.Agent, o.Port = agentThat(t, "perfect"), freshPort(t)
	o.Say = func(format string, args ...any) {
		words.say(format, args...)
		if strings.HasPrefix(format, "Look at the page") {
			interrupt()
		}
	}
	if err := Run(ctx, o); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(words.String(), "Everything stops.") {
		t.Errorf("said %q", words)
	}
	if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", fmt.Sprintf("localhost:%d", o.Port)); err == nil {
		conn.Close()
		t.Error("the board is still there")
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "board.log")); err != nil {
		t.Error(err)
	}
}

func TestSettingsOfAnotherBoardAreLeftOut(t *testing.T) {
	t.Parallel()
	got := e2e.Without([]string{"PATH=/bin", "GOURDIAN_AGENT_CAMERAS_1_ID=barn", "GOURDIAN_DATA=/photos"}, agentEnv)
	if strings.Join(got, " ") != "PATH=/bin GOURDIAN_DATA=/photos" {
		t.Errorf("got %q", got)
	}
}

package page

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// keeper opens the PIN of dir, as a start of the agent does.
func keeper(t *testing.T, dir string) *pinKeeper {
	t.Helper()
	p, err := openPIN(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// waitOf returns the wait that a refused attempt was told, 0 where it was
// refused for something else.
func waitOf(err error) time.Duration {
	var soon *tooSoonError
	if errors.As(err, &soon) {
		return soon.wait
	}
	return 0
}

func TestWrongPINsWaitLongerAndLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keeper(t, t.TempDir())
		if err := p.choose(t.Context(), "2468"); err != nil {
			t.Fatal(err)
		}
		want := time.Second
		for n := range 12 {
			if err := p.check(t.Context(), "1357"); !errors.Is(err, errWrongPIN) {
				t.Fatalf("attempt %d: %v", n+1, err)
			}
			if err := p.check(t.Context(), "2468"); waitOf(err) != want {
				t.Fatalf("the right PIN after %d wrong ones: %v, want a wait of %s", n+1, err, want)
			}
			pass(want - time.Millisecond)
			if err := p.check(t.Context(), "2468"); waitOf(err) != time.Millisecond {
				t.Fatalf("just before the wait of %s is over: %v", want, err)
			}
			pass(time.Millisecond)
			want = min(2*want, 5*time.Minute)
		}
		if err := p.check(t.Context(), "2468"); err != nil {
			t.Fatalf("after the wait: %v", err)
		}
		if err := p.check(t.Context(), "1357"); !errors.Is(err, errWrongPIN) || p.waiting() != time.Second {
			t.Errorf("the right PIN did not begin anew: %v, wait %s", err, p.waiting())
		}
	})
}

func TestRestartGivesNoNewGuesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		p := keeper(t, dir)
		if err := p.choose(t.Context(), "2468"); err != nil {
			t.Fatal(err)
		}
		for want := time.Second; want <= 8*time.Second; want *= 2 {
			if err := p.check(t.Context(), "1357"); !errors.Is(err, errWrongPIN) {
				t.Fatal(err)
			}
			p = keeper(t, dir)
			if err := p.check(t.Context(), "2468"); waitOf(err) != want {
				t.Fatalf("after a restart: %v, want a wait of %s", err, want)
			}
			pass(want)
		}
		if err := p.check(t.Context(), "2468"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, failuresFile)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the right PIN left the count of wrong ones: %v", err)
		}
	})
}

// TestManyGuessesAtOnceAreOneGuess fails where attempts look at the wait before
// the one before them has set it.
func TestManyGuessesAtOnceAreOneGuess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keeper(t, t.TempDir())
		if err := p.choose(t.Context(), "2468"); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var wrong, early int
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				err := p.check(t.Context(), "1357")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, errWrongPIN):
					wrong++
				case waitOf(err) > 0:
					early++
				default:
					t.Errorf("%v", err)
				}
			})
		}
		all.Wait()
		if wrong != 1 || early != 15 {
			t.Errorf("%d guesses were checked, %d sent away", wrong, early)
		}
	})
}

// TestChecksTakeTurns keeps the memory of one check (19 MiB) from becoming that
// of as many as ask.
func TestChecksTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keeper(t, t.TempDir())
		leave, err := p.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		for _, attempt := range []func() error{
			func() error { return p.check(ctx, "2468") },
			func() error { return p.choose(ctx, "2468") },
			func() error { return p.change(ctx, "2468", "1357") },
		} {
			if err := attempt(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("out of turn: %v", err)
			}
		}
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("waited %s for its turn", waited)
		}
		leave()
		if err := p.choose(t.Context(), "2468"); err != nil {
			t.Errorf("in turn: %v", err)
		}
	})
}

func TestPINFileIsForTheBoardAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := keeper(t, dir)
	if err := p.choose(t.Context(), "24680135"); err != nil {
		t.Fatal(err)
	}
	_ = p.check(t.Context(), "1357")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("%d files, want %s and %s alone", len(files), pinFile, failuresFile)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode(); mode != 0o600 {
			t.Errorf("%s has mode %s", file.Name(), mode)
		}
		data, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "24680135") {
			t.Errorf("%s holds the PIN as it is: %s", file.Name(), data)
		}
	}
}

func TestDamagedPINFileLetsNobodyIn(t *testing.T) {
	t.Parallel()
	right := hashPIN("2468").String()
	for name, text := range map[string]string{
		"empty": "", "zeros": "\x00\x00\x00\x00", "torn": right[:len(right)-8], "other words": "2468\n",
		"another algorithm":         strings.Replace(right, "argon2id", "argon2i", 1),
		"costs that eat the memory": strings.Replace(right, "m=19456", "m=4194304", 1),
		"no cost":                   strings.Replace(right, "t=2", "t=0", 1), "no lanes": strings.Replace(right, "p=1", "p=0", 1),
		"a short key": right[:strings.LastIndex(right, "$")] + "$AAAA", "an empty key": right[:strings.LastIndex(right, "$")] + "$",
		"endless": strings.Repeat("a", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, pinFile), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			log := &syncBuffer{}
			p, err := openPIN(dir, slog.New(slog.NewTextHandler(log, nil)))
			if err != nil {
				t.Fatalf("the page does not start: %v", err)
			}
			if !strings.Contains(log.String(), "reset-pin") {
				t.Errorf("the log does not say what to do: %s", log)
			}
			for _, pin := range []string{"2468", "", "0000"} {
				if err := p.check(t.Context(), pin); !errors.Is(err, errPINDamaged) {
					t.Errorf("%q: %v", pin, err)
				}
			}
			if err := p.choose(t.Context(), "1357"); !errors.Is(err, errPINSet) {
				t.Errorf("a visitor chose a new PIN: %v", err)
			}
			if err := p.change(t.Context(), "2468", "1357"); !errors.Is(err, errPINDamaged) {
				t.Errorf("a visitor changed the PIN: %v", err)
			}
		})
	}
}

func TestPINFileThatCannotBeReadStopsTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, pinFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := openPIN(dir, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a board whose PIN can't be read takes a new one")
	}
}

func TestResetMakesWayBesideARunningAgent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := keeper(t, dir)
	if err := p.choose(t.Context(), "2468"); err != nil {
		t.Fatal(err)
	}
	_ = p.check(t.Context(), "1357")
	if err := ResetPIN(dir); err != nil {
		t.Fatal(err)
	}
	if err := p.check(t.Context(), "2468"); !errors.Is(err, errPINNotSet) {
		t.Errorf("the old PIN: %v", err)
	}
	if p.waiting() != 0 {
		t.Errorf("the wait of the old PIN goes on: %s", p.waiting())
	}
	if err := p.choose(t.Context(), "1357"); err != nil {
		t.Errorf("a new PIN: %v", err)
	}
	if err := ResetPIN(t.TempDir()); err != nil {
		t.Errorf("where no PIN was chosen: %v", err)
	}
}

func TestFormOfPINs(t *testing.T) {
	t.Parallel()
	p := keeper(t, t.TempDir())
	for _, pin := range []string{"", "123", "1234567890123", "12a4", " 1234", "1234\n", "١٢٣٤", "-1234", strings.Repeat("1", 1<<20)} {
		if err := p.choose(t.Context(), pin); !errors.Is(err, errPINForm) {
			t.Errorf("%.20q: %v", pin, err)
		}
	}
	if p.isSet() {
		t.Fatal("one of them was kept")
	}
	for _, pin := range []string{"1234", "123456789012"} {
		if !wellFormed(pin) {
			t.Errorf("%q is refused", pin)
		}
	}
}

func TestChangingThePIN(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keeper(t, t.TempDir())
		if err := p.change(t.Context(), "", "1357"); !errors.Is(err, errPINNotSet) {
			t.Errorf("changed what is not there: %v", err)
		}
		if err := p.choose(t.Context(), "2468"); err != nil {
			t.Fatal(err)
		}
		if err := p.choose(t.Context(), "1357"); !errors.Is(err, errPINSet) {
			t.Errorf("a second visitor chose too: %v", err)
		}
		if err := p.change(t.Context(), "0000", "1357"); !errors.Is(err, errWrongPIN) || p.waiting() == 0 {
			t.Errorf("changed with a wrong PIN, which is a guess too: %v, wait %s", err, p.waiting())
		}
		pass(time.Second)
		if err := p.change(t.Context(), "2468", "12"); !errors.Is(err, errPINForm) {
			t.Errorf("changed to no PIN: %v", err)
		}
		if err := p.change(t.Context(), "2468", "1357"); err != nil {
			t.Fatal(err)
		}
		if err := p.check(t.Context(), "1357"); err != nil {
			t.Errorf("the new PIN: %v", err)
		}
		if err := p.check(t.Context(), "2468"); !errors.Is(err, errWrongPIN) {
			t.Errorf("the old PIN: %v", err)
		}
	})
}

// TestDiskThatTakesNoPIN must not let the board believe that it has one, nor
// forget the waits.
func TestDiskThatTakesNoPIN(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		p := keeper(t, dir)
		p.dir = filepath.Join(dir, "gone")
		if err := p.choose(t.Context(), "2468"); err == nil || p.isSet() {
			t.Errorf("%v, set %v", err, p.isSet())
		}
		p.dir = dir
		if err := p.choose(t.Context(), "2468"); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, failuresFile), 0o700); err != nil { // no count can be written
			t.Fatal(err)
		}
		for want := time.Second; want <= 4*time.Second; want *= 2 {
			if err := p.check(t.Context(), "1357"); !errors.Is(err, errWrongPIN) || p.waiting() != want {
				t.Errorf("%v, wait %s, want %s", err, p.waiting(), want)
			}
			pass(want)
		}
		if err := p.check(t.Context(), "2468"); err != nil {
			t.Errorf("the right PIN: %v", err)
		}
	})
}

func FuzzParseHash(f *testing.F) {
	f.Add(pinHash{memory: argonMemory, passes: argonPasses, lanes: argonLanes, salt: make([]byte, 16), key: make([]byte, 32)}.String() + "\n")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAAA$AAAA")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHash(text)
		if err != nil {
			if len(h.key) > 0 {
				t.Errorf("a refused file gave a key")
			}
			return
		}
		if h.memory > maxMemory || h.passes > maxPasses || h.passes < 1 || h.lanes < 1 || h.lanes > 4 || len(h.salt) < 8 || len(h.key) < 16 {
			t.Errorf("%q would cost m=%d t=%d p=%d", text, h.memory, h.passes, h.lanes)
		}
		if again, err := parseHash(h.String()); err != nil || again.String() != h.String() {
			t.Errorf("%q does not come back: %v", text, err)
		}
	})
}

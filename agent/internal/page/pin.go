package page

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"gourdian/internal/durable"
)

// Names of the files in the data folder.
const (
	pinFile      = "pin"
	failuresFile = "pin-failures"
)

// Length of a PIN in digits.
const (
	minPINDigits = 4
	maxPINDigits = 12
)

// Wait after the first wrong PIN; it doubles with each further one, up to the
// longest: 10,000 PINs then take a month. The waits count for the whole board,
// since an attacker changes addresses at will.
const (
	firstWait   = time.Second
	longestWait = 5 * time.Minute
)

// What is wrong with an attempt, to be asked for with errors.Is.
var (
	errWrongPIN   = errors.New("wrong PIN")
	errPINForm    = fmt.Errorf("a PIN has %d to %d digits", minPINDigits, maxPINDigits)
	errPINSet     = errors.New("a PIN is already chosen")
	errPINNotSet  = errors.New("no PIN is chosen yet")
	errPINDamaged = errors.New("the PIN's file is damaged; `gourdian-agent reset-pin` makes way for a new one")
)

// tooSoonError says that nothing is checked before wait is over.
type tooSoonError struct{ wait time.Duration }

func (e *tooSoonError) Error() string { return fmt.Sprintf("wait %s before the next attempt", e.wait) }

// pinKeeper keeps and checks the board's PIN. It may be used from any goroutine.
type pinKeeper struct {
	dir string
	log *slog.Logger
	// turn lets one attempt in at a time: a check costs memory, and attempts at
	// the same moment must not slip past the wait.
	turn chan struct{}

	mu       sync.Mutex
	hash     pinHash   // guarded by mu; without a key: none or damaged
	set      bool      // guarded by mu; there is a file
	failures int       // wrong attempts since the last right one, guarded by mu
	next     time.Time // nothing is checked before, guarded by mu
}

// openPIN reads what is kept in dir. A damaged file locks changes, not the page.
func openPIN(dir string, log *slog.Logger) (*pinKeeper, error) {
	p := &pinKeeper{dir: dir, log: log, turn: make(chan struct{}, 1)}
	text, err := os.ReadFile(filepath.Join(dir, pinFile))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	p.set = true
	if p.hash, err = parseHash(string(text)); err != nil {
		log.Error("settings are locked", "error", errPINDamaged)
	}
	// A restart must not give new guesses, and the clock may be wrong now: the
	// last wait begins again.
	count, err := os.ReadFile(filepath.Join(dir, failuresFile))
	if err == nil {
		p.failures, _ = strconv.Atoi(strings.TrimSpace(string(count))) // damaged = none
		p.failures = max(p.failures, 0)
		p.next = time.Now().Add(waitAfter(p.failures))
	}
	return p, nil
}

// ResetPIN forgets the PIN kept in a data folder, so that the next visitor of
// the page chooses a new one. It works beside a running agent.
func ResetPIN(dataDir string) error {
	for _, name := range []string{pinFile, failuresFile} {
		if err := os.Remove(filepath.Join(dataDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reset PIN: %w", err)
		}
	}
	return nil
}

// isSet reports whether a PIN is chosen. Once its file is gone, it is forgotten.
func (p *pinKeeper) isSet() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.set {
		return false
	}
	if _, err := os.Stat(filepath.Join(p.dir, pinFile)); errors.Is(err, fs.ErrNotExist) {
		p.set, p.hash, p.failures, p.next = false, pinHash{}, 0, time.Time{}
	}
	return p.set
}

// choose keeps the first PIN. Errors: errPINForm, errPINSet.
func (p *pinKeeper) choose(ctx context.Context, pin string) error {
	if !wellFormed(pin) {
		return errPINForm
	}
	leave, err := p.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if p.isSet() {
		return errPINSet
	}
	return p.keep(pin)
}

// change replaces old by pin. Errors: those of check, errPINForm.
func (p *pinKeeper) change(ctx context.Context, old, pin string) error {
	if !wellFormed(pin) {
		return errPINForm
	}
	leave, err := p.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := p.checkInTurn(old); err != nil {
		return err
	}
	return p.keep(pin)
}

// check returns nil when pin is right. Errors: errWrongPIN, tooSoonError,
// errPINNotSet, errPINDamaged, or ctx.Err().
func (p *pinKeeper) check(ctx context.Context, pin string) error {
	leave, err := p.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return p.checkInTurn(pin)
}

func (p *pinKeeper) enter(ctx context.Context) (leave func(), err error) {
	select {
	case p.turn <- struct{}{}:
		return func() { <-p.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pinKeeper) checkInTurn(pin string) error {
	if !p.isSet() {
		return errPINNotSet
	}
	p.mu.Lock()
	hash, failures, wait := p.hash, p.failures, time.Until(p.next)
	p.mu.Unlock()
	switch {
	case len(hash.key) == 0:
		return errPINDamaged
	case wait > 0:
		return &tooSoonError{wait: wait}
	case wellFormed(pin) && hash.matches(pin):
		p.setFailures(0)
		return nil
	}
	p.setFailures(failures + 1)
	return errWrongPIN
}

// waiting returns how long nothing is checked, 0 when an attempt may be made.
func (p *pinKeeper) waiting() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, time.Until(p.next))
}

// keep writes the PIN's hash and puts it into force.
func (p *pinKeeper) keep(pin string) error {
	hash := hashPIN(pin)
	if err := durable.WriteFile(filepath.Join(p.dir, pinFile), []byte(hash.String()+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep PIN: %w", err)
	}
	p.mu.Lock()
	p.hash, p.set = hash, true
	p.mu.Unlock()
	p.setFailures(0)
	return nil
}

// setFailures counts wrong attempts, across restarts too. A disk that takes no
// write must not keep the farmer out, nor the waits from growing in memory.
func (p *pinKeeper) setFailures(n int) {
	p.mu.Lock()
	before := p.failures
	p.failures, p.next = n, time.Now().Add(waitAfter(n))
	p.mu.Unlock()
	var err error
	switch path := filepath.Join(p.dir, failuresFile); {
	case n > 0:
		err = os.WriteFile(path, []byte(strconv.Itoa(n)+"\n"), 0o600)
	case before > 0:
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.log.Warn("wrong PINs are counted in memory only", "error", err)
	}
}

// waitAfter is the wait after so many wrong attempts in a row.
func waitAfter(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	const doublings = 9 // 1 s << 9 is above 5 min
	return min(firstWait<<min(failures-1, doublings), longestWait)
}

func wellFormed(pin string) bool {
	if len(pin) < minPINDigits || len(pin) > maxPINDigits {
		return false
	}
	return strings.Trim(pin, "0123456789") == ""
}

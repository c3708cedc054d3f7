// Package health gathers what is not as it should be on the hub. Parts look and
// say; pages, /healthz and alerts show. The code of a condition has words in
// the catalogue of internal/web: "hub.health.<code>" says what is wrong,
// "hub.health.<code>.do" what to do.
package health

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gourdian/internal/service"
)

// Severity orders conditions.
type Severity int

// Severities.
const (
	Note    Severity = iota // worth knowing
	Warning                 // something works less well
	Serious                 // the hub does not do its work
)

// String is the name of a severity for programs and style sheets.
func (s Severity) String() string { return [...]string{"note", "warning", "serious"}[s] }

// Condition is one thing that is not as it should be.
type Condition struct {
	Code     string
	Severity Severity
	Subject  string // which board, disk or queue; "" = the hub
	Args     map[string]string
	Since    time.Time // set by Watch where the part doesn't know
}

// Check looks at one part and says what is wrong there; nil = nothing. It is
// asked every LookEvery and answers within a second or two.
type Check func(ctx context.Context) []Condition

const (
	// LookEvery is the pause between two looks.
	LookEvery   = 10 * time.Second
	lookTimeout = 5 * time.Second
)

// Watch asks all checks and remembers the answers. Any number of goroutines may
// read it.
type Watch struct {
	checks map[string]Check

	mu      sync.Mutex // guards current
	current []Condition
}

// New returns a watch over checks by the name of their part.
func New(checks map[string]Check) *Watch { return &Watch{checks: checks} }

// Run looks until ctx is done.
func (w *Watch) Run(ctx context.Context) error {
	ticker := time.NewTicker(LookEvery)
	defer ticker.Stop()
	for {
		w.Look(ctx)
		service.Beat(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Look asks every check once. One that does not answer in time is a condition.
func (w *Watch) Look(ctx context.Context) {
	var found []Condition
	for name, check := range w.checks {
		found = append(found, look(ctx, name, check)...)
	}
	if ctx.Err() != nil {
		return // the hub stops; nothing is wrong
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range found {
		if !found[i].Since.IsZero() {
			continue
		}
		found[i].Since = time.Now()
		for _, before := range w.current {
			if before.Code == found[i].Code && before.Subject == found[i].Subject {
				found[i].Since = before.Since
			}
		}
	}
	slices.SortFunc(found, func(a, b Condition) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject))
	})
	w.current = found
}

func look(ctx context.Context, name string, check Check) (found []Condition) {
	limited, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			found = []Condition{{Code: "check_failed", Severity: Warning, Subject: name, Args: map[string]string{"part": name, "error": fmt.Sprint(v)}}}
		}
	}()
	found = check(limited)
	if limited.Err() != nil && ctx.Err() == nil && len(found) == 0 {
		found = []Condition{{Code: "check_slow", Severity: Warning, Subject: name, Args: map[string]string{"part": name}}}
	}
	return found
}

// Conditions returns what is wrong now, the most severe first.
func (w *Watch) Conditions() []Condition {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.current)
}

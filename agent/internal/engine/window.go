package engine

import (
	"slices"
	"time"
)

// window keeps the newest durations for a median that one slow frame does not
// move.
type window struct {
	last [33]time.Duration
	n    int // added so far
}

// add counts d and reports whether it is time to show a new median: now and
// then, for every change wakes the page.
func (w *window) add(d time.Duration) bool {
	w.last[w.n%len(w.last)] = d
	w.n++
	return w.n == 1 || w.n%len(w.last) == 0
}

// median is 0 before the first add.
func (w *window) median() time.Duration {
	n := min(w.n, len(w.last))
	if n == 0 {
		return 0
	}
	sorted := slices.Clone(w.last[:n])
	slices.Sort(sorted)
	return sorted[n/2]
}

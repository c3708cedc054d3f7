package api

import (
	"time"

	"github.com/gin-gonic/gin"
)

// PredictRules say who has verdicts on photos, and how many.
type PredictRules struct {
	Access    Access
	PerMinute int // for one address of somebody who has not logged in
}

// Door lets people and programs to the verdicts on photos, by rules that an
// admin may change at any time. Page and interface share one.
type Door struct {
	rules     func() PredictRules
	strangers *addressRate
}

// NewDoor returns the door with rules that are asked each time.
func NewDoor(rules func() PredictRules) *Door {
	d := &Door{rules: rules, strangers: newRate(1)}
	d.strangers.perMinute = func() int { return rules().PerMinute }
	return d
}

// Entry is what a door says.
type Entry int

// Entries.
const (
	EntryFree  Entry = iota // come in
	EntryLogin              // log in first
	EntryOff                // nobody has verdicts
	EntryLater              // asked too often
)

// See says whether somebody may see the page; asking is not counted.
func (d *Door) See(c *gin.Context) Entry {
	_, known := Who(c)
	switch access := d.rules().Access; {
	case access == AccessOpen:
		return EntryFree
	case !known:
		return EntryLogin
	case access == AccessLogin:
		return EntryFree
	}
	return EntryOff
}

// Ask is See for one who wants a verdict: strangers are bounded by address, and
// told how long to wait. Whoever has logged in is known and not counted.
func (d *Door) Ask(c *gin.Context) (entry Entry, wait time.Duration) {
	if d.rules().Access == AccessOff {
		return EntryOff, 0
	}
	if entry := d.See(c); entry != EntryFree {
		return entry, 0
	}
	if _, known := Who(c); known {
		return EntryFree, 0
	}
	if wait, ok := d.strangers.allow(c.RemoteIP(), time.Now()); !ok {
		return EntryLater, wait
	}
	return EntryFree, 0
}

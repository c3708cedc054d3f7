package update

import (
	"fmt"
	"log/slog"
	"time"
)

// keepClock is how far the floor may run ahead of what is on disk.
const keepClock = time.Hour

// clock is the time by which signed lists expire. A board's own clock may be in
// 1970, so there is a floor: the latest time of which the board has had proof,
// and the time that has gone by since while it ran. The reference is the later
// of the two. So a board without a clock takes models all the same, refuses
// lists that had expired before the newest that it has seen, and can't be held
// on one list for ever: the floor goes on while it runs, and is kept.
//
// The proof is a list whose signatures hold: it was signed at the second of its
// version number at the earliest, see Repo in the hub's package trust. A clock
// that runs ahead never lifts the floor: it would refuse everything once it is
// right again.
type clock struct {
	path string
	now  func() time.Time
	log  *slog.Logger

	floor time.Time // as it was at mono
	mono  time.Time // of now; differences of it are of the monotonic clock
	kept  time.Time // the floor that is on disk
}

type clockFile struct {
	Floor time.Time `json:"floor"`
}

// openClock recalls the floor. built is the program's own time, before which it
// can't be.
func openClock(path string, built time.Time, now func() time.Time, log *slog.Logger) *clock {
	var kept clockFile
	if err := readJSON(path, &kept); err != nil {
		log.Warn("the time of the newest list can't be read", "error", err)
	}
	c := &clock{path: path, now: now, log: log, floor: kept.Floor, mono: now(), kept: kept.Floor}
	if built.After(c.floor) {
		c.floor = built
	}
	return c
}

// lowest is the floor now.
func (c *clock) lowest() time.Time {
	if gone := c.now().Sub(c.mono); gone > 0 {
		return c.floor.Add(gone)
	}
	return c.floor
}

// reference is the time by which lists are judged.
func (c *clock) reference() time.Time {
	now, lowest := c.now().Round(0), c.lowest()
	if now.After(lowest) {
		return now.UTC()
	}
	return lowest.UTC()
}

// proved lifts the floor to a time that a list with right signatures proves.
func (c *clock) proved(at time.Time) {
	if at.After(c.lowest()) {
		c.floor, c.mono = at, c.now()
	}
	c.keep()
}

// keep brings the floor to disk now and then. A board that can't is one that
// knows less after its next start.
func (c *clock) keep() {
	floor := c.lowest()
	if floor.Sub(c.kept) < keepClock {
		return
	}
	if err := writeJSON(c.path, clockFile{floor.UTC().Round(0)}); err != nil {
		c.log.Warn("update", "error", fmt.Errorf("keep the time of the newest list: %w", err))
		return
	}
	c.kept = floor
}

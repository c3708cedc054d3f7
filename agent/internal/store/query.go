package store

import (
	"time"

	"gourdian/internal/wire"
)

// Query selects records, newest first.
type Query struct {
	Before   uint64         // only records with Seq < Before; 0 = from the newest
	Limit    int            // 1..500; 0 = 50
	Camera   string         // "" = all
	Verdicts []wire.Verdict // empty = all
	From, To time.Time      // field clock, half open; zero = unbounded
}

// Entry is a stored record with what the farmer said of it.
type Entry struct {
	wire.Record
	Correction *Correction `json:"correction,omitempty"`
}

// Correction is the farmer's "this is wrong".
type Correction struct {
	Verdict wire.Verdict `json:"verdict"` // the right one, or "cant_tell"
	At      time.Time    `json:"at"`      // wall clock
}

// Day is one day of the field clock in the board's time zone.
type Day struct {
	Date   string                   `json:"date"` // 2006-01-02
	Total  int                      `json:"total"`
	Counts map[wire.Verdict]int     `json:"counts"`
	Hours  [24]map[wire.Verdict]int `json:"hours"`
}

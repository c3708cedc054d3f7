package sampling

import "time"

// Limits bound what may leave the board in a day.
type Limits struct {
	Pictures int
	Bytes    int64
}

// Spent is what left the board on a day. It outlives restarts.
type Spent struct {
	Day      string `json:"day"` // 2006-01-02 in the board's time zone
	Pictures int    `json:"pictures"`
	Bytes    int64  `json:"bytes"`
}

// On returns what was spent on the day of now.
func (s Spent) On(now time.Time) Spent {
	if day := now.Format(time.DateOnly); s.Day != day {
		return Spent{Day: day}
	}
	return s
}

// Allows reports whether one more picture of so many bytes is within the limits.
func (s Spent) Allows(l Limits, bytes int64) bool {
	return s.Pictures < l.Pictures && s.Bytes+bytes <= l.Bytes
}

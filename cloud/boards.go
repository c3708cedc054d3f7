package cloud

import (
	"context"
	"strconv"

	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/health"
)

// boardsNamed is how many boards of one trouble are named; a farm without power
// must not hide everything else.
const boardsNamed = 5

// checkFleet says which boards need somebody.
func checkFleet(f *fleet.Fleet) health.Check {
	return func(ctx context.Context) []health.Condition {
		needs, err := f.Attention(ctx)
		if err != nil {
			return nil // the check of the database says it
		}
		var found []health.Condition
		for _, b := range needs.Silent[:min(len(needs.Silent), boardsNamed)] {
			found = append(found, health.Condition{Code: "board_silent", Severity: health.Warning, Subject: b.Device, Args: map[string]string{"name": b.Name}, Since: b.SeenAt()})
		}
		for _, b := range needs.Failing[:min(len(needs.Failing), boardsNamed)] {
			found = append(found, health.Condition{Code: "board_failing", Severity: health.Warning, Subject: b.Device, Args: map[string]string{"name": b.Name}})
		}
		if more := len(needs.Silent) - boardsNamed; more > 0 {
			found = append(found, health.Condition{Code: "boards_silent", Severity: health.Warning, Args: map[string]string{"n": strconv.Itoa(more)}})
		}
		if more := len(needs.Failing) - boardsNamed; more > 0 {
			found = append(found, health.Condition{Code: "boards_failing", Severity: health.Warning, Args: map[string]string{"n": strconv.Itoa(more)}})
		}
		fits, err := f.Misfits(ctx)
		if err != nil {
			return found
		}
		return append(found, misfits(fits)...)
	}
}

// misfits say that programs of boards and hub are of different times.
func misfits(m fleet.Misfits) []health.Condition {
	var found []health.Condition
	if m.TooOld > 0 {
		found = append(found, health.Condition{Code: "boards_too_old", Severity: health.Warning, Args: map[string]string{"n": strconv.Itoa(m.TooOld)}})
	}
	if n := m.Outdated - m.TooOld; n > 0 {
		found = append(found, health.Condition{Code: "boards_outdated", Severity: health.Note, Args: map[string]string{"n": strconv.Itoa(n)}})
	}
	if m.Newer > 0 {
		found = append(found, health.Condition{Code: "hub_outdated", Severity: health.Warning, Args: map[string]string{"n": strconv.Itoa(m.Newer)}})
	}
	return found
}

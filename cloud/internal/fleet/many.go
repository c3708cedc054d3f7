package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
)

// ErrChanged: somebody changed a board since the person looked.
var ErrChanged = errors.New("somebody else changed this board meanwhile")

// Chosen are boards that a person chose of a list: some, or all that a filter
// left when he looked.
type Chosen struct {
	Devices []string
	All     bool
	Filter  Filter
	Seen    time.Time
}

// Done says what became of boards that were chosen.
type Done struct {
	Done int
	Left int // somebody changed them meanwhile, or their state did not allow it
}

// MoveMany puts boards at a site and into a group. Empty names leave what a
// board has; noGroup takes it out of its group.
func (f *Fleet) MoveMany(ctx context.Context, who string, chosen Chosen, site, group string, noGroup bool) (Done, error) {
	for _, typed := range []string{site, group} {
		if typed == "" {
			continue
		}
		if _, err := cleanName(typed); err != nil {
			return Done{}, fmt.Errorf("move boards: %w", err)
		}
	}
	return f.many(ctx, chosen, func(b Board) error {
		if b.State == Removed {
			return ErrState
		}
		to, team := site, group
		if to == "" {
			to = b.Site
		}
		if team == "" && !noGroup {
			team = b.Group
		}
		_, err := f.move(ctx, who, b.Device, to, team, chosen.Seen)
		return err
	})
}

// RevokeMany forbids boards to connect, at once.
func (f *Fleet) RevokeMany(ctx context.Context, who string, chosen Chosen, reason string) (Done, error) {
	return f.many(ctx, chosen, func(b Board) error {
		if b.State != Active {
			return ErrState
		}
		_, err := f.Revoke(ctx, who, b.Device, reason)
		return err
	})
}

// RemoveMany takes boards off the lists.
func (f *Fleet) RemoveMany(ctx context.Context, who string, chosen Chosen) (Done, error) {
	return f.many(ctx, chosen, func(b Board) error {
		_, err := f.Remove(ctx, who, b.Device)
		return err
	})
}

// CountChosen is how many boards a person chose.
func (f *Fleet) CountChosen(ctx context.Context, chosen Chosen) (int, error) {
	if !chosen.All {
		return len(chosen.Devices), nil
	}
	return f.Count(ctx, chosen.Filter)
}

// many does one thing to each board. The list of all is read before the first
// is changed, for a change may take a board out of it.
func (f *Fleet) many(ctx context.Context, chosen Chosen, do func(Board) error) (Done, error) {
	var done Done
	devices := chosen.Devices
	if chosen.All {
		var err error
		if devices, err = f.all(ctx, chosen); err != nil {
			return done, err
		}
	}
	for _, device := range devices {
		b, err := f.Board(ctx, device)
		if err == nil {
			err = do(b)
		}
		switch {
		case err == nil:
			done.Done++
		case errors.Is(err, ErrState), errors.Is(err, ErrChanged), errors.Is(err, ErrNotFound):
			done.Left++
		default:
			return done, err
		}
	}
	return done, nil
}

func (f *Fleet) all(ctx context.Context, chosen Chosen) (devices []string, err error) {
	filter := chosen.Filter
	filter.Sort, filter.After, filter.Limit = ByName, "", 200
	for {
		boards, next, err := f.List(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, b := range boards {
			if !b.JoinedAt().After(chosen.Seen) {
				devices = append(devices, b.Device)
			}
		}
		if next == "" {
			return devices, nil
		}
		filter.After = next
	}
}

// unchanged returns ErrChanged where a person changed a board after a moment;
// the zero moment is before nothing.
func unchanged(ctx context.Context, tx bun.Tx, device string, since time.Time) error {
	if since.IsZero() {
		return nil
	}
	changed, err := tx.NewSelect().Model((*Event)(nil)).Where("device = ? AND at > ?", device, db.Micros(since)).
		Where("what IN (?)", bun.In([]string{"move", "rename", "replaces", "revoke", "remove"})).Exists(ctx)
	if err == nil && changed {
		err = ErrChanged
	}
	return err
}

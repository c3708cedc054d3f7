package rollout

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/people"
	"gourdian/internal/wire"
)

// change edits an open rollout, notes it and tells boards.
func (r *Rollouts) change(ctx context.Context, who, id, what, reason string, edit func(ctx context.Context, tx bun.Tx, one *Rollout, boards []Board) ([]fleet.Board, error)) (Rollout, error) {
	var one Rollout
	var tell []fleet.Board
	err := r.config.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if one, err = find(ctx, tx, id); err != nil {
			return err
		}
		boards, err := r.boards(ctx, tx, id)
		if err != nil {
			return err
		}
		if tell, err = edit(ctx, tx, &one, boards); err != nil {
			return err
		}
		if err := r.save(ctx, tx, &one); err != nil {
			return err
		}
		if err := r.note(ctx, tx, id, who, what, reason); err != nil {
			return err
		}
		return people.WriteIn(ctx, tx, who, "rollout."+what, fmt.Sprintf("rollout %d", one.Number), reason)
	})
	if err != nil {
		return one, fmt.Errorf("%s rollout: %w", what, err)
	}
	r.tell(tell)
	r.Kick()
	return one, nil
}

// Pause tells no further boards, and those that are taking the model to hold.
// Those that try it go on.
func (r *Rollouts) Pause(ctx context.Context, who, id string) (Rollout, error) {
	return r.change(ctx, who, id, "pause", "", func(ctx context.Context, tx bun.Tx, one *Rollout, boards []Board) ([]fleet.Board, error) {
		if one.State != Running {
			return nil, ErrState
		}
		one.State = Paused
		return r.hold(ctx, tx, *one, boards, true)
	})
}

// hold says to the boards that are taking the model whether they may.
func (r *Rollouts) hold(ctx context.Context, tx bun.Tx, one Rollout, boards []Board, pause bool) (tell []fleet.Board, err error) {
	for _, b := range boards {
		if b.State != Told && b.State != Working {
			continue
		}
		told, err := r.config.Fleet.Want(ctx, tx, b.Device, fleet.Wanted{
			Model: &wire.DesiredModel{Bundle: one.Bundle, Rollout: one.ID, Reason: one.Reason}, Pause: pause,
		})
		if err != nil {
			return nil, err
		}
		tell = append(tell, told)
	}
	return tell, nil
}

// Resume goes on with a rollout that was paused or stopped by itself. Failures
// so far are let pass; boards that failed are not told again.
func (r *Rollouts) Resume(ctx context.Context, who, id string) (Rollout, error) {
	return r.change(ctx, who, id, "resume", "", func(ctx context.Context, tx bun.Tx, one *Rollout, boards []Board) ([]fleet.Board, error) {
		if one.State != Paused && one.State != Stopped {
			return nil, ErrState
		}
		one.Forgiven = 0
		for _, b := range boards {
			if b.State == Failed {
				one.Forgiven++
			}
		}
		one.State, one.Why = Running, ""
		return r.hold(ctx, tx, *one, boards, false)
	})
}

// Abort ends a rollout for good. Boards that run the model keep it, or with
// revert go back to what they ran before; those that have not finished leave it.
func (r *Rollouts) Abort(ctx context.Context, who, id, reason string, revert bool) (Rollout, error) {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > wire.MaxText {
		return Rollout{}, fmt.Errorf("abort rollout: %w", ErrReason)
	}
	return r.change(ctx, who, id, "abort", reason, func(ctx context.Context, tx bun.Tx, one *Rollout, boards []Board) ([]fleet.Board, error) {
		if !one.State.Open() && !(one.State == Done && revert) {
			return nil, ErrState
		}
		one.State, one.EndedAt = Aborted, db.Micros(r.config.Now())
		var tell []fleet.Board
		for i := range boards {
			b := &boards[i]
			told, to, err := r.dismiss(ctx, tx, *one, *b, reason, revert)
			if err != nil {
				return nil, err
			}
			if told != nil {
				tell = append(tell, *told)
			}
			if to == b.State {
				continue
			}
			if err := r.turn(ctx, tx, b, to); err != nil {
				return nil, err
			}
		}
		return tell, nil
	})
}

// dismiss tells one board of an aborted rollout what to do.
func (r *Rollouts) dismiss(ctx context.Context, tx bun.Tx, one Rollout, b Board, reason string, revert bool) (told *fleet.Board, to Standing, err error) {
	wanted, to := fleet.Wanted{}, b.State
	switch {
	case b.State == Queued:
		return nil, Skipped, nil
	case b.Wanted != "" && b.Wanted != one.ID:
		return nil, b.State, nil // a newer rollout has it
	case b.State == Failed && b.Wanted != "": // what it refused is wanted no more
	case revert && (b.State == Runs || b.State == Working):
		to = Returning
		back := &wire.DesiredModel{Rollout: one.ID + "-back", Reason: wire.Text(reason, wire.MaxText)}
		if b.Before != "" && b.Before != one.Bundle && r.config.Sign.Signed(b.Before) {
			back.Bundle = b.Before
		} else {
			back.Release = true // what it ran before is its own
		}
		wanted.Model = back
	case b.State == Told || b.State == Working:
		to = Skipped
	default:
		return nil, b.State, nil
	}
	board, err := r.config.Fleet.Want(ctx, tx, b.Device, wanted)
	return &board, to, err
}

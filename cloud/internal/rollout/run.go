package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/fleet"
	"gourdian/internal/wire"
)

// lookEvery is the pause between two looks when nothing is reported.
const lookEvery = 5 * time.Second

// Run carries rollouts out until ctx is done.
func (r *Rollouts) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if err := r.Look(ctx); err != nil && ctx.Err() == nil {
			r.config.Log.Error("rollouts can't be carried on", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-r.wake:
		}
	}
}

// Look decides once what follows in every rollout.
func (r *Rollouts) Look(ctx context.Context) error {
	var list []Rollout
	err := r.config.DB.Read().NewSelect().Model(&list).
		Where("state IN (?)", bun.In([]State{Running, Paused, Stopped, Done})).Order("number DESC").Scan(ctx)
	if err != nil {
		return fmt.Errorf("list rollouts: %w", err)
	}
	errs := []error{r.welcome(ctx, list)}
	for _, one := range list {
		if one.State == Running {
			errs = append(errs, r.step(ctx, one.ID))
		}
	}
	return errors.Join(errs...)
}

// step carries one rollout on.
func (r *Rollouts) step(ctx context.Context, id string) error {
	var tell []fleet.Board
	err := r.config.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		tell = nil // it may run again
		one, err := find(ctx, tx, id)
		if err != nil || one.State != Running {
			return err
		}
		boards, err := r.boards(ctx, tx, id)
		if err != nil {
			return err
		}
		for i := range boards {
			if b := &boards[i]; b.Gone && slices.Contains([]Standing{Queued, Told, Working}, b.State) {
				if err := r.turn(ctx, tx, b, Skipped); err != nil {
					return err
				}
			}
		}
		if bad, stop := tooMany(one, boards); stop {
			tell, err = r.stop(ctx, tx, &one, boards, bad)
			return err
		}
		tell, err = r.advance(ctx, tx, &one, boards)
		return err
	})
	if err != nil {
		return fmt.Errorf("carry on a rollout: %w", err)
	}
	r.tell(tell)
	return nil
}

func (r *Rollouts) tell(boards []fleet.Board) {
	for _, b := range boards {
		r.config.Fleet.Tell(b)
	}
}

// tooMany finds the failure that stops a rollout: one of the first wave, or one
// more than the plan allows.
func tooMany(one Rollout, boards []Board) (bad Board, stop bool) {
	failed := 0
	for _, b := range boards {
		if b.State != Failed {
			continue
		}
		failed++
		if b.ChangedAt >= bad.ChangedAt {
			bad = b
		}
	}
	fresh := failed - one.Forgiven
	return bad, fresh > 0 && (one.Wave == 0 || fresh > one.Plan().Failures)
}

// stop tells nobody else, and those that have not finished to leave it.
func (r *Rollouts) stop(ctx context.Context, tx bun.Tx, one *Rollout, boards []Board, bad Board) ([]fleet.Board, error) {
	one.State, one.Why = Stopped, wire.Text(fmt.Sprintf("%s: %s: %s", bad.Name, bad.Step, bad.Why), wire.MaxText)
	tell, err := r.withdraw(ctx, tx, boards, Queued)
	if err != nil {
		return nil, err
	}
	if err := r.save(ctx, tx, one); err != nil {
		return nil, err
	}
	r.config.Log.Warn("a rollout stopped", "rollout", one.Number, "version", one.Version, "why", one.Why)
	return tell, r.note(ctx, tx, one.ID, "", "stopped", one.Why)
}

// withdraw takes back what boards were told that have not finished.
func (r *Rollouts) withdraw(ctx context.Context, tx bun.Tx, boards []Board, to Standing) (tell []fleet.Board, err error) {
	for i := range boards {
		b := &boards[i]
		if b.State != Told && b.State != Working {
			continue
		}
		told, err := r.config.Fleet.Want(ctx, tx, b.Device, fleet.Wanted{})
		if err != nil {
			return nil, err
		}
		tell = append(tell, told)
		if err := r.turn(ctx, tx, b, to); err != nil {
			return nil, err
		}
	}
	return tell, nil
}

// turn changes how a board stands.
func (r *Rollouts) turn(ctx context.Context, tx bun.Tx, b *Board, to Standing) error {
	b.State, b.ChangedAt = to, db.Micros(r.config.Now())
	_, err := tx.NewUpdate().Model(b).Column("state", "changed_at").WherePK().Exec(ctx)
	return err
}

func (r *Rollouts) save(ctx context.Context, tx bun.Tx, one *Rollout) error {
	_, err := tx.NewUpdate().Model(one).WherePK().Exec(ctx)
	return err
}

// advance tells the boards of the waves that have begun, and begins the next one
// when the newest has run for long enough.
func (r *Rollouts) advance(ctx context.Context, tx bun.Tx, one *Rollout, boards []Board) (tell []fleet.Board, err error) {
	last := 0
	for _, b := range boards {
		last = max(last, b.Wave)
	}
	now := r.config.Now()
	for {
		fresh, err := r.offer(ctx, tx, *one, boards)
		if err != nil {
			return nil, err
		}
		tell = append(tell, fresh...)
		settled, since := settle(one.Wave, boards)
		if !settled {
			return tell, nil
		}
		if one.Wave == last {
			one.State, one.EndedAt = Done, db.Micros(now)
			if err := r.save(ctx, tx, one); err != nil {
				return nil, err
			}
			return tell, r.note(ctx, tx, one.ID, "", "done", "")
		}
		if now.Sub(db.Time(max(since, one.WaveAt))) < one.Plan().SoakTime() {
			return tell, nil
		}
		one.Wave++
		one.WaveAt = db.Micros(now)
		if err := r.save(ctx, tx, one); err != nil {
			return nil, err
		}
		if err := r.note(ctx, tx, one.ID, "", "wave", fmt.Sprint(one.Wave+1)); err != nil {
			return nil, err
		}
	}
}

// offer tells the boards whose wave has begun.
func (r *Rollouts) offer(ctx context.Context, tx bun.Tx, one Rollout, boards []Board) (tell []fleet.Board, err error) {
	for i := range boards {
		b := &boards[i]
		if b.State != Queued || b.Wave > one.Wave || b.Gone {
			continue
		}
		told, err := r.config.Fleet.Want(ctx, tx, b.Device, fleet.Wanted{Model: &wire.DesiredModel{Bundle: one.Bundle, Rollout: one.ID, Reason: one.Reason}})
		if err != nil {
			return nil, err
		}
		tell = append(tell, told)
		b.Before, b.OfferedAt = told.Model, db.Micros(r.config.Now())
		if _, err := tx.NewUpdate().Model(b).Column("before", "offered_at").WherePK().Exec(ctx); err != nil {
			return nil, err
		}
		if err := r.turn(ctx, tx, b, Told); err != nil {
			return nil, err
		}
	}
	return tell, nil
}

// settle reports whether a wave is through: all of its boards that were heard of
// have finished. In the first wave one of them must run the model, unless none
// is left that could. since is when the last of them finished.
func settle(wave int, boards []Board) (settled bool, since int64) {
	runs, could := 0, 0
	for _, b := range boards {
		if b.Wave != wave {
			continue
		}
		switch b.State {
		case Working:
			return false, 0
		case Told:
			if b.Online {
				return false, 0
			}
			could++
		case Runs:
			runs++
			could++
			since = max(since, b.ChangedAt)
		}
	}
	return runs > 0 || could == 0 || wave > 0, since
}

// mostWelcome bounds the boards that are told at one look after they joined.
const mostWelcome = 100

// welcome tells boards that joined since of the newest rollout that is meant
// for all of their place. list is of rollouts that are not aborted, the newest
// first.
func (r *Rollouts) welcome(ctx context.Context, list []Rollout) error {
	if len(list) == 0 {
		return nil
	}
	var boards []fleet.Board
	err := r.config.DB.Read().NewSelect().Model(&boards).Column("device", "site", "team", "joined_at", "model").
		Where("state = ?", fleet.Active).Where("wanted = ''").Where("joined_at > ?", list[len(list)-1].Micros).
		Order("joined_at DESC").Limit(mostWelcome).Scan(ctx)
	if err != nil {
		return fmt.Errorf("find boards that joined: %w", err)
	}
	for _, b := range boards {
		for _, one := range list {
			plan := one.Plan()
			if b.Joined <= one.Micros {
				break // as for all older ones
			}
			if !plan.Everybody() || plan.Site != "" && plan.Site != b.Site || plan.Group != "" && plan.Group != b.Group {
				continue
			}
			if one.State == Running || one.State == Done {
				if err := r.take(ctx, one.ID, b); err != nil {
					return fmt.Errorf("tell a board that joined: %w", err)
				}
			}
			break
		}
	}
	return nil
}

// take puts a board that joined into the last wave of a rollout, unless it is a
// part of it. Where the rollout is done, it is told at once.
func (r *Rollouts) take(ctx context.Context, id string, b fleet.Board) error {
	var tell []fleet.Board
	err := r.config.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		tell = nil // it may run again
		one, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		known, err := tx.NewSelect().Model((*Board)(nil)).Join("JOIN rollout AS r ON r.id = rb.rollout").
			Where("rb.device = ?", b.Device).Where("r.number >= ?", one.Number).Count(ctx)
		if err != nil || known > 0 {
			return err
		}
		last := 0
		if err := tx.NewSelect().Model((*Board)(nil)).ColumnExpr("COALESCE(MAX(wave), 0)").Where("rollout = ?", id).Scan(ctx, &last); err != nil {
			return err
		}
		if err := r.add(ctx, tx, &one, b, last); err != nil || one.State != Done {
			return err
		}
		row := []Board{{Rollout: id, Device: b.Device, Wave: one.Wave, State: Queued}}
		tell, err = r.offer(ctx, tx, one, row)
		return err
	})
	r.tell(tell)
	return err
}

package rollout

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// Report takes down what a board says of its model, in the transaction that
// keeps its state. changed says that Kick is worth it once that is committed.
func (r *Rollouts) Report(ctx context.Context, tx bun.Tx, device string, s wire.State) (changed bool, err error) {
	if !s.Online {
		return false, nil
	}
	var rows []Board
	q := tx.NewSelect().Model(&rows).Where("device = ?", device)
	if s.Update != nil {
		q = q.Where("(state IN (?) OR rollout = ?)", bun.In([]Standing{Told, Working, Returning}), s.Update.Rollout)
	} else {
		q = q.Where("state IN (?)", bun.In([]Standing{Told, Working, Returning}))
	}
	if err := q.Scan(ctx); err != nil {
		return false, fmt.Errorf("keep a rollout's report: %w", err)
	}
	for i := range rows {
		b := rows[i]
		if err := r.heard(ctx, tx, &b, s); err != nil {
			return false, fmt.Errorf("keep a rollout's report: %w", err)
		}
		if b == rows[i] {
			continue
		}
		changed = true
		if b.State != rows[i].State {
			b.ChangedAt = db.Micros(r.config.Now())
		}
		if _, err := tx.NewUpdate().Model(&b).WherePK().Exec(ctx); err != nil {
			return false, fmt.Errorf("keep a rollout's report: %w", err)
		}
		if b.State == Runs && rows[i].State != Runs { // and no longer what another one brought
			_, err := tx.NewUpdate().Model((*Board)(nil)).Set("state = ?", Superseded).Set("changed_at = ?", b.ChangedAt).
				Where("device = ?", device).Where("rollout <> ?", b.Rollout).Where("state = ?", Runs).Exec(ctx)
			if err != nil {
				return false, fmt.Errorf("keep a rollout's report: %w", err)
			}
		}
		if b.State == Failed && rows[i].State != Failed {
			detail := fmt.Sprintf("%s: %s: %s", device, b.Step, b.Why)
			if err := r.note(ctx, tx, b.Rollout, "", "failed", detail); err != nil {
				return false, err
			}
		}
	}
	return changed, nil
}

// heard moves a board by what it says.
func (r *Rollouts) heard(ctx context.Context, tx bun.Tx, b *Board, s wire.State) error {
	one, err := find(ctx, tx, b.Rollout)
	if err != nil {
		return err
	}
	runs := ""
	if s.Model != nil {
		runs = s.Model.Bundle
	}
	if b.State == Returning {
		if runs != "" && runs != one.Bundle {
			b.State = Returned
		}
		return nil
	}
	u := s.Update
	if u == nil || u.Rollout != b.Rollout {
		// It ran the model before it was told, and says so once it has heard.
		if b.State == Told && runs == one.Bundle && s.Desired.Version > 0 {
			b.State = Runs
		}
		return nil
	}
	b.Stage, b.Step, b.Why = string(u.Stage), string(u.Step), u.Why
	b.DoneBytes, b.Total, b.Reused = u.DoneBytes, u.TotalBytes, u.ReusedBytes
	if u.Shadow != nil {
		data, err := json.Marshal(u.Shadow)
		if err != nil {
			return err
		}
		b.Shadow = string(data)
	}
	switch u.Stage {
	case wire.StageCommitted:
		if b.State == Told || b.State == Working {
			b.State = Runs
		}
	case wire.StageRefused, wire.StageRolledBack:
		if b.State == Told || b.State == Working || b.State == Runs || b.State == Queued {
			b.State = Failed
		}
	default:
		if b.State == Told {
			b.State = Working
		}
	}
	return nil
}

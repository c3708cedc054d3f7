package fleet

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"gourdian/internal/wire"
)

// Fit says how the board's programs go with the hub's, by what it spoke last.
func (b Board) Fit() wire.Fit {
	if b.Contract == 0 {
		return wire.Fits // it has said nothing yet
	}
	return wire.FitOf(int(b.Contract))
}

// Outdated reports whether somebody should update the board's programs.
func (b Board) Outdated() bool {
	fit := b.Fit()
	return fit == wire.Older || fit == wire.TooOld || b.Unfit != ""
}

// unfits are the conditions of a board that say that its own parts don't fit
// each other: agent and workers, programs and model.
func unfits() []string { return []string{"workers_mismatch", "model_newer"} }

// unfit is the first of them that a board reports.
func unfit(conditions []wire.ConditionState) string {
	for _, c := range conditions {
		if slices.Contains(unfits(), c.Code) {
			return c.Code
		}
	}
	return ""
}

// Spoke keeps the contract of a message that could not be read.
func (f *Fleet) Spoke(ctx context.Context, tx bun.Tx, device string, contract int) error {
	spoken := int64(max(contract, 1)) // 0 is for boards that said nothing
	_, err := tx.NewUpdate().Model((*Board)(nil)).Set("contract = ?", spoken).
		Where("device = ?", device).Where("contract <> ?", spoken).Exec(ctx)
	return wrap("keep a contract", err)
}

// Misfits are numbers of boards whose programs are of another time.
type Misfits struct {
	Outdated int // whose programs should be updated
	TooOld   int // of these, those that the hub can't understand
	Newer    int // which the hub understands but for what it lacks
}

// Misfits counts the boards that may connect by how they fit.
func (f *Fleet) Misfits(ctx context.Context) (m Misfits, err error) {
	var rows []Board
	err = f.db.Read().NewSelect().Model(&rows).Column("device", "contract", "unfit").Where("state = ?", Active).
		Where("((contract > 0 AND contract <> ?) OR unfit <> '')", wire.Contract).Scan(ctx)
	if err != nil {
		return m, fmt.Errorf("count boards that don't fit: %w", err)
	}
	for _, b := range rows {
		if b.Outdated() {
			m.Outdated++
		}
		switch b.Fit() {
		case wire.TooOld:
			m.TooOld++
		case wire.Newer:
			m.Newer++
		}
	}
	return m, nil
}

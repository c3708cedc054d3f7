package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// maxStatus bounds what is kept of a board's state, in bytes of JSON.
const maxStatus = 64 << 10

// Report keeps what a board says of itself, and in its history what changed. It
// returns the board as it is then.
func (f *Fleet) Report(ctx context.Context, tx bun.Tx, device string, state wire.State, at time.Time) (Board, error) {
	b, err := find(ctx, tx, device)
	if err != nil {
		return b, fmt.Errorf("keep state: %w", err)
	}
	b.Seen = db.Micros(at)
	b.Goodbye, b.Contract = !state.Online, int64(state.Contract)
	if !state.Online {
		_, err := tx.NewUpdate().Model(&b).Column("seen_at", "goodbye", "contract").WherePK().Exec(ctx)
		return b, wrap("keep goodbye", err)
	}
	data, err := json.Marshal(state)
	if err == nil && len(data) > maxStatus {
		state.Settings = nil // the one part without a limit of its own
		data, err = json.Marshal(state)
	}
	if err != nil || len(data) > maxStatus {
		return b, fmt.Errorf("keep state: %d bytes, at most %d: %w", len(data), maxStatus, err)
	}
	last, reported := b.Reported()
	if reported {
		for _, c := range changes(last, state) {
			if err := Note(ctx, tx, at, device, c.what, c.detail); err != nil {
				return b, err
			}
		}
	}
	b.Status, b.StatusAt, b.Agent, b.Model = string(data), b.Seen, state.Versions.Agent, ""
	if state.Model != nil {
		b.Model = state.Model.Bundle
	}
	b.Severity, b.Unsent, b.Unfit = worst(state.Conditions), int64(state.Unsent), unfit(state.Conditions)
	_, err = tx.NewUpdate().Model(&b).
		Column("status", "status_at", "seen_at", "goodbye", "agent", "model", "severity", "unsent", "contract", "unfit").WherePK().Exec(ctx)
	return b, wrap("keep state", err)
}

// Left keeps when a connection ended without a goodbye.
func (f *Fleet) Left(ctx context.Context, tx bun.Tx, device string, at time.Time) error {
	_, err := tx.NewUpdate().Model((*Board)(nil)).Set("seen_at = ?", db.Micros(at)).
		Where("device = ?", device).Where("seen_at > 0").Exec(ctx)
	return wrap("keep the end of a connection", err)
}

// Lines keeps the newest lines of a board's log.
func (f *Fleet) Lines(ctx context.Context, tx bun.Tx, device string, fresh wire.LogLines) error {
	b, err := find(ctx, tx, device)
	if err != nil {
		return fmt.Errorf("keep log: %w", err)
	}
	lines := append(b.Log(), fresh.Lines...)
	slices.SortStableFunc(lines, func(x, y wire.LogLine) int { return x.At.Compare(y.At) })
	lines = slices.Compact(lines) // sent twice
	lines = lines[max(0, len(lines)-wire.MaxLogLines):]
	data, err := json.Marshal(lines)
	if err != nil {
		return fmt.Errorf("keep log: %w", err)
	}
	_, err = tx.NewUpdate().Model((*Board)(nil)).Set("log_lines = ?", string(data)).Where("device = ?", device).Exec(ctx)
	return wrap("keep log", err)
}

type changed struct{ what, detail string }

// changes tells what a person wants to know about later.
func changes(last, now wire.State) []changed {
	var list []changed
	if last.Versions != now.Versions {
		list = append(list, changed{"versions", last.Versions.Agent + " → " + now.Versions.Agent})
	}
	if last.Boot != now.Boot {
		list = append(list, changed{"started", now.Boot})
	}
	if last.Epoch != now.Epoch {
		list = append(list, changed{"new_store", now.Epoch})
	}
	if a, b := bundleOf(last), bundleOf(now); a != b {
		list = append(list, changed{"model", a + " → " + b})
	}
	names := func(s wire.State) []string {
		var codes []string
		for _, c := range s.Conditions {
			if name := c.Code + " " + c.Subject; c.Severity != "info" && !slices.Contains(codes, name) {
				codes = append(codes, name)
			}
		}
		return codes
	}
	before, after := names(last), names(now)
	for _, c := range after {
		if !slices.Contains(before, c) {
			list = append(list, changed{"begins", c})
		}
	}
	for _, c := range before {
		if !slices.Contains(after, c) {
			list = append(list, changed{"ends", c})
		}
	}
	return list
}

func bundleOf(s wire.State) string {
	if s.Model == nil {
		return ""
	}
	return s.Model.Bundle[:12] // of 64, as DecodeState holds
}

// worst is the severity of the worst condition.
func worst(conditions []wire.ConditionState) string {
	order := []string{"", "info", "warning", "serious"}
	found := ""
	for _, c := range conditions {
		if slices.Index(order, c.Severity) > slices.Index(order, found) {
			found = c.Severity
		}
	}
	return found
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

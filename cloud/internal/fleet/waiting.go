package fleet

import (
	"context"
	"fmt"
	"time"

	"gourdian/cloud/internal/db"
)

// Ending are active boards whose certificate ends before a moment, the soonest
// first. A board renews its own long before, as long as it reaches the hub.
func (f *Fleet) Ending(ctx context.Context, before time.Time) ([]Board, error) {
	var boards []Board
	err := f.db.Read().NewSelect().Model(&boards).Column("device", "name", "cert_until", "state").
		Where("state = ?", Active).Where("cert_until < ?", db.Micros(before)).Order("cert_until", "device").Limit(maxAttention).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for certificates that end: %w", err)
	}
	return boards, nil
}

// Outdated are active boards whose agent is of another version than the hub, as
// they said last.
func (f *Fleet) Outdated(ctx context.Context) ([]Board, error) {
	var boards []Board
	err := f.db.Read().NewSelect().Model(&boards).Column("device", "name", "agent", "status_at", "state").
		Where("state = ?", Active).Where("agent <> '' AND agent <> ?", f.config.Version).Order("name", "device").Limit(maxAttention).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for outdated boards: %w", err)
	}
	return boards, nil
}

// Asked is a board that wanted to join and was refused.
type Asked struct {
	Device, Name string
	At           time.Time
}

// askedFor is how long a refused board is remembered.
const askedFor = 14 * 24 * time.Hour

// Asking are boards that wanted to join with a valid token and another key, or
// after they were forbidden to connect, and have not joined since: their disk was
// exchanged, or somebody puts a new board where one was.
func (f *Fleet) Asking(ctx context.Context) ([]Asked, error) {
	var rows []struct {
		Device, Name string
		At           int64
	}
	err := f.db.Read().NewSelect().TableExpr("board_event AS e").Join("JOIN board AS b ON b.device = e.device").
		ColumnExpr("e.device AS device").ColumnExpr("b.name AS name").ColumnExpr("MAX(e.at) AS at").
		Where("e.what = ? AND e.at > ? AND b.state <> ?", wantsIn, db.Micros(f.config.Now().Add(-askedFor)), Removed).
		GroupExpr("e.device, b.name, b.joined_at").Having("MAX(e.at) > b.joined_at").OrderExpr("MAX(e.at)").Limit(maxAttention).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("look for boards that want to join: %w", err)
	}
	asked := make([]Asked, len(rows))
	for i, r := range rows {
		asked[i] = Asked{r.Device, r.Name, db.Time(r.At)}
	}
	return asked, nil
}

// wantsIn is the line of the history of a board that was refused.
const wantsIn = "wants_in"

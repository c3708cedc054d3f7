package fleet

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"gourdian/internal/wire"
)

// Filter chooses boards. Empty fields choose all.
type Filter struct {
	Search string // part of name, device, site or group
	Site   string
	Group  string
	State  Standing // "" = all but removed
	// Outdated chooses boards whose programs should be updated.
	Outdated bool
	Sort     Sort   // "" = by name
	After    string // cursor: where the page before ended, as List returned it
	Limit    int    // 0 = 50, at most 200
}

// Sort is an order of boards. Those alike in it follow by name.
type Sort string

// Sorts. ByState puts first what its last report calls serious; who is
// connected changes too often for an order.
const (
	ByName  Sort = "name"
	BySite  Sort = "site"
	BySeen  Sort = "seen" // the newest first
	ByState Sort = "state"
)

// severities in the order of ByState.
func severities() []string { return []string{"serious", "warning", "info", ""} }

// key is the expression that an order begins with, and a board's value of it.
// Numbers are written with their sign: a cursor holds text.
func (s Sort) key(b Board) (expr string, value any) {
	switch s {
	case BySite:
		return "site", b.Site
	case BySeen:
		return "-seen_at", -b.Seen
	case ByState:
		return "CASE severity WHEN 'serious' THEN 0 WHEN 'warning' THEN 1 WHEN 'info' THEN 2 ELSE 3 END", int64(slices.Index(severities(), b.Severity))
	}
	return "name", b.Name
}

// cursor is where the page after a board begins.
func (s Sort) cursor(b Board) string {
	_, value := s.key(b)
	return fmt.Sprint(value) + "\x00" + b.Name + "\x00" + b.Device
}

// after leaves the boards behind a cursor. One that makes no sense leaves all.
func (s Sort) after(q *bun.SelectQuery, cursor string) *bun.SelectQuery {
	parts := strings.Split(cursor, "\x00")
	if len(parts) != 3 {
		return q
	}
	expr, value := s.key(Board{})
	if _, number := value.(int64); number {
		n, err := strconv.ParseInt(parts[0], 10, 64)
		if err != nil {
			return q
		}
		value = n
	} else {
		value = parts[0]
	}
	return q.Where("(? > ? OR (? = ? AND (name > ? OR (name = ? AND device > ?))))",
		bun.Safe(expr), value, bun.Safe(expr), value, parts[1], parts[1], parts[2])
}

// List returns boards in the order that is asked for, and one cursor more when there are others.
func (f *Fleet) List(ctx context.Context, filter Filter) (boards []Board, next string, err error) {
	limit := filter.Limit
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	expr, _ := filter.Sort.key(Board{})
	q := filter.apply(f.db.Read().NewSelect().Model(&boards)).ExcludeColumn("status", "log_lines", "settings").
		OrderExpr("?", bun.Safe(expr)).Order("name", "device").Limit(int64(limit) + 1)
	if err := filter.Sort.after(q, filter.After).Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list boards: %w", err)
	}
	if len(boards) > limit {
		boards = boards[:limit]
		next = filter.Sort.cursor(boards[limit-1])
	}
	for i := range boards {
		boards[i].Online = f.Online(boards[i].Device)
	}
	return boards, next, nil
}

// All returns every board that a filter chooses, without what they said of
// themselves. Sort, After and Limit are not looked at.
func (f *Fleet) All(ctx context.Context, filter Filter) ([]Board, error) {
	var boards []Board
	err := filter.apply(f.db.Read().NewSelect().Model(&boards)).ExcludeColumn("status", "log_lines", "settings").Order("device").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list boards: %w", err)
	}
	for i := range boards {
		boards[i].Online = f.Online(boards[i].Device)
	}
	return boards, nil
}

// Count returns how many boards a filter chooses.
func (f *Fleet) Count(ctx context.Context, filter Filter) (int, error) {
	n, err := filter.apply(f.db.Read().NewSelect().Model((*Board)(nil))).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count boards: %w", err)
	}
	return int(n), nil
}

func (f Filter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	} else {
		q = q.Where("state <> ?", Removed)
	}
	if f.Site != "" {
		q = q.Where("site = ?", f.Site)
	}
	if f.Group != "" {
		q = q.Where("team = ?", f.Group)
	}
	if f.Outdated {
		q = q.Where("((contract > 0 AND contract < ?) OR unfit <> '')", wire.Contract)
	}
	if f.Search != "" {
		part := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(f.Search)) + "%"
		q = q.Where(`(LOWER(name) LIKE ? ESCAPE '\' OR LOWER(device) LIKE ? ESCAPE '\' OR LOWER(site) LIKE ? ESCAPE '\' OR LOWER(team) LIKE ? ESCAPE '\')`, part, part, part, part)
	}
	return q
}

// Sites returns the names of all sites.
func (f *Fleet) Sites(ctx context.Context) ([]string, error) {
	var names []string
	if err := f.db.Read().NewSelect().Table("site").Column("name").Order("name").Scan(ctx, &names); err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	return names, nil
}

// Groups returns the names of all groups.
func (f *Fleet) Groups(ctx context.Context) ([]string, error) {
	var names []string
	err := f.db.Read().NewSelect().Model((*Board)(nil)).ColumnExpr("DISTINCT team").
		Where("team <> ''").Where("state <> ?", Removed).Order("team").Scan(ctx, &names)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return names, nil
}

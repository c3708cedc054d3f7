package fleet

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
)

// Filter chooses boards. Empty fields choose all.
type Filter struct {
	Search string // part of name, device, site or group
	Site   string
	Group  string
	State  Standing // "" = all but removed
	After  string   // cursor: name and device of the last board of the page before, see Cursor
	Limit  int      // 0 = 50, at most 200
}

// Cursor is where the page after a board begins.
func Cursor(b Board) string { return b.Name + "\x00" + b.Device }

// List returns boards by name, and one cursor more when there are others.
func (f *Fleet) List(ctx context.Context, filter Filter) (boards []Board, next string, err error) {
	limit := filter.Limit
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	q := filter.apply(f.db.Read().NewSelect().Model(&boards)).ExcludeColumn("status", "log_lines", "settings").
		Order("name", "device").Limit(int64(limit) + 1)
	if name, device, ok := strings.Cut(filter.After, "\x00"); ok {
		q = q.Where("(name > ? OR (name = ? AND device > ?))", name, name, device)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list boards: %w", err)
	}
	if len(boards) > limit {
		boards = boards[:limit]
		next = Cursor(boards[limit-1])
	}
	for i := range boards {
		boards[i].Online = f.Online(boards[i].Device)
	}
	return boards, next, nil
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

package sample

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"gourdian/internal/wire"
)

// Filter leaves some pictures; empty fields leave all.
type Filter struct {
	Source  Source
	Site    string
	Device  string
	Why     wire.SampleWhy
	Verdict wire.Verdict // the board's
	Label   string       // a label, "none" or "any"
	Fault   string       // a fault, "sound" or "duplicate"
	Mark    string       // "queued" or "unqueued" by hand, or "left_out" of training
}

// Values of Filter that are no label and no fault.
const (
	NoLabel  = "none"
	AnyLabel = "any"
	Disputed = "disputed" // people's newest labels of it differ
	IsSound  = "sound"

	MarkQueued   = "queued"
	MarkUnqueued = "unqueued"
	MarkLeftOut  = "left_out"
)

// disputed are pictures for which somebody's newest label, which was not taken
// back, is another than somebody else's. Whoever labels it again settles it with
// those who agree.
const disputed = `EXISTS (SELECT 1 FROM label_events a JOIN label_events b ON b.hash = a.hash AND b.labelled_by > a.labelled_by
	WHERE a.hash = s.hash AND a.what = 'label' AND b.what = 'label' AND NOT a.undone AND NOT b.undone AND a.to_label <> b.to_label
	AND NOT EXISTS (SELECT 1 FROM label_events c WHERE c.hash = a.hash AND c.labelled_by = a.labelled_by AND c.what = 'label' AND NOT c.undone AND c.version > a.version)
	AND NOT EXISTS (SELECT 1 FROM label_events c WHERE c.hash = b.hash AND c.labelled_by = b.labelled_by AND c.what = 'label' AND NOT c.undone AND c.version > b.version))`

// Apply adds the filter to a query over samples (alias s).
func (f Filter) Apply(q *bun.SelectQuery) *bun.SelectQuery {
	for _, one := range []struct{ column, value string }{
		{"source", string(f.Source)}, {"site", f.Site}, {"device", f.Device}, {"why", string(f.Why)}, {"verdict", string(f.Verdict)},
	} {
		if one.value != "" {
			q = q.Where("s.? = ?", bun.Ident(one.column), one.value)
		}
	}
	const labelled = "EXISTS (SELECT 1 FROM labels lf WHERE lf.hash = s.hash AND lf.label <> '')"
	switch f.Label {
	case "":
	case NoLabel:
		q = q.Where("NOT " + labelled)
	case AnyLabel:
		q = q.Where(labelled)
	case Disputed:
		q = q.Where(disputed)
	default:
		q = q.Where("EXISTS (SELECT 1 FROM labels lf WHERE lf.hash = s.hash AND lf.label = ?)", f.Label)
	}
	switch f.Fault {
	case "":
	case IsSound:
		q = q.Where("s.checked AND s.fault = '' AND s.duplicate_of = ''")
	case string(Duplicate):
		q = q.Where("s.duplicate_of <> ''")
	default:
		q = q.Where("s.fault = ?", f.Fault)
	}
	switch f.Mark {
	case MarkQueued:
		q = q.Where("s.queue = ?", QueuedByHand)
	case MarkUnqueued:
		q = q.Where("s.queue = ?", Unqueued)
	case MarkLeftOut:
		q = q.Where("s.left_out")
	}
	return q
}

func withLabels(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("s.*").ColumnExpr("COALESCE(l.label, '') AS label").ColumnExpr("COALESCE(l.version, 0) AS label_version").
		ColumnExpr("COALESCE(l.labelled_by, '') AS labelled_by").Join("LEFT JOIN labels l ON l.hash = s.hash")
}

// MaxPage bounds a page of List.
const MaxPage = 200

// Cursor is where a page ends: the next one starts behind it.
type Cursor struct {
	ReceivedAt int64
	Hash       string
}

// List returns kept pictures, the newest first, and where to go on; ok is false
// behind the last page.
func (s *Store) List(ctx context.Context, f Filter, after Cursor, most int) (page []Sample, next Cursor, ok bool, err error) {
	most = max(1, min(most, MaxPage))
	q := f.Apply(withLabels(s.db.Read().NewSelect().Model(&page))).Where("s.state = ?", Kept)
	if after.Hash != "" {
		q = q.Where("s.received_at < ? OR (s.received_at = ? AND s.hash < ?)", after.ReceivedAt, after.ReceivedAt, after.Hash)
	}
	if err := q.Order("s.received_at DESC", "s.hash DESC").Limit(int64(most) + 1).Scan(ctx); err != nil {
		return nil, Cursor{}, false, fmt.Errorf("list samples: %w", err)
	}
	if len(page) > most {
		page = page[:most]
		last := page[most-1]
		return page, Cursor{last.ReceivedAt, last.Hash}, true, nil
	}
	return page, Cursor{}, false, nil
}

// Count counts the kept pictures that a filter leaves.
func (s *Store) Count(ctx context.Context, f Filter) (int, error) {
	n, err := f.Apply(s.db.Read().NewSelect().Model((*Sample)(nil))).Where("s.state = ?", Kept).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count samples: %w", err)
	}
	return int(n), nil
}

// Each calls visit for every kept picture that the filter leaves, the newest
// first.
func (s *Store) Each(ctx context.Context, f Filter, visit func(*Sample) error) error {
	var after Cursor
	for more := true; more; {
		page, next, ok, err := s.List(ctx, f, after, MaxPage)
		if err != nil {
			return err
		}
		for i := range page {
			if err := visit(&page[i]); err != nil {
				return err
			}
		}
		after, more = next, ok
	}
	return nil
}

// Choices are the values that a filter can have, as there are pictures.
type Choices struct{ Sites, Devices []string }

// Choices returns the sites and boards that kept pictures come from.
func (s *Store) Choices(ctx context.Context) (Choices, error) {
	var c Choices
	for _, one := range []struct {
		column string
		into   *[]string
	}{{"site", &c.Sites}, {"device", &c.Devices}} {
		err := s.db.Read().NewSelect().Model((*Sample)(nil)).ColumnExpr("DISTINCT s.?", bun.Ident(one.column)).
			Where("s.state = ? AND s.? <> ''", Kept, bun.Ident(one.column)).Limit(500).Scan(ctx, one.into)
		if err != nil {
			return c, fmt.Errorf("list what samples come from: %w", err)
		}
		slices.Sort(*one.into)
	}
	return c, nil
}

// Total is how much is kept and how much may be.
type Total struct {
	Count        int
	Bytes, Quota int64
}

// Total counts all kept pictures.
func (s *Store) Total(ctx context.Context) (Total, error) {
	n, err := s.Count(ctx, Filter{})
	if err != nil {
		return Total{}, err
	}
	used, err := s.used(ctx)
	return Total{n, used, s.config.Limits().Quota}, err
}

// Unchecked counts kept pictures that no worker has looked at yet, and says
// since when the oldest waits; zero where none does.
func (s *Store) Unchecked(ctx context.Context) (n int, oldest time.Time, err error) {
	var row struct{ N, At int64 }
	err = s.db.Read().NewSelect().Model((*Sample)(nil)).ColumnExpr("COUNT(*) AS n").ColumnExpr("COALESCE(MIN(s.received_at), 0) AS at").
		Where("s.state = ? AND NOT s.checked", Kept).Scan(ctx, &row)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count unchecked samples: %w", err)
	}
	return int(row.N), at(row.At), nil
}

// Oldest is when the oldest picture came that a filter leaves; zero where none
// does.
func (s *Store) Oldest(ctx context.Context, f Filter) (time.Time, error) {
	var micros int64
	err := f.Apply(s.db.Read().NewSelect().Model((*Sample)(nil))).ColumnExpr("COALESCE(MIN(s.received_at), 0)").Where("s.state = ?", Kept).Scan(ctx, &micros)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the oldest sample: %w", err)
	}
	return at(micros), nil
}

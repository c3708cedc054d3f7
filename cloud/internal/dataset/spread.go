package dataset

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// Dimension is a way to tell the pictures of a class apart.
type Dimension string

// Dimensions.
const (
	BySource Dimension = "source"
	BySite   Dimension = "site"
	ByAge    Dimension = "age" // since the picture was taken: Week, Month, Year or Older
)

// Ages of pictures, the newest first.
const (
	Week  = "week"
	Month = "month"
	Year  = "year"
	Older = "older"
)

// Part counts the pictures of a value by class.
type Part struct {
	Dimension Dimension
	Value     string // "" = nobody said
	Counts    map[wire.Verdict]int
	All       int
}

// Spread says where the pictures of a manifest come from and how old they are:
// one Part for each value, those with the most pictures first.
func (s *Store) Spread(ctx context.Context, m *Manifest) ([]Part, error) {
	taken, err := s.taken(ctx)
	if err != nil {
		return nil, err
	}
	parts := map[[2]string]*Part{}
	add := func(by Dimension, value string, class wire.Verdict) {
		key := [2]string{string(by), value}
		if parts[key] == nil {
			parts[key] = &Part{Dimension: by, Value: value, Counts: map[wire.Verdict]int{}}
		}
		parts[key].Counts[class]++
		parts[key].All++
	}
	now := s.now()
	for i := range m.Pictures {
		p := &m.Pictures[i]
		add(BySource, string(p.Source), p.Class)
		add(BySite, p.Site, p.Class)
		if at, there := taken[p.Image]; there { // else it was deleted since
			add(ByAge, ageOf(now.Sub(time.UnixMicro(at))), p.Class)
		}
	}
	out := make([]Part, 0, len(parts))
	for _, p := range parts {
		out = append(out, *p)
	}
	order := []Dimension{BySource, BySite, ByAge}
	slices.SortFunc(out, func(a, b Part) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Dimension), slices.Index(order, b.Dimension)), cmp.Compare(b.All, a.All), cmp.Compare(a.Value, b.Value))
	})
	return out, nil
}

func ageOf(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 7*day:
		return Week
	case d < 31*day:
		return Month
	case d < 366*day:
		return Year
	}
	return Older
}

// taken is when the labelled pictures that are there were taken.
func (s *Store) taken(ctx context.Context) (map[string]int64, error) {
	var rows []struct {
		Hash       string
		CapturedAt int64
	}
	err := s.db.Read().NewSelect().Model((*sample.Sample)(nil)).Column("hash", "captured_at").Where("s.state = ?", sample.Kept).
		Where("EXISTS (SELECT 1 FROM labels l WHERE l.hash = s.hash)").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("look when pictures were taken: %w", err)
	}
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[r.Hash] = r.CapturedAt
	}
	return out, nil
}

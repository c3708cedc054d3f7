package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/internal/wire"
)

// Reader reads what was taken in; *db.DB is one.
type Reader interface{ Read() bun.IDB }

// Which chooses counts. Empty fields choose all.
type Which struct {
	Device string
	Site   string
	From   time.Time // day of the field clock, in UTC, included
	Until  time.Time // included
}

// DayCounts are the sightings of one day by verdict.
type DayCounts struct {
	Day    string // as Day writes it
	Counts wire.Counts
}

// Counts returns the sightings of each day that has some, the newest first.
func Counts(ctx context.Context, r Reader, w Which) ([]DayCounts, error) {
	var rows []struct {
		Day     string
		Verdict string
		N       int64
	}
	q := r.Read().NewSelect().Table("tally").Column("day", "verdict").ColumnExpr("SUM(n) AS n").
		Where("day >= ?", Day(w.From)).Where("day <= ?", Day(w.Until)).Group("day", "verdict").Order("day DESC", "verdict")
	if w.Device != "" {
		q = q.Where("device = ?", w.Device)
	}
	if w.Site != "" {
		q = q.Where("site = ?", w.Site)
	}
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	var days []DayCounts
	for _, row := range rows {
		if len(days) == 0 || days[len(days)-1].Day != row.Day {
			days = append(days, DayCounts{row.Day, wire.Counts{}})
		}
		days[len(days)-1].Counts[wire.Verdict(row.Verdict)] += uint64(row.N)
	}
	return days, nil
}

package ingest

import (
	"context"
	"fmt"
)

// Stream says how far the hub has the records of one store of a board. Through
// is the sum of the others where every record came or is accounted for.
type Stream struct {
	Epoch   string
	Through int64 // everything up to this number is settled
	Records int64 // rows
	PutAway int64 // could not be read
	Lost    int64 // the board had given them up before they came
}

// Streams returns the streams of a board, the one that moved last first.
func Streams(ctx context.Context, r Reader, device string) ([]Stream, error) {
	var heads []stream
	if err := r.Read().NewSelect().Model(&heads).Where("device = ?", device).Order("moved_at DESC", "epoch").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read streams: %w", err)
	}
	found := make([]Stream, len(heads))
	for i, h := range heads {
		s := Stream{Epoch: h.Epoch, Through: h.Through}
		for _, one := range []struct {
			table, what string
			into        *int64
		}{
			{"record", "COUNT(*)", &s.Records},
			{"quarantine", "COUNT(*)", &s.PutAway},
			{"lost_records", "COALESCE(SUM(last - first + 1), 0)", &s.Lost},
		} {
			err := r.Read().NewSelect().Table(one.table).ColumnExpr(one.what).
				Where("device = ?", device).Where("epoch = ?", h.Epoch).Scan(ctx, one.into)
			if err != nil {
				return nil, fmt.Errorf("read streams: %w", err)
			}
		}
		found[i] = s
	}
	return found, nil
}

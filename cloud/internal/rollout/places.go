package rollout

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gourdian/cloud/internal/fleet"
)

// Place is somewhere models run, and how many there run which.
type Place struct {
	Site   string
	Shares []Share
}

// Share is how many boards of a place run a bundle.
type Share struct {
	Bundle string // "" = none, or not said yet
	Boards int
}

// Places tells which bundles run at which sites.
func (r *Rollouts) Places(ctx context.Context) ([]Place, error) {
	var rows []struct {
		Site  string
		Model string
		N     int
	}
	err := r.config.DB.Read().NewSelect().Model((*fleet.Board)(nil)).Column("site", "model").ColumnExpr("COUNT(*) AS n").
		Where("state = ?", fleet.Active).Group("site", "model").Order("site").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("list what runs where: %w", err)
	}
	var places []Place
	for _, row := range rows {
		if len(places) == 0 || places[len(places)-1].Site != row.Site {
			places = append(places, Place{Site: row.Site})
		}
		last := &places[len(places)-1]
		last.Shares = append(last.Shares, Share{row.Model, row.N})
	}
	for _, p := range places {
		slices.SortFunc(p.Shares, func(a, b Share) int { return cmp.Or(cmp.Compare(b.Boards, a.Boards), cmp.Compare(a.Bundle, b.Bundle)) })
	}
	return places, nil
}

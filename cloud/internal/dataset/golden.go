package dataset

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

func (r *groupRow) standing() standing {
	return standing{Group: r.Group, Stratum: wire.Verdict(r.Stratum), FirstAt: r.FirstAt, Split: r.Split}
}

// Use is one look at golden pictures.
type Use struct {
	bun.BaseModel `bun:"table:dataset_uses"`

	Number   int64  `bun:"number,pk"`
	Manifest string `bun:"manifest"`
	Split    Split  `bun:"split"`
	Pictures int64  `bun:"pictures"`
	Purpose  string `bun:"purpose"` // "run 12, step evaluate"
	By       string `bun:"used_by"`
	At       int64  `bun:"used_at"`
}

// When is when it was used.
func (u *Use) When() time.Time { return db.Time(u.At) }

// maxPurpose bounds what is said of a use, in bytes.
const maxPurpose = 200

// Golden returns the golden pictures of a data set, and writes into the ledger
// who looked at them and what for. There is no other way to have them for a
// measurement.
func (s *Store) Golden(ctx context.Context, name, purpose, who string) ([]Picture, error) {
	m, err := s.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	var out []Picture
	for i := range m.Pictures {
		if m.Pictures[i].Split == Golden {
			out = append(out, m.Pictures[i])
		}
	}
	return out, s.note(ctx, name, len(out), purpose, who)
}

// note writes a line of the ledger.
func (s *Store) note(ctx context.Context, name string, pictures int, purpose, who string) error {
	use := Use{Manifest: name, Split: Golden, Pictures: int64(pictures), Purpose: wire.Text(purpose, maxPurpose), By: who, At: db.Micros(s.now())}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if use.Number, err = next(ctx, tx, (*Use)(nil)); err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(&use).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the ledger of golden pictures: %w", err)
	}
	return nil
}

// Uses returns the newest lines of the ledger about a data set, newest first.
func (s *Store) Uses(ctx context.Context, name string, most int) ([]Use, error) {
	var out []Use
	err := s.db.Read().NewSelect().Model(&out).Where("manifest = ?", name).Order("number DESC").Limit(int64(most)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of golden pictures: %w", err)
	}
	return out, nil
}

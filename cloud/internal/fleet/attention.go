package fleet

import (
	"context"
	"fmt"
	"time"

	"gourdian/cloud/internal/db"
)

// quiet is how long a board may be gone without a goodbye before people are
// told: a link that flaps is back sooner.
const quiet = 5 * time.Minute

// maxAttention bounds how many boards are looked at by name.
const maxAttention = 1000

// Attention are the boards that somebody should look at.
type Attention struct {
	Silent  []Board // broke off without a goodbye some minutes ago
	Failing []Board // connected, and say that something serious is wrong
}

// Attention looks which boards need somebody. A hub that has just started gives
// boards the same time to come back.
func (f *Fleet) Attention(ctx context.Context) (Attention, error) {
	var found Attention
	var boards []Board
	now := f.config.Now()
	err := f.db.Read().NewSelect().Model(&boards).Column("device", "name", "seen_at", "status_at", "severity", "goodbye", "state").
		Where("state = ?", Active).Where("seen_at > 0").
		Where("((NOT goodbye AND seen_at < ?) OR severity = ?)", db.Micros(now.Add(-quiet)), "serious").
		Order("seen_at", "device").Limit(maxAttention).Scan(ctx)
	if err != nil {
		return found, fmt.Errorf("look for boards that need somebody: %w", err)
	}
	for _, b := range boards {
		b.Online = f.Online(b.Device)
		switch b.Health() {
		case Silent:
			if now.Sub(b.SeenAt()) > quiet && now.Sub(f.opened) > quiet {
				found.Silent = append(found.Silent, b)
			}
		case Failing:
			found.Failing = append(found.Failing, b)
		}
	}
	return found, nil
}

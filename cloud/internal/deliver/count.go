package deliver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
)

// Purpose is what bytes to a board are for.
type Purpose string

// Purposes.
const (
	PurposeMetadata Purpose = "metadata" // signed lists
	PurposeList     Purpose = "list"     // of pieces
	PurposePieces   Purpose = "pieces"
)

// Bytes are bytes to a board on a day (UTC), by purpose.
type Bytes struct {
	bun.BaseModel `bun:"table:delivered,alias:d"`

	Day     string  `bun:"day,pk"`
	Device  string  `bun:"device,pk"`
	Purpose Purpose `bun:"purpose,pk"`
	N       int64   `bun:"bytes"`
}

type counted struct {
	device  string
	purpose Purpose
}

// counter counts in memory and writes now and then: a crash forgets at most
// that much.
type counter struct {
	db  *db.DB
	now func() time.Time

	mu    sync.Mutex // guards what follows
	day   string
	sums  map[string]int64 // of the day, by device
	fresh map[string]map[counted]int64
}

func newCounter(d *db.DB, now func() time.Time) *counter {
	return &counter{db: d, now: now, sums: map[string]int64{}, fresh: map[string]map[counted]int64{}}
}

// turnLocked begins a new day.
func (c *counter) turnLocked() string {
	if day := c.now().UTC().Format(time.DateOnly); day != c.day {
		c.day, c.sums = day, map[string]int64{}
	}
	return c.day
}

// load reads what was sent today before the hub started.
func (c *counter) load(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var rows []Bytes
	if err := c.db.Read().NewSelect().Model(&rows).Where("day = ?", c.turnLocked()).Scan(ctx); err != nil {
		return fmt.Errorf("read bytes to boards: %w", err)
	}
	for _, row := range rows {
		c.sums[row.Device] += row.N
	}
	return nil
}

func (c *counter) add(device string, purpose Purpose, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	day := c.turnLocked()
	c.sums[device] += n
	if c.fresh[day] == nil {
		c.fresh[day] = map[counted]int64{}
	}
	c.fresh[day][counted{device, purpose}] += n
}

func (c *counter) today(device string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turnLocked()
	return c.sums[device]
}

// keep writes what was counted since the last time.
func (c *counter) keep(ctx context.Context) error {
	c.mu.Lock()
	fresh := c.fresh
	c.fresh = map[string]map[counted]int64{}
	c.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	err := c.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for day, of := range fresh {
			for what, n := range of {
				row := Bytes{Day: day, Device: what.device, Purpose: what.purpose, N: n}
				if _, err := tx.NewInsert().Model(&row).On("CONFLICT (day, device, purpose) DO UPDATE").
					Set("bytes = d.bytes + EXCLUDED.bytes").Exec(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		for day, of := range fresh { // counted with the next
			if c.fresh[day] == nil {
				c.fresh[day] = map[counted]int64{}
			}
			for what, n := range of {
				c.fresh[day][what] += n
			}
		}
		return fmt.Errorf("keep bytes to boards: %w", err)
	}
	return nil
}

// Days returns a board's bytes since a day, by purpose, the newest day first.
func (d *Deliver) Days(ctx context.Context, device string, since time.Time) ([]Bytes, error) {
	if err := d.count.keep(ctx); err != nil {
		return nil, err
	}
	var rows []Bytes
	err := d.config.Library.db.Read().NewSelect().Model(&rows).Where("device = ?", device).
		Where("day >= ?", since.UTC().Format(time.DateOnly)).Order("day DESC", "purpose").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read bytes to boards: %w", err)
	}
	return rows, nil
}

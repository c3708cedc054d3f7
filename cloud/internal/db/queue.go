package db

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// Queue is River on the hub's database.
type Queue interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Insert(ctx context.Context, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// NewQueue returns River on this database. On SQLite it asks by itself for new
// jobs, through the one connection that writes.
func (d *DB) NewQueue(config *river.Config) (q Queue, err error) {
	if d.kind == SQLite {
		config.PollOnly = true
		q, err = river.NewClient(riversqlite.New(d.write.DB), config)
	} else {
		q, err = river.NewClient(riverpgxv5.New(d.pool), config)
	}
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	return q, nil
}

// queueMigrations are River's own tables.
type queueMigrations interface {
	Validate(ctx context.Context, opts *rivermigrate.ValidateOpts) (*rivermigrate.ValidateResult, error)
	Migrate(ctx context.Context, direction rivermigrate.Direction, opts *rivermigrate.MigrateOpts) (*rivermigrate.MigrateResult, error)
}

func (d *DB) queueMigrations() (queueMigrations, error) {
	config := &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)} // what matters comes back as an error
	if d.kind == SQLite {
		return rivermigrate.New(riversqlite.New(d.write.DB), config)
	}
	return rivermigrate.New(riverpgxv5.New(d.pool), config)
}

// queueLock is the number of the lock under which hubs that start side by side
// take turns: River has none of its own. Any number will do that nobody else uses.
const queueLock = 5_283_010_901

// migrateQueue brings River's tables to their newest form.
func (d *DB) migrateQueue(ctx context.Context, m queueMigrations) error {
	if d.kind == Postgres {
		conn, err := d.write.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }() // which lets go of the lock, if nothing else does
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", int64(queueLock)); err != nil {
			return err
		}
		defer func() {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(?)", int64(queueLock))
		}()
	}
	_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

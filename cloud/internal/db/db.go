package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/uptrace/bun"
)

// Kind is the database's make.
type Kind string

// Kinds.
const (
	SQLite   Kind = "sqlite"
	Postgres Kind = "postgres"
)

// KindOf tells the kind of a database by its address.
func KindOf(dsn string) Kind {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return Postgres
	}
	return SQLite
}

// Options say which database and what to do before it changes its form.
type Options struct {
	DSN       string // path of a SQLite file, or "postgres://…"
	BackupDir string // copies made before migrations; "" = none
	AsIs      bool   // leave its form as it is, for a copy
	Log       *slog.Logger
}

// DB is the hub's database. Any number of goroutines may use it.
type DB struct {
	options Options
	kind    Kind
	dsn     string
	pool    *pgxpool.Pool // PostgreSQL only
	write   *bun.DB       // one connection on SQLite, a pool on PostgreSQL
	read    *bun.DB       // the same as write on PostgreSQL
	largest atomic.Int64  // bytes that the file of SQLite had at its largest
}

// Open opens the database and brings it to the newest form, unless it is to
// stay as it is.
func Open(ctx context.Context, options Options) (*DB, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	d := &DB{options: options, kind: KindOf(options.DSN), dsn: options.DSN}
	err := d.open(ctx)
	if err == nil {
		err = d.write.PingContext(ctx)
	}
	if err == nil && !options.AsIs {
		err = d.migrate(ctx)
	}
	if err == nil {
		err = d.whole()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", Hide(d.dsn), damaged(err)), d.Close())
	}
	return d, nil
}

// Read is for queries. It may be some transactions behind a Tx that is not yet
// committed, never behind one that is.
func (d *DB) Read() bun.IDB { return d.read }

// Write is for single statements that change something.
func (d *DB) Write() bun.IDB { return d.write }

// attempts of a transaction that lost against another one.
const attempts = 10

// Tx runs do in a transaction that behaves as if no other one wrote beside it.
// On PostgreSQL it may run do again, so do changes nothing but the database
// before it returns nil. An error of do rolls back and is returned.
func (d *DB) Tx(ctx context.Context, do func(ctx context.Context, tx bun.Tx) error) error {
	var isolation *sql.TxOptions
	if d.kind == Postgres {
		isolation = &sql.TxOptions{Isolation: sql.LevelSerializable}
	}
	pause := 2 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := d.write.RunInTx(ctx, isolation, do)
		if err == nil || attempt == attempts || !lostAgainstAnother(err) {
			return err
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lostAgainstAnother tells PostgreSQL's two ways of saying "try again":
// serialization_failure and deadlock_detected.
func lostAgainstAnother(err error) bool {
	var p *pgconn.PgError
	return errors.As(err, &p) && (p.Code == "40001" || p.Code == "40P01")
}

// Ping asks whether the database answers, and whether its file is whole.
func (d *DB) Ping(ctx context.Context) error {
	err := d.write.PingContext(ctx)
	if err == nil {
		err = d.whole()
	}
	if err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	return nil
}

// Kind is the database's make.
func (d *DB) Kind() Kind { return d.kind }

// Close ends all connections.
func (d *DB) Close() error {
	var errs []error
	if d.write != nil {
		errs = append(errs, d.write.Close())
	}
	if d.read != nil && d.read != d.write {
		errs = append(errs, d.read.Close())
	}
	if d.pool != nil {
		d.pool.Close()
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// Micros is a time as a column has it; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is what Micros came from, in UTC.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

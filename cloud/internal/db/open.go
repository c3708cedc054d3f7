package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // driver "sqlite"
)

func (d *DB) open(ctx context.Context) error {
	switch {
	case d.kind == Postgres:
		return d.openPostgres(ctx)
	case d.dsn == "" || strings.Contains(d.dsn, "://"):
		return errors.New("its address is neither the path of a file nor begins with postgres://")
	default:
		return d.openSQLite(d.dsn)
	}
}

// poolSize bounds connections to PostgreSQL, whose default is 100 for all.
const poolSize = 16

// openSQLite opens a file with one connection that writes and a few that read:
// SQLite knows one writer at a time, and waiting in a queue of Go is fairer
// than its busy loop. synchronous FULL keeps what was committed through a power
// cut; what is acknowledged to a board must be on disk.
func (d *DB) openSQLite(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	// Before the driver does it with everybody's rights.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	pragmas := url.Values{"_pragma": {
		"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)", "temp_store(MEMORY)",
	}}
	open := func(lock string, connections int) (*bun.DB, error) {
		pragmas.Set("_txlock", lock)
		address := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: pragmas.Encode()}).String()
		db, err := sql.Open("sqlite", address)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		return bun.NewDB(db, sqlitedialect.New()), nil
	}
	if d.write, err = open("immediate", 1); err != nil {
		return err
	}
	d.read, err = open("deferred", max(4, runtime.NumCPU()))
	return err
}

// openPostgres opens one pool, which bun and the queue share.
func (d *DB) openPostgres(ctx context.Context) (err error) {
	config, err := pgxpool.ParseConfig(d.dsn)
	if err != nil {
		return errors.New("its address is malformed") // the error holds the address, with its password
	}
	config.MaxConns = poolSize
	if d.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	d.write = bun.NewDB(stdlib.OpenDBFromPool(d.pool), pgdialect.New())
	d.read = d.write
	return nil
}

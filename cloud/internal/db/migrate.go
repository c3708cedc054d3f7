package db

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the database to the form that this program knows, with the
// tables of the queue. Before it changes one that holds something, it makes a
// copy.
func (d *DB) migrate(ctx context.Context) error {
	provider, err := d.provider()
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the database's form: %w", err)
	}
	if current > target {
		return fmt.Errorf("its form is %d, this gourdian-hub knows %d: install the newer gourdian-hub, or restore the backup made before it", current, target)
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return err
	}
	queue, err := d.queueMigrations()
	if err != nil {
		return fmt.Errorf("read migrations of the queue: %w", err)
	}
	valid, err := queue.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("read the form of the queue: %w", err)
	}
	if !pending && valid.OK {
		return nil
	}
	if current > 0 {
		if err := d.backupBeforeMigration(ctx, current); err != nil {
			return fmt.Errorf("copy the database before a migration: %w", err)
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate from form %d to %d: %w", current, target, err)
	}
	if err := d.migrateQueue(ctx, queue); err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	d.options.Log.Info("database migrated", "from", current, "to", target)
	return nil
}

func (d *DB) provider() (*goose.Provider, error) {
	dialect, folder := goose.DialectPostgres, "migrations/postgres"
	// Packages number their own migrations: a low number may be younger than a high one.
	options := []goose.ProviderOption{goose.WithLogger(goose.NopLogger()), goose.WithAllowOutofOrder(true)}
	if d.kind == SQLite {
		dialect, folder = goose.DialectSQLite3, "migrations/sqlite"
	} else {
		locker, err := lock.NewPostgresSessionLocker() // hubs that start side by side take turns
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, d.write.DB, files, options...)
}

func (d *DB) backupBeforeMigration(ctx context.Context, form int64) error {
	if d.options.BackupDir == "" {
		return nil
	}
	name := fmt.Sprintf("before-migration-%d-%s.%s", form, time.Now().UTC().Format("20060102T150405.000"), d.DumpExt())
	return d.Dump(ctx, filepath.Join(d.options.BackupDir, name))
}

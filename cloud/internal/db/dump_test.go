package db_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
)

// TestDumpComesBack: what a dump holds is there again after a restore, and what
// came later is not.
func TestDumpComesBack(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "hub.sqlite") },
		"postgres": func(t *testing.T) string { return dbtest.StartPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := address(t)
			d, err := db.Open(t.Context(), db.Options{DSN: dsn})
			if err != nil {
				t.Fatal(err)
			}
			makeCounter(t, d)
			file := filepath.Join(t.TempDir(), "dump."+d.DumpExt())
			if err := d.Dump(t.Context(), file); err != nil {
				t.Fatal(err)
			}
			if err := d.Dump(t.Context(), file); err == nil {
				t.Error("a dump was overwritten")
			}
			if _, err := d.Write().NewInsert().Model(&counter{Name: "later"}).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if err := db.Undump(t.Context(), dsn, file); err != nil {
				t.Fatal(err)
			}
			var names []string
			back := dbtest.Open(t, dsn)
			if err := back.Read().NewSelect().Model((*counter)(nil)).Column("name").Scan(t.Context(), &names); err != nil || !slices.Equal(names, []string{"a"}) {
				t.Errorf("%q, %v", names, err)
			}
		})
	}
}

func TestOlderDatabaseIsCopiedBeforeItChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dsn := filepath.Join(dir, "hub.sqlite")
	d, err := db.Open(t.Context(), db.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	// As if the first migration were missing: it fails, for its tables are there.
	if _, err := d.Write().ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id = 1"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Open(t.Context(), db.Options{DSN: dsn, BackupDir: filepath.Join(dir, "backups")}); err == nil {
		t.Fatal("the migration was not tried")
	}
	if files, err := filepath.Glob(filepath.Join(dir, "backups", "before-migration-*.sqlite")); err != nil || len(files) != 1 {
		t.Errorf("%q, %v", files, err)
	}
}

func TestPasswordOfDatabaseIsHidden(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://hub:s3cret@db:5432/hub":                 "postgres://hub@db:5432/hub",
		"postgres://db/hub?user=hub&password=s3cret":        "postgres://db/hub?user=hub",
		"postgresql://hub:s3cret@db/hub?sslmode=require":    "postgresql://hub@db/hub?sslmode=require",
		"/var/lib/gourdian/hub/hub.sqlite":                  "/var/lib/gourdian/hub/hub.sqlite",
		"postgres://hub@db/hub?sslmode=disable&password=ab": "postgres://hub@db/hub?sslmode=disable",
	} {
		if got := db.Hide(dsn); got != want {
			t.Errorf("%s: %s", dsn, got)
		}
	}
	_, err := db.Open(t.Context(), db.Options{DSN: "postgres://hub:s3cret@db:notaport/hub"})
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("Open: %v", err)
	}
}

package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"gourdian/internal/durable"
)

// DumpExt is the ending of a dump's name.
func (d *DB) DumpExt() string { return DumpExt(d.kind) }

// DumpExt is the ending of the name of a dump of such a database.
func DumpExt(kind Kind) string {
	if kind == Postgres {
		return "pgdump"
	}
	return "sqlite"
}

// Dump writes the whole database, as it is at one moment, to a new file. The
// hub may run meanwhile.
func (d *DB) Dump(ctx context.Context, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return fmt.Errorf("back up database: %w", err)
	}
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("back up database: %s is there already", file)
	}
	part := file + ".part"
	_ = os.Remove(part) // of a backup that was cut off
	var err error
	if d.kind == SQLite {
		// The pool of readers may not write, even to another file.
		_, err = d.write.ExecContext(ctx, "VACUUM INTO ?", part)
	} else {
		err = d.postgresTool(ctx, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file="+part)
	}
	if err == nil {
		err = syncAndName(part, file)
	}
	if err != nil {
		_ = os.Remove(part) // the error that matters is err
		return fmt.Errorf("back up database: %w", err)
	}
	return nil
}

func syncAndName(part, file string) error {
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, file); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(file))
}

// Undump replaces what a database holds by a dump. No hub may run on it.
func Undump(ctx context.Context, dsn, file string) error {
	if KindOf(dsn) == Postgres {
		d := &DB{kind: Postgres, dsn: dsn}
		err := d.postgresTool(ctx, "pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges",
			"--single-transaction", "--dbname="+withoutPassword(dsn), file)
		if err != nil {
			return fmt.Errorf("restore database: %w", err)
		}
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("restore database: %w", err)
	}
	if !bytes.HasPrefix(data, []byte("SQLite format 3\x00")) {
		return fmt.Errorf("restore database: %s is no SQLite database", file)
	}
	part := dsn + ".part"
	if err := os.WriteFile(part, data, 0o600); err != nil {
		return fmt.Errorf("restore database: %w", err)
	}
	for _, old := range []string{dsn + "-wal", dsn + "-shm"} { // of the database that goes
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("restore database: %w", err)
		}
	}
	if err := syncAndName(part, dsn); err != nil {
		return fmt.Errorf("restore database: %w", err)
	}
	return nil
}

// postgresTool runs one of PostgreSQL's own programs on the database. The
// password goes by the environment: command lines are seen by everyone.
func (d *DB) postgresTool(ctx context.Context, name string, args ...string) error {
	program, err := findPostgres(name)
	if err != nil {
		return err
	}
	config, err := pgx.ParseConfig(d.dsn)
	if err != nil {
		return errors.New("the database's address is malformed")
	}
	if name == "pg_dump" {
		args = append(args, "--dbname="+withoutPassword(d.dsn))
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+config.Password)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(said.String()))
	}
	return nil
}

// findPostgres looks on the path and where Debian puts its versions.
func findPostgres(name string) (string, error) {
	if program, err := exec.LookPath(name); err == nil {
		return program, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("%s is not here: install PostgreSQL's client programs (Debian: postgresql-client)", name)
	}
	return slices.Max(found), nil
}

// Hide is the address of a database for logs and pages.
func Hide(dsn string) string {
	if KindOf(dsn) == SQLite {
		return dsn
	}
	return withoutPassword(dsn)
}

// withoutPassword drops the password of an address, in both places that
// PostgreSQL reads it from.
func withoutPassword(dsn string) string {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "postgres://(malformed)"
	}
	if config.Password == "" {
		return dsn
	}
	scheme, rest, _ := strings.Cut(dsn, "://")
	if login, host, found := strings.Cut(rest, "@"); found {
		user, _, _ := strings.Cut(login, ":")
		rest = user + "@" + host
	}
	base, query, _ := strings.Cut(rest, "?")
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" && !strings.HasPrefix(pair, "password=") {
			kept = append(kept, pair)
		}
	}
	if len(kept) > 0 {
		base += "?" + strings.Join(kept, "&")
	}
	return scheme + "://" + base
}

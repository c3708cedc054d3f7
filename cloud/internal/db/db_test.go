package db_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
)

type counter struct {
	bun.BaseModel `bun:"table:counter"`

	Name string `bun:"name,pk"`
	N    int64  `bun:"n"`
}

func makeCounter(t *testing.T, d *db.DB) {
	t.Helper()
	if _, err := d.Write().NewCreateTable().Model((*counter)(nil)).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write().NewInsert().Model(&counter{Name: "a"}).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTransactionsThatReadAndWriteLoseNothing(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		makeCounter(t, d)
		const writers = 8
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				err := d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
					var c counter
					if err := tx.NewSelect().Model(&c).Where("name = ?", "a").Scan(ctx); err != nil {
						return err
					}
					c.N++
					_, err := tx.NewUpdate().Model(&c).WherePK().Exec(ctx)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		var c counter
		if err := d.Read().NewSelect().Model(&c).Scan(t.Context()); err != nil || c.N != writers {
			t.Errorf("counted %d of %d, %v", c.N, writers, err)
		}
	})
}

func TestFailedTransactionLeavesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		makeCounter(t, d)
		stop := errors.New("stop")
		err := d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.NewInsert().Model(&counter{Name: "b"}).Exec(ctx); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("error %v, want the one of the function", err)
		}
		err = d.Read().NewSelect().Model(&counter{}).Where("name = ?", "b").Scan(t.Context())
		if !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("a row of a failed transaction: %v", err)
		}
	})
}

func TestDatabaseFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "hub 1%.sqlite") // what a URL would mistake
	d := dbtest.Open(t, path)
	copied := filepath.Join(t.TempDir(), "copy.sqlite")
	if err := d.Dump(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, copied} {
		info, err := os.Stat(p)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", p, info, err)
		}
	}
}

func TestDatabaseOfANewerHubIsRefusedInWords(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.sqlite")
	d := dbtest.Open(t, path)
	if _, err := d.Write().ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999999, 1)"); err != nil {
		t.Fatal(err)
	}
	_, err := db.Open(t.Context(), db.Options{DSN: path})
	if err == nil || !strings.Contains(err.Error(), "newer gourdian-hub") {
		t.Errorf("error %v", err)
	}
}

func TestUnknownAddressIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := db.Open(t.Context(), db.Options{DSN: "mysql://x"}); err == nil || !strings.Contains(err.Error(), "postgres://") {
		t.Errorf("error %v", err)
	}
}

func TestTimesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 3, 4, 5, 123456000, time.UTC)
	if got := db.Time(db.Micros(at)); !got.Equal(at) || !db.Time(db.Micros(time.Time{})).IsZero() {
		t.Errorf("%v", got)
	}
}

package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/predict"
	"gourdian/internal/bundle"
	"gourdian/internal/vision"
)

// Registry keeps models. Any number of goroutines may use it.
type Registry struct {
	db    *db.DB
	blobs *blob.Store
	dir   string // for bundles on their way and the champion's file
	hooks Hooks  // set before it is used

	mu      sync.Mutex    // guards changed
	changed chan struct{} // closed when the champion moves
}

// Open returns the registry. dir is its own folder: what an earlier run left
// there is removed.
func Open(d *db.DB, blobs *blob.Store, dir string) (*Registry, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	return &Registry{db: d, blobs: blobs, dir: dir, changed: make(chan struct{})}, nil
}

// Hooks are asked within the transaction of what they are named by; an error
// undoes it. nil ones are not asked.
type Hooks struct {
	Moved  func(ctx context.Context, tx bun.Tx, m Move, v Version) error
	Delete func(ctx context.Context, tx bun.Tx, v Version) error
}

// Hook sets the hooks, before the registry is used.
func (g *Registry) Hook(h Hooks) { g.hooks = h }

// Push checks the bundle in r and keeps it as a new version. One that is there
// already comes back with created = false.
func (g *Registry) Push(ctx context.Context, r io.Reader, by, notes string) (v Version, created bool, err error) {
	if len(notes) > MaxText {
		return Version{}, false, fmt.Errorf("notes of %d bytes, at most %d", len(notes), MaxText)
	}
	file, err := os.CreateTemp(g.dir, "push-*.part")
	if err != nil {
		return Version{}, false, fmt.Errorf("push model: %w", err)
	}
	defer func() { _ = errors.Join(file.Close(), os.Remove(file.Name())) }() // it was kept, or refused
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(r, bundle.MaxSize+1))
	if err != nil {
		return Version{}, false, fmt.Errorf("push model: %w", err)
	}
	if size > bundle.MaxSize {
		return Version{}, false, fmt.Errorf("push model: %w", ErrTooLarge)
	}
	b, err := bundle.Read(file, size)
	if err == nil {
		err = b.CheckPreprocess(vision.PreprocessID())
	}
	if err != nil {
		return Version{}, false, fmt.Errorf("push model: %w", err)
	}
	name := hex.EncodeToString(sum.Sum(nil))
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return Version{}, false, fmt.Errorf("push model: %w", err)
	}
	if err := g.blobs.PutFrom(ctx, blob.Bundles, name, size, file); err != nil {
		return Version{}, false, fmt.Errorf("push model: %w", err)
	}
	facts, err := json.Marshal(factsOf(&b.Manifest))
	if err != nil {
		return Version{}, false, fmt.Errorf("push model: %w", err)
	}
	return g.add(ctx, versionRow{
		Bundle: b.ID, Blob: name, Bytes: size, Facts: string(facts), PushedBy: by, PushedAt: time.Now().UnixMicro(), Notes: notes,
	})
}

// add gives a row the next number, unless its bundle has one. A deleted bundle
// that is pushed again gets its file back under its old number.
func (g *Registry) add(ctx context.Context, row versionRow) (v Version, created bool, err error) {
	err = g.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		created = false // it may run again
		var known versionRow
		err := tx.NewSelect().Model(&known).Where("bundle = ?", row.Bundle).Scan(ctx)
		if err == nil {
			if known.Deleted {
				created, known.Deleted, known.Blob = true, false, row.Blob
				if _, err := tx.NewUpdate().Model(&known).WherePK().Column("deleted", "blob").Exec(ctx); err != nil {
					return err
				}
			}
			row = known
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		created = true
		if err := tx.NewSelect().Model((*versionRow)(nil)).ColumnExpr("COALESCE(MAX(number), 0)").Scan(ctx, &row.Number); err != nil {
			return err
		}
		row.Number++
		_, err = tx.NewInsert().Model(&row).Exec(ctx)
		return err
	})
	if err != nil {
		return Version{}, false, fmt.Errorf("keep model: %w", err)
	}
	v, err = row.version()
	return v, created, err
}

// Versions returns all versions, the newest first.
func (g *Registry) Versions(ctx context.Context) ([]Version, error) {
	var rows []versionRow
	if err := g.db.Read().NewSelect().Model(&rows).Order("number DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	out := make([]Version, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].version(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Version returns one version.
func (g *Registry) Version(ctx context.Context, number int64) (Version, error) {
	return version(ctx, g.db.Read(), number)
}

func version(ctx context.Context, q bun.IDB, number int64) (Version, error) {
	var row versionRow
	err := q.NewSelect().Model(&row).Where("number = ?", number).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Version{}, fmt.Errorf("%w: %d", ErrNotFound, number)
	}
	if err != nil {
		return Version{}, fmt.Errorf("read model version %d: %w", number, err)
	}
	return row.version()
}

// Alias returns where the champion stands.
func (g *Registry) Alias(ctx context.Context) (Alias, error) { return alias(ctx, g.db.Read()) }

func alias(ctx context.Context, q bun.IDB) (Alias, error) {
	var row aliasRow
	err := q.NewSelect().Model(&row).Where("name = ?", champion).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Alias{}, fmt.Errorf("read champion: %w", err)
	}
	return Alias{Number: row.Number, Revision: row.Revision}, nil
}

// Move makes a version the champion. revision is that of the alias as the
// person saw it; ErrChanged says that it was moved since.
func (g *Registry) Move(ctx context.Context, number, revision int64, by, reason string) (Move, error) {
	return g.move(ctx, by, reason, revision, func(context.Context, bun.Tx, Alias) (int64, error) { return number, nil })
}

// Back makes the version before the present champion the champion again.
func (g *Registry) Back(ctx context.Context, revision int64, by, reason string) (Move, error) {
	return g.move(ctx, by, reason, revision, func(ctx context.Context, tx bun.Tx, now Alias) (int64, error) {
		var last moveRow
		err := tx.NewSelect().Model(&last).Where("alias = ? AND revision = ?", champion, now.Revision).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) || err == nil && last.From == 0 {
			return 0, ErrNothingBefore
		}
		return last.From, err
	})
}

func (g *Registry) move(ctx context.Context, by, reason string, revision int64,
	target func(context.Context, bun.Tx, Alias) (int64, error),
) (Move, error) {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > MaxText {
		return Move{}, ErrReason
	}
	row := moveRow{Alias: champion, By: by, At: time.Now().UnixMicro(), Reason: reason}
	err := g.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now, err := alias(ctx, tx)
		if err != nil {
			return err
		}
		if now.Revision != revision {
			return ErrChanged
		}
		if row.To, err = target(ctx, tx, now); err != nil {
			return err
		}
		v, err := version(ctx, tx, row.To)
		if err != nil {
			return err
		}
		if v.Deleted {
			return fmt.Errorf("%w: %d was deleted", ErrNotFound, row.To)
		}
		row.From, row.Revision = now.Number, now.Revision+1
		to := aliasRow{Name: champion, Number: row.To, Revision: row.Revision}
		if _, err := tx.NewInsert().Model(&to).On("CONFLICT (name) DO UPDATE").
			Set("number = EXCLUDED.number").Set("revision = EXCLUDED.revision").Exec(ctx); err != nil {
			return err
		}
		if _, err = tx.NewInsert().Model(&row).Exec(ctx); err != nil || g.hooks.Moved == nil { // its key refuses a second one of this revision
			return err
		}
		return g.hooks.Moved(ctx, tx, row.move(), v)
	})
	if err != nil {
		return Move{}, fmt.Errorf("move champion: %w", err)
	}
	g.announce()
	return row.move(), nil
}

// Moves returns the newest moves of the champion, the newest first.
func (g *Registry) Moves(ctx context.Context, most int) ([]Move, error) {
	var rows []moveRow
	err := g.db.Read().NewSelect().Model(&rows).Where("alias = ?", champion).Order("revision DESC").Limit(int64(most)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list moves: %w", err)
	}
	out := make([]Move, len(rows))
	for i := range rows {
		out[i] = rows[i].move()
	}
	return out, nil
}

// Delete removes a version's file for good. Its line and its moves stay.
func (g *Registry) Delete(ctx context.Context, number int64) error {
	var gone Version
	err := g.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now, err := alias(ctx, tx)
		if err != nil {
			return err
		}
		if now.Number == number {
			return ErrChampion
		}
		if gone, err = version(ctx, tx, number); err != nil {
			return err
		}
		if g.hooks.Delete != nil {
			if err := g.hooks.Delete(ctx, tx, gone); err != nil {
				return err
			}
		}
		_, err = tx.NewUpdate().Model((*versionRow)(nil)).Set("deleted = ?", true).Where("number = ?", number).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete model version %d: %w", number, err)
	}
	return g.blobs.Delete(ctx, blob.Bundles, gone.Blob)
}

// Changed returns a channel that is closed when the champion moves.
func (g *Registry) Changed() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changed
}

func (g *Registry) announce() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.changed)
	g.changed = make(chan struct{})
}

// Champion returns the champion with a file of its own, for a worker to read;
// it implements predict.Models.
func (g *Registry) Champion(ctx context.Context) (c predict.Champion, ok bool, err error) {
	now, err := g.Alias(ctx)
	if err != nil || now.Number == 0 {
		return c, false, err
	}
	v, err := g.Version(ctx, now.Number)
	if err != nil {
		return c, false, err
	}
	path := filepath.Join(g.dir, v.Bundle+".gourdian")
	if err := g.lay(ctx, v, path); err != nil {
		return c, false, fmt.Errorf("lay out the champion's file: %w", err)
	}
	return predict.Champion{Version: v.Number, ID: v.Bundle, Path: path}, true, nil
}

// lay puts a version's file where a worker can read it, whole or not at all.
func (g *Registry) lay(ctx context.Context, v Version, path string) (err error) {
	if info, err := os.Stat(path); err == nil && info.Size() == v.Bytes {
		return nil
	}
	r, _, err := g.blobs.Open(ctx, blob.Bundles, v.Blob)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	file, err := os.CreateTemp(g.dir, "lay-*.part")
	if err != nil {
		return err
	}
	if _, err = io.Copy(file, r); err != nil {
		return errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err := file.Close(); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), path)
}

// WriteTo copies a version's file to w, for boards and people.
func (g *Registry) WriteTo(ctx context.Context, number int64, w io.Writer) error {
	v, err := g.Version(ctx, number)
	if err != nil {
		return err
	}
	r, _, err := g.blobs.Open(ctx, blob.Bundles, v.Blob)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	_, err = io.Copy(w, r)
	return err
}

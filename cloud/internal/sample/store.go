package sample

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/internal/vision"
)

// Preparer looks at pictures in a worker; *predict.Decoders is one. Errors that
// wrap capture.ErrBadImage or capture.ErrTooLarge are the picture's fault.
type Preparer interface {
	Prepare(ctx context.Context, file []byte) (in vision.Tensor, w, h int, err error)
}

// Config bounds what is kept.
type Config struct {
	Dir    string        // for pictures on their way
	Limits func() Limits // in force now; asked each time
	// Doubts asks the champion whether a picture is probably no pumpkin; known is
	// false where it can't be asked. nil = there is nobody to ask.
	Doubts func(ctx context.Context, in vision.Tensor) (doubt, known bool)
	Log    *slog.Logger
}

// Limits are how much is kept, and for how long.
type Limits struct {
	Quota        int64 // bytes of all pictures
	PerBoard     int   // unlabelled pictures of one board that are kept at most
	KeepDays     int   // pictures without a label are deleted after so many days, 0 = never
	VisitorsDays int   // the same for what visitors gave, labelled or not
}

// Always are limits that do not change.
func (l Limits) Always() func() Limits { return func() Limits { return l } }

// Store keeps samples. Any number of goroutines may use it.
type Store struct {
	config  Config
	db      *db.DB
	blobs   *blob.Store
	look    Preparer
	arrived chan struct{} // holds a token while something may be unchecked

	speaker atomic.Pointer[Speaker]

	pieces sync.Mutex // serialises the files of pictures on their way
}

// Open returns the store.
func Open(config Config, d *db.DB, blobs *blob.Store, look Preparer) (*Store, error) {
	if err := os.MkdirAll(config.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("open samples: %w", err)
	}
	s := &Store{config: config, db: d, blobs: blobs, look: look, arrived: make(chan struct{}, 1)}
	s.ring()
	return s, nil
}

func (s *Store) ring() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// Get returns one picture's line, with its label.
func (s *Store) Get(ctx context.Context, hash string) (Sample, error) {
	var one Sample
	err := withLabels(s.db.Read().NewSelect().Model(&one)).Where("s.hash = ?", hash).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return one, ErrNotFound
	}
	if err != nil {
		return one, fmt.Errorf("read sample: %w", err)
	}
	return one, nil
}

// Picture returns a picture's bytes.
func (s *Store) Picture(ctx context.Context, hash string) ([]byte, error) {
	data, err := s.blobs.Get(ctx, blob.Pictures, hash, maxBytes)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrName) {
		return nil, ErrNotFound
	}
	return data, err
}

// maxBytes of a picture that is kept.
const maxBytes = 30 << 20

// Delete removes a picture everywhere: its bytes, its label with its history,
// what was computed of it, and the copy of the board that sent it as soon as that
// hears of it. Its name stays, so that no board and no import brings it back.
func (s *Store) Delete(ctx context.Context, hash string) error { return s.drop(ctx, hash, true) }

// drop removes a picture on the hub and, where everywhere is set, on its board.
func (s *Store) drop(ctx context.Context, hash string, everywhere bool) error {
	var erase []erasure
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		there, err := tx.NewSelect().Model((*Sample)(nil)).Where("s.hash = ?", hash).Exists(ctx)
		if err != nil {
			return err
		}
		if !there {
			return ErrNotFound
		}
		if everywhere {
			if erase, err = mustErase(ctx, tx, []string{hash}); err != nil {
				return err
			}
		}
		return forget(ctx, tx, []string{hash})
	})
	if err != nil {
		return fmt.Errorf("delete sample: %w", err)
	}
	s.tell(erase)
	if err := s.forgetPieces(hash); err != nil {
		return err
	}
	return s.blobs.Delete(ctx, blob.Pictures, hash)
}

// derived are the tables of what was made of pictures; each has a column hash.
func derived() []string {
	return []string{"labels", "label_events", "label_claims", "embeddings", "picture_qualities", "opinions", "sample_batch_items"}
}

// Run checks pictures as they arrive, until ctx is done.
func (s *Store) Run(ctx context.Context) error {
	again := time.NewTicker(time.Hour) // what failed for a reason of the machine
	defer again.Stop()
	for {
		if err := s.CheckAll(ctx); err != nil && ctx.Err() == nil {
			s.config.Log.Error("samples", "error", err)
		}
		select {
		case <-s.arrived:
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Retain deletes what is older than retention allows, as of now, and says how
// many pictures that were. step is told how far it is; cut off, the next call
// does the rest.
func (s *Store) Retain(ctx context.Context, now time.Time, step func(done, total int)) (deleted int, err error) {
	limits := s.config.Limits()
	for _, rule := range []struct {
		days  int
		which string
	}{
		{limits.KeepDays, "s.source <> 'visitor' AND NOT EXISTS (SELECT 1 FROM labels l WHERE l.hash = s.hash AND l.label <> '')"},
		{limits.VisitorsDays, "s.source = 'visitor'"},
	} {
		if rule.days <= 0 {
			continue
		}
		var old []string
		err := s.db.Read().NewSelect().Model((*Sample)(nil)).Column("hash").Where("s.state IN (?)", bun.In([]State{Kept, Coming})).
			Where("s.received_at < ?", now.AddDate(0, 0, -rule.days).UnixMicro()).Where(rule.which).Scan(ctx, &old)
		if err != nil {
			return deleted, fmt.Errorf("look for old samples: %w", err)
		}
		for i, hash := range old {
			step(i, len(old))
			if err := s.drop(ctx, hash, false); err != nil {
				return deleted, err
			}
			deleted++
		}
		if len(old) > 0 {
			s.config.Log.Info("old samples were deleted", "count", len(old), "days", rule.days)
		}
	}
	return deleted, errors.Join(s.forgetPromised(ctx, now), s.sweep(now))
}

// stale is how long a picture that was offered may be on its way.
const stale = 7 * 24 * time.Hour

// forgetPromised lets go of pictures that were offered and never came: boards
// lose some for room, and what is promised takes room here. Offered again, they
// are wanted again.
func (s *Store) forgetPromised(ctx context.Context, now time.Time) error {
	_, err := s.db.Write().NewDelete().Model((*Sample)(nil)).Where("state = ?", Coming).Where("received_at < ?", now.Add(-stale).UnixMicro()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("forget offers: %w", err)
	}
	return nil
}

// sweep removes pieces of pictures that nobody went on with for a week.
func (s *Store) sweep(now time.Time) error {
	s.pieces.Lock()
	defer s.pieces.Unlock()
	entries, err := os.ReadDir(s.config.Dir)
	if err != nil {
		return fmt.Errorf("sweep pieces: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || now.Sub(info.ModTime()) < stale {
			continue
		}
		if err := os.Remove(filepath.Join(s.config.Dir, entry.Name())); err != nil {
			return fmt.Errorf("sweep pieces: %w", err)
		}
	}
	return nil
}

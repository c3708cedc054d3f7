package sample

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/internal/wire"
)

// A picture that somebody deletes goes from the board that sent it as well. What
// a board is to erase is written down with the deletion, is said at once, after
// each of the board's states and to each offer, and is done when the board says
// so: a board that is away hears it when it is back.

// deleted is why a deleted picture is refused.
const deleted = "deleted"

// askedAtOnce is how many erasures a board is asked for before it has answered.
const askedAtOnce = 32

// erasure is a picture that a board is to erase.
type erasure struct {
	bun.BaseModel `bun:"table:erasures,alias:x"`

	Device  string `bun:"device,pk"`
	Hash    string `bun:"hash,pk"`
	AskedAt int64  `bun:"asked_at"`
	DoneAt  int64  `bun:"done_at"` // 0 = the board has not answered
}

func (x erasure) want() wire.Want {
	return wire.Want{Contract: wire.Contract, Hash: x.Hash, Refuse: deleted, Erase: true}
}

// Speaker says something to a board; package broker has one. An error means that
// the board hears it later.
type Speaker interface {
	Publish(device, name string, payload []byte) error
}

// Attach says how boards are told. Before, they hear of deletions with their
// states only.
func (s *Store) Attach(speaker Speaker) { s.speaker.Store(&speaker) }

// mustErase writes down that boards are to erase what is being deleted.
func mustErase(ctx context.Context, tx bun.Tx, gone []string) ([]erasure, error) {
	var rows []Sample
	err := tx.NewSelect().Model(&rows).Column("hash", "device").Where("s.device <> ''").Where("s.hash IN (?)", bun.In(gone)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var list []erasure
	for _, row := range rows {
		list = append(list, erasure{Device: row.Device, Hash: row.Hash, AskedAt: time.Now().UnixMicro()})
	}
	_, err = tx.NewInsert().Model(&list).On("CONFLICT (device, hash) DO NOTHING").Exec(ctx)
	return list, err
}

// tell says to boards at once what they are to erase, as far as they are there.
func (s *Store) tell(list []erasure) {
	speaker := s.speaker.Load()
	if speaker == nil {
		return
	}
	for _, x := range list[:min(len(list), askedAtOnce)] {
		if data, err := json.Marshal(x.want()); err == nil {
			_ = (*speaker).Publish(x.Device, wire.TopicWant, data) // it is said again
		}
	}
}

// offeredAgain notes that a board has a picture which somebody deleted, and
// reports whether it is to erase it: one that went by age may stay there.
func (s *Store) offeredAgain(ctx context.Context, device, hash string) (bool, error) {
	asked, err := s.db.Read().NewSelect().Model((*erasure)(nil)).Where("x.hash = ?", hash).Exists(ctx)
	if err != nil || !asked {
		return false, err
	}
	x := erasure{Device: device, Hash: hash, AskedAt: time.Now().UnixMicro()}
	_, err = s.db.Write().NewInsert().Model(&x).On("CONFLICT (device, hash) DO UPDATE").Set("done_at = 0").Exec(ctx)
	return err == nil, err
}

// Erasures returns what a board is to be told again, the longest asked first.
func (s *Store) Erasures(ctx context.Context, tx bun.IDB, device string) ([]wire.Want, error) {
	return erasuresOf(ctx, tx, device, 0, askedAtOnce)
}

func erasuresOf(ctx context.Context, tx bun.IDB, device string, skip, most int64) ([]wire.Want, error) {
	var list []erasure
	err := tx.NewSelect().Model(&list).Where("x.device = ? AND x.done_at = 0", device).Order("x.asked_at", "x.hash").Offset(skip).Limit(most).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for erasures: %w", err)
	}
	var wants []wire.Want
	for _, x := range list {
		wants = append(wants, x.want())
	}
	return wants, nil
}

// Erased keeps that a board has a picture no more, and returns what it is to be
// told next: the one behind those that it was asked for already.
func (s *Store) Erased(ctx context.Context, device, hash string) ([]wire.Want, error) {
	result, err := s.db.Write().NewUpdate().Model((*erasure)(nil)).Set("done_at = ?", time.Now().UnixMicro()).
		Where("x.device = ? AND x.hash = ? AND x.done_at = 0", device, hash).Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("keep erasure: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return nil, err
	}
	return erasuresOf(ctx, s.db.Read(), device, askedAtOnce-1, 1)
}

// Erasing is how many pictures a board has still to erase.
func (s *Store) Erasing(ctx context.Context, device string) (int, error) {
	n, err := s.db.Read().NewSelect().Model((*erasure)(nil)).Where("x.device = ? AND x.done_at = 0", device).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count erasures: %w", err)
	}
	return int(n), nil
}

package sample

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/internal/wire"
)

// Board is who offers.
type Board struct{ Device, Site string }

// Offer answers a board's offer: from which byte the picture is wanted, or why
// it is not.
func (s *Store) Offer(ctx context.Context, from Board, offer wire.Sample) (wire.Want, error) {
	want := wire.Want{Contract: wire.Contract, Hash: offer.Hash}
	var known Sample
	err := s.db.Read().NewSelect().Model(&known).Where("s.hash = ?", offer.Hash).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if want.Refuse, err = s.noRoom(ctx, from.Device, offer.Bytes); err != nil || want.Refuse != "" {
			return want, err
		}
		row := Sample{
			Hash: offer.Hash, Bytes: offer.Bytes, Source: FromBoard, Device: from.Device, Site: from.Site, Camera: offer.Camera, Zone: offer.Zone,
			Epoch: offer.Epoch, Seq: int64(offer.Seq), Why: offer.Why, Worth: offer.Worth, Verdict: offer.Verdict, Correction: offer.Correction,
			CapturedAt: offer.CapturedAt.UnixMicro(), ReceivedAt: time.Now().UnixMicro(), State: Coming,
		}
		if _, err := s.db.Write().NewInsert().Model(&row).On("CONFLICT (hash) DO NOTHING").Exec(ctx); err != nil {
			return want, fmt.Errorf("keep offer: %w", err)
		}
		return want, nil
	case err != nil:
		return want, fmt.Errorf("look for offer: %w", err)
	}
	switch known.State {
	case Deleted:
		want.Refuse = deleted
		want.Erase, err = s.offeredAgain(ctx, from.Device, offer.Hash)
		return want, err
	case Refused:
		want.Refuse = string(known.Fault)
	case Kept:
		want.Offset = offer.Bytes
		return want, s.correct(ctx, from, &known, offer)
	default:
		want.Offset = s.arrivedSoFar(offer.Hash)
		_, err := s.db.Write().NewUpdate().Model((*Sample)(nil)).Set("received_at = ?", time.Now().UnixMicro()).
			Where("s.hash = ? AND s.state = ?", offer.Hash, Coming).Exec(ctx)
		if err != nil {
			return want, fmt.Errorf("keep offer: %w", err)
		}
		return want, s.correct(ctx, from, &known, offer)
	}
	return want, nil
}

// correct takes what the farmer said since the picture was first offered.
func (s *Store) correct(ctx context.Context, from Board, known *Sample, offer wire.Sample) error {
	same := known.Epoch == offer.Epoch && known.Seq == int64(offer.Seq)
	if known.Device != from.Device || known.Correction == offer.Correction && known.Why == offer.Why {
		return nil
	}
	if !same && offer.Correction == "" {
		return nil // another record shows the picture too, and nothing is said of it
	}
	_, err := s.db.Write().NewUpdate().Model((*Sample)(nil)).Set("correction = ?", offer.Correction).Set("why = ?", offer.Why).
		Set("worth = ?", offer.Worth).Where("s.hash = ?", known.Hash).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep correction: %w", err)
	}
	return nil
}

// noRoom says why a new picture has no place, "" where it has.
func (s *Store) noRoom(ctx context.Context, device string, bytes int64) (string, error) {
	used, err := s.used(ctx)
	if err != nil {
		return "", err
	}
	if used+bytes > s.config.Limits().Quota {
		return "the hub's room for pictures is used up", nil
	}
	waiting, err := s.db.Read().NewSelect().Model((*Sample)(nil)).Where("s.device = ?", device).Where("s.state IN ('kept', 'coming')").
		Where("NOT EXISTS (SELECT 1 FROM labels l WHERE l.hash = s.hash AND l.label <> '')").Count(ctx)
	if err != nil {
		return "", fmt.Errorf("count samples: %w", err)
	}
	if waiting >= int64(s.config.Limits().PerBoard) {
		return "enough pictures of this board wait for a label", nil
	}
	return "", nil
}

// used is how many bytes pictures take, those on their way included.
func (s *Store) used(ctx context.Context) (int64, error) {
	var used int64
	err := s.db.Read().NewSelect().Model((*Sample)(nil)).ColumnExpr("COALESCE(SUM(s.bytes), 0)").Where("s.state IN ('kept', 'coming')").Scan(ctx, &used)
	if err != nil {
		return 0, fmt.Errorf("sum samples: %w", err)
	}
	return used, nil
}

// Piece takes a piece of a wanted picture. The answer says from which byte the
// next one is wanted; at the picture's size it is complete, and on disk.
func (s *Store) Piece(ctx context.Context, from Board, h wire.SampleHeader, body []byte) (wire.Want, error) {
	want := wire.Want{Contract: wire.Contract, Hash: h.Hash}
	known, err := s.Get(ctx, h.Hash)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && known.Device != from.Device:
		want.Refuse = "it was not offered"
		return want, nil
	case err != nil:
		return want, err
	case known.State == Kept:
		want.Offset = h.Total
		return want, nil
	case known.State != Coming:
		want.Refuse = string(known.State)
		return want, nil
	case h.Total != known.Bytes:
		want.Refuse = "it has another size than it was offered with"
		return want, nil
	}
	have, err := s.append(h.Hash, h.Offset, body)
	if err != nil {
		return want, err
	}
	if want.Offset = have; have < h.Total {
		return want, nil
	}
	return s.complete(ctx, known, want)
}

// complete keeps a picture that is there as a whole.
func (s *Store) complete(ctx context.Context, known Sample, want wire.Want) (wire.Want, error) {
	data, err := os.ReadFile(s.piecePath(known.Hash))
	if err != nil {
		return want, fmt.Errorf("read pieces: %w", err)
	}
	if blob.Name(data) != known.Hash { // something was damaged on the way: from the start again
		want.Offset = 0
		return want, s.forgetPieces(known.Hash)
	}
	if _, err := s.blobs.Put(ctx, blob.Pictures, data); err != nil {
		return want, err
	}
	_, err = s.db.Write().NewUpdate().Model((*Sample)(nil)).Set("state = ?", Kept).Set("received_at = ?", time.Now().UnixMicro()).
		Where("s.hash = ? AND s.state = ?", known.Hash, Coming).Exec(ctx)
	if err != nil {
		return want, fmt.Errorf("keep sample: %w", err)
	}
	s.ring()
	return want, s.forgetPieces(known.Hash)
}

func (s *Store) piecePath(hash string) string { return filepath.Join(s.config.Dir, hash+".part") }

// arrivedSoFar is how many bytes of a picture wait in its file.
func (s *Store) arrivedSoFar(hash string) int64 {
	info, err := os.Stat(s.piecePath(hash))
	if err != nil {
		return 0
	}
	return info.Size()
}

// append writes a piece that continues what is there; another one is passed
// over, and the answer says where to go on.
func (s *Store) append(hash string, offset int64, body []byte) (have int64, err error) {
	s.pieces.Lock()
	defer s.pieces.Unlock()
	f, err := os.OpenFile(s.piecePath(hash), os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return 0, fmt.Errorf("keep piece: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, errors.Join(fmt.Errorf("keep piece: %w", err), f.Close())
	}
	have = info.Size()
	if offset <= have && offset+int64(len(body)) > have {
		_, err = f.WriteAt(body[have-offset:], have)
		have = offset + int64(len(body))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("keep piece: %w", err)
	}
	return have, nil
}

func (s *Store) forgetPieces(hash string) error {
	s.pieces.Lock()
	defer s.pieces.Unlock()
	if err := os.Remove(s.piecePath(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget pieces: %w", err)
	}
	return nil
}

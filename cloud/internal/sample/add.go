package sample

import (
	"context"
	"fmt"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// Given is a picture that a person brings.
type Given struct {
	Source     Source
	Origin     string // name of the file or of the page
	Site       string // "" = unknown
	Data       []byte
	CapturedAt time.Time // zero = unknown
	Verdict    wire.Verdict
	Correction wire.Verdict
	// KeepPoor keeps dark, bright and blurred pictures too.
	KeepPoor bool
	// Doubts is asked whether the picture is probably no pumpkin, nil = nobody is.
	// Such a one is Unlikely, and not kept; with KeepUnlikely it is kept, for
	// somebody to label.
	Doubts       func(ctx context.Context, in vision.Tensor) (doubt bool)
	KeepUnlikely bool
}

// maxSite bounds the name of a site, in bytes; package fleet has shorter ones.
const maxSite = 320

// Add looks at a picture and keeps it. fault says why it was not kept, Sound
// where it was; a picture that is known already, or shows the same scene as a
// kept one of its source, is a Duplicate.
func (s *Store) Add(ctx context.Context, g Given) (hash string, fault Fault, err error) {
	if len(g.Data) > maxBytes {
		return "", TooLarge, nil
	}
	hash = blob.Name(g.Data)
	known, err := s.db.Read().NewSelect().Model((*Sample)(nil)).Where("s.hash = ?", hash).Exists(ctx)
	if err != nil {
		return "", "", fmt.Errorf("look for picture: %w", err)
	}
	if known { // a deleted one does not come back
		return hash, Duplicate, nil
	}
	v, err := s.examine(ctx, g.Data)
	if err != nil {
		return "", "", err
	}
	if v.fault.useless() || v.fault != Sound && !g.KeepPoor {
		return hash, v.fault, nil
	}
	now := time.Now().UnixMicro()
	row := Sample{
		Hash: hash, Bytes: int64(len(g.Data)), Source: g.Source, Origin: wire.Text(g.Origin, wire.MaxText), Site: wire.Text(g.Site, maxSite),
		Verdict: g.Verdict, Correction: g.Correction, CapturedAt: now, ReceivedAt: now, State: Kept,
	}
	if !g.CapturedAt.IsZero() {
		row.CapturedAt = g.CapturedAt.UnixMicro()
	}
	if g.Correction != "" {
		row.Why, row.Worth = wire.WhyCorrection, 1
	}
	v.write(&row)
	twin, err := s.twin(ctx, &row)
	if err != nil || twin != "" {
		return hash, Duplicate, err
	}
	if g.Doubts != nil && g.Doubts(ctx, v.tensor) {
		if !g.KeepUnlikely {
			return hash, Unlikely, nil
		}
		row.Queue = QueuedByHand
	}
	used, err := s.used(ctx)
	if err != nil {
		return "", "", err
	}
	if used+row.Bytes > s.config.Limits().Quota {
		return "", "", ErrFull
	}
	if _, err := s.blobs.Put(ctx, blob.Pictures, g.Data); err != nil {
		return "", "", err
	}
	if _, err := s.db.Write().NewInsert().Model(&row).On("CONFLICT (hash) DO NOTHING").Exec(ctx); err != nil {
		return "", "", fmt.Errorf("keep picture: %w", err)
	}
	return hash, Sound, nil
}

package sample

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Pick is a picture as a person saw it.
type Pick struct {
	Hash    string
	Version int64 // of its label, 0 = none
}

// unseen is the version of a label that came after the person looked: no label
// has it, so nothing that depends on it is done.
const unseen = -1

// Selection is what a person chose of a list: some pictures, or all that a
// filter left when he looked.
type Selection struct {
	Picks  []Pick
	All    bool
	Filter Filter
	Seen   time.Time // when he looked at All
}

// portion is how many pictures are worked on in one transaction: short enough
// for others who write.
const portion = 200

// Portions calls visit for the pictures of a selection, some at a time. What
// came or was labelled after the person looked is no part of it, or has a
// version that no label has.
func (s *Store) Portions(ctx context.Context, sel Selection, visit func(ctx context.Context, picks []Pick) error) error {
	if !sel.All {
		for at := 0; at < len(sel.Picks); at += portion {
			if err := visit(ctx, sel.Picks[at:min(at+portion, len(sel.Picks))]); err != nil {
				return err
			}
		}
		return nil
	}
	after := Cursor{ReceivedAt: sel.Seen.UnixMicro() + 1}
	for {
		picks, next, err := s.portion(ctx, sel, after)
		if err != nil || len(picks) == 0 {
			return err
		}
		if err := visit(ctx, picks); err != nil {
			return err
		}
		after = next
	}
}

func (s *Store) portion(ctx context.Context, sel Selection, after Cursor) (picks []Pick, next Cursor, err error) {
	var rows []struct {
		Hash       string
		ReceivedAt int64
		Version    int64
		LabelledAt int64
	}
	err = sel.Filter.Apply(s.db.Read().NewSelect().Model((*Sample)(nil))).Join("LEFT JOIN labels l ON l.hash = s.hash").
		Column("s.hash", "s.received_at").ColumnExpr("COALESCE(l.version, 0) AS version").ColumnExpr("COALESCE(l.labelled_at, 0) AS labelled_at").
		Where("s.state = ?", Kept).Where("(s.received_at < ? OR (s.received_at = ? AND s.hash < ?))", after.ReceivedAt, after.ReceivedAt, after.Hash).
		Order("s.received_at DESC", "s.hash DESC").Limit(portion).Scan(ctx, &rows)
	if err != nil {
		return nil, after, fmt.Errorf("list selected samples: %w", err)
	}
	for _, r := range rows {
		if r.LabelledAt > sel.Seen.UnixMicro() {
			r.Version = unseen
		}
		picks, next = append(picks, Pick{r.Hash, r.Version}), Cursor{r.ReceivedAt, r.Hash}
	}
	return picks, next, nil
}

// hashes are the names of picks.
func hashes(picks []Pick) []string {
	out := make([]string, len(picks))
	for i, p := range picks {
		out[i] = p.Hash
	}
	return out
}

// What can be done with many pictures.
const (
	DidLabel   = "label"
	DidQueue   = "queue"   // put into the label queue, a labelled picture too
	DidUnqueue = "unqueue" // taken out of the label queue
	DidLeave   = "leave"   // left out of training
	DidTake    = "take"    // taken into training again
	DidAuto    = "auto"    // queued by the hub's own rule again
)

// Values of Sample.Queue.
const (
	QueuedByRule = ""    // while it has no label and is no duplicate
	QueuedByHand = "in"  // until somebody labels it
	Unqueued     = "out" // never
)

// Batch is what one person did with many pictures at once.
type Batch struct {
	bun.BaseModel `bun:"table:sample_batches"`

	ID     string `bun:"batch,pk"`
	What   string `bun:"what"`
	Label  string `bun:"label"` // of DidLabel
	Count  int64  `bun:"count"`
	By     string `bun:"made_by"`
	MadeAt int64  `bun:"made_at"`
	Undone bool   `bun:"undone"`
}

type batchItem struct {
	bun.BaseModel `bun:"table:sample_batch_items"`

	Batch  string `bun:"batch,pk"`
	Hash   string `bun:"hash,pk"`
	Before string `bun:"before_value"`
}

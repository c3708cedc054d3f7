package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/people"
	"gourdian/internal/wire"
)

// maxSettings bounds what is desired of a board, in bytes of JSON.
const maxSettings = 16 << 10

// change edits one board, notes it in its history and in the audit log, and
// tells the board what is desired of it now.
func (f *Fleet) change(ctx context.Context, who, device, what string, edit func(ctx context.Context, tx bun.Tx, b *Board) (detail string, err error)) (Board, error) {
	var b Board
	err := f.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if b, err = find(ctx, tx, device); err != nil {
			return err
		}
		detail, err := edit(ctx, tx, &b)
		if err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(&b).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := Note(ctx, tx, f.config.Now(), device, what, detail); err != nil {
			return err
		}
		return people.WriteIn(ctx, tx, who, "board."+what, device, detail)
	})
	if err != nil {
		return b, fmt.Errorf("%s board: %w", what, err)
	}
	b.Online = f.Online(device)
	f.Tell(b)
	return b, nil
}

// Tell says to a connected board what is desired of it. A board that hears
// nothing is told when it next reports.
func (f *Fleet) Tell(b Board) {
	f.mu.RLock()
	link := f.link
	f.mu.RUnlock()
	if link == nil || b.State != Active || b.Wish == 0 {
		return
	}
	data, err := json.Marshal(f.Desired(b))
	if err != nil {
		return // its settings came from JSON
	}
	_ = link.Publish(b.Device, wire.TopicDesired, data)
}

// Desired is what the hub says to a board: with a model, also the root of trust,
// for boards that joined before there was one.
func (f *Fleet) Desired(b Board) wire.Desired {
	d := b.Desired()
	if d.Model != nil {
		d.Root = f.root()
	}
	return d
}

// Want changes, within a transaction of the caller, what the hub wants of a
// board's model. It returns the board as it is then; the caller Tells it once
// the transaction is committed.
func (f *Fleet) Want(ctx context.Context, tx bun.Tx, device string, wanted Wanted) (Board, error) {
	b, err := find(ctx, tx, device)
	if err != nil {
		return b, fmt.Errorf("want a model: %w", err)
	}
	text := ""
	if wanted != (Wanted{}) {
		data, err := json.Marshal(wanted)
		if err != nil {
			return b, fmt.Errorf("want a model: %w", err)
		}
		text = string(data)
	}
	// Settings that the board has answered are not sent again with the new
	// version: the farmer may have changed them since.
	if state, ok := b.Reported(); ok && state.Desired.Version == uint64(b.Wish) {
		b.Settings = ""
	}
	b.WantText, b.Wish = text, b.Wish+1
	_, err = tx.NewUpdate().Model(&b).Column("wanted", "wish", "settings").WherePK().Exec(ctx)
	return b, wrap("want a model", err)
}

// Rename gives a board another name.
func (f *Fleet) Rename(ctx context.Context, who, device, typed string) (Board, error) {
	name, err := cleanName(typed)
	if err != nil {
		return Board{}, fmt.Errorf("rename board: %w", err)
	}
	return f.change(ctx, who, device, "rename", func(_ context.Context, _ bun.Tx, b *Board) (string, error) {
		detail := b.Name + " → " + name
		b.Name, b.Wish = name, b.Wish+1
		return detail, nil
	})
}

// Move puts a board at another site and into a group, "" = none. What it has
// reported stays with the site where it was seen.
func (f *Fleet) Move(ctx context.Context, who, device, typedSite, typedGroup string) (Board, error) {
	return f.move(ctx, who, device, typedSite, typedGroup, time.Time{})
}

// move is Move for one who saw the board at a moment.
func (f *Fleet) move(ctx context.Context, who, device, typedSite, typedGroup string, seen time.Time) (Board, error) {
	site, err := cleanName(typedSite)
	group := ""
	if err == nil && typedGroup != "" {
		group, err = cleanName(typedGroup)
	}
	if err != nil {
		return Board{}, fmt.Errorf("move board: %w", err)
	}
	return f.change(ctx, who, device, "move", func(ctx context.Context, tx bun.Tx, b *Board) (string, error) {
		if err := unchanged(ctx, tx, device, seen); err != nil {
			return "", err
		}
		detail := fmt.Sprintf("%s/%s → %s/%s", b.Site, b.Group, site, group)
		b.Site, b.Group, b.Wish = site, group, b.Wish+1
		return detail, ensureSite(ctx, tx, site, f.config.Now())
	})
}

// Desire wants a board to have settings; those that are not named stay as the
// board has them. The board validates them too, and says what became of them.
func (f *Fleet) Desire(ctx context.Context, who, device string, settings map[string]any) (Board, error) {
	data, err := json.Marshal(settings)
	if err != nil || len(data) > maxSettings {
		return Board{}, fmt.Errorf("set board: %w: %d bytes, at most %d", ErrSettings, len(data), maxSettings)
	}
	var wanted map[string]any // as JSON has it
	if err := json.Unmarshal(data, &wanted); err != nil {
		return Board{}, fmt.Errorf("set board: %w: %w", ErrSettings, err)
	}
	return f.change(ctx, who, device, "set", func(_ context.Context, _ bun.Tx, b *Board) (string, error) {
		if b.State != Active {
			return "", ErrState
		}
		state, _ := b.Reported()
		if err := CheckSettings(wanted, state.Settings); err != nil {
			return "", err
		}
		b.Settings, b.Wish = string(data), b.Wish+1
		return string(data), nil
	})
}

// Revoke forbids a board to connect, at once.
func (f *Fleet) Revoke(ctx context.Context, who, device, reason string) (Board, error) {
	return f.bar(ctx, who, device, "revoke", func(b *Board) string {
		b.State = Revoked
		return reason
	})
}

// Remove takes a board off the lists. Its records and its history stay.
func (f *Fleet) Remove(ctx context.Context, who, device string) (Board, error) {
	return f.bar(ctx, who, device, "remove", func(b *Board) string {
		b.State = Removed
		return b.Name
	})
}

func (f *Fleet) bar(ctx context.Context, who, device, what string, edit func(b *Board) string) (Board, error) {
	b, err := f.change(ctx, who, device, what, func(_ context.Context, _ bun.Tx, b *Board) (string, error) {
		if b.State == Removed {
			return "", ErrState
		}
		return edit(b), nil
	})
	if err == nil {
		f.admit(device, "")
	}
	return b, err
}

// Replace says that another board stands where this one stood: that one takes
// over name, site, group, desired settings and model, this one is removed. Each keeps
// its own records.
func (f *Fleet) Replace(ctx context.Context, who, device, successor string) (Board, error) {
	if device == successor {
		return Board{}, fmt.Errorf("replace board: %w", ErrState)
	}
	var next Board
	old, err := f.change(ctx, who, device, "replace", func(ctx context.Context, tx bun.Tx, b *Board) (string, error) {
		var err error
		if next, err = find(ctx, tx, successor); err != nil {
			return "", err
		}
		if next.State != Active || b.State == Removed {
			return "", ErrState
		}
		next.Name, next.Site, next.Group, next.Settings, next.WantText = b.Name, b.Site, b.Group, b.Settings, b.WantText
		next.Wish++
		b.State, b.Successor = Removed, successor
		if _, err := tx.NewUpdate().Model(&next).WherePK().Exec(ctx); err != nil {
			return "", err
		}
		return successor, Note(ctx, tx, f.config.Now(), successor, "replaces", device)
	})
	if err != nil {
		return old, err
	}
	f.admit(device, "")
	f.Tell(next)
	return old, nil
}

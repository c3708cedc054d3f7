package work

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/people"
)

// fresh is how long what the sources said is taken for the truth: many pages
// that look at once ask them once.
const fresh = 2 * time.Second

// lookTimeout bounds one source.
const lookTimeout = 5 * time.Second

// shownSteps of a card.
const shownSteps = 20

// Desk is where work lies. Any number of goroutines may use it.
type Desk struct {
	db      *db.DB
	sources map[string]Source
	log     *slog.Logger
	now     func() time.Time
	fresh   time.Duration

	mu     sync.Mutex // guards what follows, and lets one look at a time
	items  []Item
	broken []string
	at     time.Time
}

// New returns a desk with sources by name.
func New(d *db.DB, sources map[string]Source, log *slog.Logger) *Desk {
	return &Desk{db: d, sources: sources, log: log, now: time.Now, fresh: fresh}
}

// look asks the sources. One that fails is named; the others count.
func (d *Desk) look(ctx context.Context) (items []Item, broken []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fresh > 0 && !d.at.IsZero() && d.now().Sub(d.at) < d.fresh {
		return d.items, d.broken
	}
	for name, source := range d.sources {
		limited, cancel := context.WithTimeout(ctx, lookTimeout)
		found, err := source.Waiting(limited)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				d.log.Warn("it can't be said what waits", "part", name, "error", err)
			}
			broken = append(broken, name)
			continue
		}
		items = append(items, found...)
	}
	slices.Sort(broken)
	order := Kinds()
	slices.SortStableFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)), a.Since.Compare(b.Since), cmp.Compare(a.Key, b.Key))
	})
	if ctx.Err() == nil {
		d.items, d.broken, d.at = items, broken, d.now()
	}
	return items, broken
}

// List is what waits.
type List struct {
	Cards  []Card
	Broken []string // parts that can't say what waits in them
}

// Cards returns all that waits, hidden things too, with the steps of each.
func (d *Desk) Cards(ctx context.Context) (List, error) {
	items, broken := d.look(ctx)
	list := List{Broken: broken}
	rows, steps, err := d.kept(ctx, items)
	if err != nil {
		return list, err
	}
	now := d.now()
	for _, item := range items {
		row := rows[item.Key]
		card := row.card(item, now)
		card.Steps = steps[item.Key]
		list.Cards = append(list.Cards, card)
	}
	return list, nil
}

// kept reads what people made of things.
func (d *Desk) kept(ctx context.Context, items []Item) (rows map[string]cardRow, steps map[string][]Step, err error) {
	rows, steps = map[string]cardRow{}, map[string][]Step{}
	for some := range slices.Chunk(items, 200) {
		var keys []string
		for _, item := range some {
			keys = append(keys, item.Key)
		}
		var cards []cardRow
		var events []eventRow
		if err := d.db.Read().NewSelect().Model(&cards).Where("item IN (?)", bun.In(keys)).Scan(ctx); err != nil {
			return nil, nil, fmt.Errorf("read work: %w", err)
		}
		err := d.db.Read().NewSelect().Model(&events).ExcludeColumn("before").Where("item IN (?)", bun.In(keys)).Order("item", "version DESC").Scan(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("read work: %w", err)
		}
		for _, row := range cards {
			rows[row.Item] = row
		}
		for i := range events {
			if key := events[i].Item; len(steps[key]) < shownSteps {
				steps[key] = append(steps[key], events[i].step())
			}
		}
	}
	return rows, steps, nil
}

// find returns a thing that waits and that a person may do.
func (d *Desk) find(ctx context.Context, who people.Person, key string) (Item, error) {
	items, _ := d.look(ctx)
	for _, item := range items {
		if item.Key != key {
			continue
		}
		if !who.Role.Allows(item.Least) {
			return item, ErrRole
		}
		return item, nil
	}
	return Item{}, ErrGone
}

// Order is what a person wants done with a card.
type Order struct {
	Key     string
	Version int64  // of the card that the person saw
	What    string // one of the Did…
	To      people.Person
	Until   time.Time
	Note    string
}

// Do does it.
func (d *Desk) Do(ctx context.Context, who people.Person, o Order) error {
	item, err := d.find(ctx, who, o.Key)
	if err != nil {
		return err
	}
	if o.What == DidUndo {
		return d.undo(ctx, who, item, o.Version)
	}
	note := strings.TrimSpace(o.Note)
	if o.What == DidNote && (note == "" || len(note) > MaxNote || strings.ContainsFunc(note, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' })) {
		return ErrNote
	}
	if o.What == DidAssign && !o.To.Role.Allows(item.Least) {
		return ErrRole
	}
	return d.change(ctx, who, item, o.Version, o.What, func(row *cardRow) (detail string, err error) {
		switch o.What {
		case DidTake:
			row.Owner = who.Name
		case DidAssign:
			row.Owner, detail = o.To.Name, o.To.Name
		case DidRelease:
			detail, row.Owner = row.Owner, ""
		case DidDone:
			row.State, row.Mark, row.MarkCount = done, item.Mark, int64(item.Count)
		case DidSnooze:
			row.State, row.Mark, row.Until = snoozed, item.Mark, db.Micros(o.Until)
			detail = o.Until.UTC().Format(time.RFC3339)
		case DidOpen:
			row.State = open
		case DidNote:
			detail = note
		default:
			return "", ErrWhat
		}
		return detail, nil
	})
}

// change edits a card, notes the step and the line of the audit log.
func (d *Desk) change(ctx context.Context, who people.Person, item Item, version int64, what string, edit func(row *cardRow) (string, error)) error {
	err := d.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, err := d.row(ctx, tx, item.Key)
		if err != nil {
			return err
		}
		if row.Version != version {
			return ErrChanged
		}
		before, err := json.Marshal(row)
		if err != nil {
			return err
		}
		detail, err := edit(&row)
		if err != nil {
			return err
		}
		return d.write(ctx, tx, row, eventRow{What: what, Detail: detail, Before: string(before), By: who.Name})
	})
	if err != nil {
		return fmt.Errorf("%s work: %w", what, err)
	}
	return nil
}

func (d *Desk) row(ctx context.Context, tx bun.Tx, key string) (cardRow, error) {
	var rows []cardRow
	if err := tx.NewSelect().Model(&rows).Where("item = ?", key).Scan(ctx); err != nil {
		return cardRow{}, err
	}
	if len(rows) == 0 {
		return cardRow{Item: key}, nil
	}
	return rows[0], nil
}

// write keeps a card with its next version, the step and the line.
func (d *Desk) write(ctx context.Context, tx bun.Tx, row cardRow, e eventRow) error {
	row.Version++
	e.Item, e.Version, e.At = row.Item, row.Version, db.Micros(d.now())
	_, err := tx.NewInsert().Model(&row).On("CONFLICT (item) DO UPDATE").Set("owner = EXCLUDED.owner").Set("state = EXCLUDED.state").
		Set("until = EXCLUDED.until").Set("mark = EXCLUDED.mark").Set("mark_count = EXCLUDED.mark_count").Set("version = EXCLUDED.version").Exec(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(&e).Exec(ctx); err != nil {
		return err
	}
	return people.WriteIn(ctx, tx, e.By, "work."+e.What, row.Item, e.Detail)
}

// undo takes back a person's step, if it is the card's newest one that counts.
func (d *Desk) undo(ctx context.Context, who people.Person, item Item, version int64) error {
	err := d.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, err := d.row(ctx, tx, item.Key)
		if err != nil {
			return err
		}
		if row.Version != version {
			return ErrChanged
		}
		var last []eventRow
		err = tx.NewSelect().Model(&last).Where("item = ? AND NOT undone AND what <> ?", item.Key, DidUndo).Order("version DESC").Limit(1).Scan(ctx)
		if err != nil {
			return err
		}
		if len(last) == 0 || last[0].By != who.Name {
			return ErrNothing
		}
		before := cardRow{Item: row.Item, Version: row.Version}
		if err := json.Unmarshal([]byte(last[0].Before), &before); err != nil {
			return errors.Join(ErrNothing, err)
		}
		if _, err := tx.NewUpdate().Model((*eventRow)(nil)).Set("undone = ?", true).Where("item = ? AND version = ?", item.Key, last[0].Version).Exec(ctx); err != nil {
			return err
		}
		return d.write(ctx, tx, before, eventRow{What: DidUndo, Detail: last[0].What, Before: "{}", By: who.Name})
	})
	if err != nil {
		return fmt.Errorf("undo work: %w", err)
	}
	return nil
}

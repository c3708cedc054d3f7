package setting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/people"
)

// Store keeps the settings of the page. Any number of goroutines may use it.
type Store struct {
	db    *db.DB
	base  Values // what holds where the page says nothing
	fixed []string
	now   atomic.Pointer[state]
	write sync.Mutex // serialises what is kept and what is in force
}

// state is what is in force, and which of it the page says.
type state struct {
	values  Values
	page    map[string]string
	ignored []string // keys whose kept value may not be so any more
}

type row struct {
	bun.BaseModel `bun:"table:settings"`

	Key   string `bun:"name,pk"`
	Value string `bun:"value"`
}

type changeRow struct {
	bun.BaseModel `bun:"table:setting_changes"`

	Seq    int64  `bun:"seq,pk"`
	By     string `bun:"changed_by"`
	At     int64  `bun:"changed_at"`
	Edits  string `bun:"edits"`
	Undone bool   `bun:"undone"`
}

// Edit is what became of one setting. nil = the page says nothing: the default.
type Edit struct {
	Key    string  `json:"key"`
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// Change is what one person did at once.
type Change struct {
	Seq   int64
	By    string
	At    time.Time
	Edits []Edit
}

// Open reads what was kept. base holds what config and defaults say, fixed the
// keys that file or environment name.
func Open(ctx context.Context, d *db.DB, base Values, fixed []string) (*Store, error) {
	s := &Store{db: d, base: base, fixed: fixed}
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("open settings: %w", err)
	}
	return s, nil
}

// load puts what is kept in force.
func (s *Store) load(ctx context.Context) error {
	var rows []row
	if err := s.db.Write().NewSelect().Model(&rows).Order("name").Scan(ctx); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	next := &state{values: s.base, page: map[string]string{}}
	for _, r := range rows {
		f, err := fieldOf(r.Key)
		if err == nil {
			err = f.set(&Values{}, r.Value)
		}
		if err != nil { // kept by another version of the hub: the default holds
			next.ignored = append(next.ignored, r.Key)
			continue
		}
		next.page[r.Key] = r.Value
		if !s.Fixed(r.Key) {
			_ = f.set(&next.values, r.Value) // it was checked above
		}
	}
	s.now.Store(next)
	return nil
}

// Now returns the settings in force.
func (s *Store) Now() Values { return s.now.Load().values }

// Ignored are keys whose kept value this hub can't use.
func (s *Store) Ignored() []string { return s.now.Load().ignored }

// Fixed reports whether file or environment says a setting.
func (s *Store) Fixed(key string) bool { return slices.Contains(s.fixed, key) }

// OnPage reports whether the page says a setting.
func (s *Store) OnPage(key string) bool {
	_, ok := s.now.Load().page[key]
	return ok
}

// Default is what holds where the page says nothing.
func (s *Store) Default(f Field) string { return f.get(&s.base) }

// Mark tells a value from others without showing it: forms carry it, so that
// nothing is overwritten that its writer has not seen.
func Mark(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:8])
}

// Wish is what a person wants of one setting.
type Wish struct {
	Key   string
	Seen  string  // Mark of the value that the person saw
	Value *string // nil = the default
}

// Fault is a wish that can't be.
type Fault struct {
	Key string
	Err error
}

// Error says which setting and why.
func (f *Fault) Error() string { return f.Key + ": " + f.Err.Error() }

// Unwrap gives the reason.
func (f *Fault) Unwrap() error { return f.Err }

// Change keeps what is wished for, all of it or nothing, and puts it in force.
// Wishes for what holds already change nothing. An error that is a person's to
// mend is a *Fault.
func (s *Store) Change(ctx context.Context, who string, wishes []Wish) (Change, error) {
	s.write.Lock()
	defer s.write.Unlock()
	current := s.now.Load()
	var edits []Edit
	for _, w := range wishes {
		edit, err := s.edit(current, w)
		if err != nil {
			return Change{}, &Fault{w.Key, err}
		}
		if !same(edit.Before, edit.After) {
			edits = append(edits, edit)
		}
	}
	if len(edits) == 0 {
		return Change{}, nil
	}
	return s.keep(ctx, who, "setting.change", edits, 0)
}

func (s *Store) edit(current *state, w Wish) (Edit, error) {
	f, err := fieldOf(w.Key)
	if err != nil {
		return Edit{}, err
	}
	edit := Edit{Key: w.Key, After: w.Value}
	if kept, ok := current.page[w.Key]; ok {
		edit.Before = &kept
	}
	if w.Value != nil {
		if err := f.set(&Values{}, *w.Value); err != nil {
			return edit, err
		}
		if edit.Before == nil && *w.Value == f.get(&s.base) {
			edit.After = nil // it is the default already
		}
	}
	if same(edit.Before, edit.After) {
		return edit, nil
	}
	if s.Fixed(w.Key) {
		return edit, ErrFixed
	}
	if Mark(f.get(&current.values)) != w.Seen {
		return edit, ErrChanged
	}
	return edit, nil
}

// Last returns the newest change that was not taken back.
func (s *Store) Last(ctx context.Context) (c Change, ok bool, err error) {
	var rows []changeRow
	if err := s.db.Read().NewSelect().Model(&rows).Where("NOT undone").Order("seq DESC").Limit(1).Scan(ctx); err != nil {
		return c, false, fmt.Errorf("read changes of settings: %w", err)
	}
	if len(rows) == 0 {
		return c, false, nil
	}
	c = Change{Seq: rows[0].Seq, By: rows[0].By, At: db.Time(rows[0].At)}
	if err := json.Unmarshal([]byte(rows[0].Edits), &c.Edits); err != nil {
		return c, false, fmt.Errorf("read changes of settings: %w", err)
	}
	return c, true, nil
}

// Undo takes back the newest change, if it is the one that the person saw.
func (s *Store) Undo(ctx context.Context, who string, seq int64) (Change, error) {
	s.write.Lock()
	defer s.write.Unlock()
	last, ok, err := s.Last(ctx)
	switch {
	case err != nil:
		return Change{}, err
	case !ok:
		return Change{}, ErrNothing
	case last.Seq != seq:
		return Change{}, ErrChanged
	}
	var back []Edit
	for _, e := range last.Edits {
		back = append(back, Edit{Key: e.Key, Before: e.After, After: e.Before})
	}
	return s.keep(ctx, who, "setting.undo", back, seq)
}

// keep writes edits, their line in the history (or marks the one that they take
// back) and the audit log, and puts them in force.
func (s *Store) keep(ctx context.Context, who, action string, edits []Edit, undoes int64) (Change, error) {
	c := Change{By: who, At: time.Now().UTC(), Edits: edits}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, e := range edits {
			if err := s.write1(ctx, tx, who, action, e); err != nil {
				return err
			}
		}
		if undoes > 0 {
			_, err := tx.NewUpdate().Model((*changeRow)(nil)).Set("undone = ?", true).Where("seq = ?", undoes).Exec(ctx)
			return err
		}
		text, err := json.Marshal(edits)
		if err != nil {
			return err
		}
		if err := tx.NewSelect().Model((*changeRow)(nil)).ColumnExpr("COALESCE(MAX(seq), 0) + 1").Scan(ctx, &c.Seq); err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(&changeRow{Seq: c.Seq, By: who, At: db.Micros(c.At), Edits: string(text)}).Exec(ctx)
		return err
	})
	if err != nil {
		return Change{}, fmt.Errorf("keep settings: %w", err)
	}
	return c, s.load(ctx)
}

func (s *Store) write1(ctx context.Context, tx bun.Tx, who, action string, e Edit) error {
	f, err := fieldOf(e.Key)
	if err != nil {
		return err
	}
	if e.After == nil {
		_, err = tx.NewDelete().Model((*row)(nil)).Where("name = ?", e.Key).Exec(ctx)
	} else {
		_, err = tx.NewInsert().Model(&row{Key: e.Key, Value: *e.After}).On("CONFLICT (name) DO UPDATE").Set("value = EXCLUDED.value").Exec(ctx)
	}
	if err != nil {
		return err
	}
	return people.WriteIn(ctx, tx, who, action, e.Key, s.shown(f, e.Before)+" → "+s.shown(f, e.After))
}

// shown is a value for the audit log.
func (s *Store) shown(f Field, value *string) string {
	if value == nil {
		value = new(string)
		*value = f.get(&s.base)
	}
	if *value == "" {
		return "none"
	}
	return f.Shown(*value)
}

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// Link is how a connected board is reached; package broker has one.
type Link interface {
	Disconnect(device string)
	Publish(device, name string, payload []byte) error
}

// Config is what a fleet needs.
type Config struct {
	Hub     func() string // https://host:port that boards join at; asked each time: the port may not be known yet
	Broker  func() string // host:port that boards connect to, likewise
	Version string        // of the hub
	Root    func() string // of trust, as JSON text; nil = there is none
	Now     func() time.Time
}

// Fleet is safe for concurrent use.
type Fleet struct {
	config    Config
	db        *db.DB
	authority *authority.Authority
	opened    time.Time

	mu      sync.RWMutex // guards what follows
	link    Link
	allowed map[string]string // device to hash of its key: the active boards
	here    map[string]uint64 // device to session: the connected ones
}

// Errors of Admit.
var (
	ErrStranger = errors.New("the board has not joined, or may no longer connect")
	ErrOtherKey = errors.New("the board has joined with another key since")
)

// Open reads who may connect.
func Open(ctx context.Context, config Config, d *db.DB, a *authority.Authority) (*Fleet, error) {
	f := &Fleet{config: config, db: d, authority: a, opened: config.Now(), allowed: map[string]string{}, here: map[string]uint64{}}
	var boards []Board
	err := d.Read().NewSelect().Model(&boards).Column("device", "key_hash").Where("state = ?", Active).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("open fleet: %w", err)
	}
	for _, b := range boards {
		f.allowed[b.Device] = b.KeyHash
	}
	return f, nil
}

// Attach says how boards are reached. Before, nobody is told anything.
func (f *Fleet) Attach(link Link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.link = link
}

// Admit says whether a board may connect with a key. It answers from memory.
func (f *Fleet) Admit(device, keyHash string) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	key, known := f.allowed[device]
	switch {
	case !known:
		return ErrStranger
	case key != keyHash:
		return ErrOtherKey
	default:
		return nil
	}
}

// Present says that a connection begins.
func (f *Fleet) Present(device string, session uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.here[device] = session
}

// Absent says that a connection has ended, and reports whether it was the
// board's newest.
func (f *Fleet) Absent(device string, session uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.here[device] != session {
		return false
	}
	delete(f.here, device)
	return true
}

// Online reports whether a board is connected.
func (f *Fleet) Online(device string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, here := f.here[device]
	return here
}

// admit changes who may connect, and ends the connection of whoever may not.
func (f *Fleet) admit(device, keyHash string) {
	f.mu.Lock()
	had := f.allowed[device]
	if keyHash == "" {
		delete(f.allowed, device)
	} else {
		f.allowed[device] = keyHash
	}
	link := f.link
	f.mu.Unlock()
	if link != nil && had != "" && had != keyHash {
		link.Disconnect(device)
	}
}

// Board returns one board.
func (f *Fleet) Board(ctx context.Context, device string) (Board, error) {
	b, err := find(ctx, f.db.Read(), device)
	if err != nil {
		return b, fmt.Errorf("read board: %w", err)
	}
	b.Online = f.Online(device)
	return b, nil
}

func find(ctx context.Context, tx bun.IDB, device string) (Board, error) {
	var b Board
	err := tx.NewSelect().Model(&b).Where("device = ?", device).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return b, ErrNotFound
	}
	return b, err
}

// Note writes a line of a board's history.
func Note(ctx context.Context, tx bun.IDB, at time.Time, device, what, detail string) error {
	e := Event{Device: device, Micros: db.Micros(at), What: what, Detail: wire.Text(detail, wire.MaxText)}
	err := tx.NewSelect().Model((*Event)(nil)).ColumnExpr("COALESCE(MAX(n), 0) + 1").
		Where("device = ?", device).Where("at = ?", e.Micros).Scan(ctx, &e.N)
	if err != nil {
		return fmt.Errorf("note %s of %s: %w", what, device, err)
	}
	if _, err := tx.NewInsert().Model(&e).Exec(ctx); err != nil {
		return fmt.Errorf("note %s of %s: %w", what, device, err)
	}
	return nil
}

// History returns the newest lines of a board's history, the newest first.
func (f *Fleet) History(ctx context.Context, device string, most int64) ([]Event, error) {
	var events []Event
	err := f.db.Read().NewSelect().Model(&events).Where("device = ?", device).Order("at DESC", "n DESC").Limit(most).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return events, nil
}

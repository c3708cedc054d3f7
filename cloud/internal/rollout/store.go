package rollout

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/registry"
	"gourdian/internal/wire"
)

// Models knows the versions; *registry.Registry is one.
type Models interface {
	Version(ctx context.Context, number int64) (registry.Version, error)
}

// Releaser lets boards take a version. reason is an admin's, whose signed
// override it becomes where nothing else lets the version run.
type Releaser interface {
	Release(ctx context.Context, v registry.Version, who, reason string) error
	// Signed reports whether boards may take a bundle.
	Signed(bundle string) bool
}

// Config is what Rollouts need.
type Config struct {
	DB     *db.DB
	Fleet  *fleet.Fleet
	Models Models
	Sign   Releaser
	Now    func() time.Time
	Log    *slog.Logger
}

// Rollouts are all of a hub. It is safe for concurrent use.
type Rollouts struct {
	config Config
	wake   chan struct{} // holds one
}

// New returns the rollouts of a hub. Run carries them out.
func New(c Config) *Rollouts {
	return &Rollouts{config: c, wake: make(chan struct{}, 1)}
}

// Kick makes Run look now.
func (r *Rollouts) Kick() {
	select {
	case r.wake <- struct{}{}:
	default: // it has not looked since the last one
	}
}

// Order is a rollout that a person wants.
type Order struct {
	Version int64
	Reason  string
	Plan    Plan
}

// Start begins a rollout. Boards of older ones that have not finished go over
// to it.
func (r *Rollouts) Start(ctx context.Context, who string, o Order) (Rollout, error) {
	one, err := r.start(ctx, who, o)
	if err != nil {
		return one, fmt.Errorf("start rollout: %w", err)
	}
	r.Kick()
	return one, nil
}

func (r *Rollouts) start(ctx context.Context, who string, o Order) (one Rollout, err error) {
	if o.Reason = strings.TrimSpace(o.Reason); o.Reason == "" || len(o.Reason) > wire.MaxText {
		return one, ErrReason
	}
	if err := o.Plan.check(); err != nil {
		return one, err
	}
	v, err := r.config.Models.Version(ctx, o.Version)
	if errors.Is(err, registry.ErrNotFound) || err == nil && v.Deleted {
		return one, ErrVersion
	}
	if err != nil {
		return one, err
	}
	id := make([]byte, 6)
	if _, err := rand.Read(id); err != nil {
		return one, err
	}
	plan, err := json.Marshal(o.Plan)
	if err != nil {
		return one, err
	}
	now := r.config.Now()
	one = Rollout{
		ID: hex.EncodeToString(id), Version: v.Number, Bundle: v.Bundle, State: Running, Who: who, Reason: wire.Text(o.Reason, wire.MaxText),
		PlanText: string(plan), Micros: db.Micros(now), WaveAt: db.Micros(now),
	}
	boards, err := r.meant(ctx, o.Plan, one.ID)
	if err != nil {
		return one, err
	}
	if len(boards) == 0 {
		return one, ErrNobody
	}
	if err := r.config.Sign.Release(ctx, v, who, one.Reason); err != nil {
		return one, err
	}
	err = r.config.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error { return r.enter(ctx, tx, &one, boards) })
	return one, err
}

// meant are the boards of a plan, in the order in which they are told.
func (r *Rollouts) meant(ctx context.Context, p Plan, key string) ([]fleet.Board, error) {
	boards, err := r.config.Fleet.All(ctx, fleet.Filter{Site: p.Site, Group: p.Group, State: fleet.Active})
	if err != nil {
		return nil, err
	}
	if len(p.Devices) > 0 {
		boards = slices.DeleteFunc(boards, func(b fleet.Board) bool { return !slices.Contains(p.Devices, b.Device) })
		if len(boards) < len(p.Devices) {
			return nil, fmt.Errorf("%w: %d of the boards named are not active, or not of that place", ErrNobody, len(p.Devices)-len(boards))
		}
	}
	boards = order(boards, key)
	return boards[:(len(boards)*p.Share+99)/100], nil
}

// enter writes a rollout and its boards, and takes them over from others.
func (r *Rollouts) enter(ctx context.Context, tx bun.Tx, one *Rollout, boards []fleet.Board) error {
	if err := tx.NewSelect().Model((*Rollout)(nil)).ColumnExpr("COALESCE(MAX(number), 0) + 1").Scan(ctx, &one.Number); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(one).Exec(ctx); err != nil {
		return err
	}
	sizes, err := one.Plan().sizes(len(boards))
	if err != nil {
		return err
	}
	for i, b := range boards {
		if err := r.add(ctx, tx, one, b, waveOf(sizes, i)); err != nil {
			return err
		}
	}
	if err := r.note(ctx, tx, one.ID, one.Who, "started", one.Reason); err != nil {
		return err
	}
	return people.WriteIn(ctx, tx, one.Who, "rollout.start", fmt.Sprintf("rollout %d", one.Number),
		fmt.Sprintf("model %d, %d boards: %s", one.Version, len(boards), one.Reason))
}

// add puts a board into a wave, and takes it from older rollouts.
func (r *Rollouts) add(ctx context.Context, tx bun.Tx, one *Rollout, b fleet.Board, wave int) error {
	_, err := tx.NewUpdate().Model((*Board)(nil)).Set("state = ?", Superseded).Set("changed_at = ?", db.Micros(r.config.Now())).
		Where("device = ?", b.Device).Where("state IN (?)", bun.In([]Standing{Queued, Told, Working, Returning})).Exec(ctx)
	if err != nil {
		return err
	}
	row := Board{Rollout: one.ID, Device: b.Device, Wave: wave, State: Queued, Before: b.Model, ChangedAt: db.Micros(r.config.Now())}
	_, err = tx.NewInsert().Model(&row).Exec(ctx)
	return err
}

// note writes a line of a rollout's history.
func (r *Rollouts) note(ctx context.Context, tx bun.IDB, id, who, what, detail string) error {
	e := Event{Rollout: id, Micros: db.Micros(r.config.Now()), Who: who, What: what, Detail: wire.Text(detail, wire.MaxText)}
	if err := tx.NewSelect().Model((*Event)(nil)).ColumnExpr("COALESCE(MAX(n), 0) + 1").Where("rollout = ?", id).Scan(ctx, &e.N); err != nil {
		return fmt.Errorf("note %s: %w", what, err)
	}
	_, err := tx.NewInsert().Model(&e).Exec(ctx)
	return err
}

// List returns the newest rollouts, the newest first.
func (r *Rollouts) List(ctx context.Context, most int) ([]Rollout, error) {
	var list []Rollout
	if err := r.config.DB.Read().NewSelect().Model(&list).Order("number DESC").Limit(int64(most)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list rollouts: %w", err)
	}
	return list, nil
}

// Counts are boards of a rollout by their standing.
type Counts map[Standing]int

// All counts every board.
func (c Counts) All() int {
	n := 0
	for _, one := range c {
		n += one
	}
	return n
}

// CountsOf counts the boards of rollouts.
func (r *Rollouts) CountsOf(ctx context.Context, list []Rollout) (map[string]Counts, error) {
	counts := map[string]Counts{}
	if len(list) == 0 {
		return counts, nil
	}
	var ids []string
	for _, one := range list {
		ids = append(ids, one.ID)
		counts[one.ID] = Counts{}
	}
	var rows []struct {
		Rollout string
		State   Standing
		N       int
	}
	err := r.config.DB.Read().NewSelect().Model((*Board)(nil)).Column("rollout", "state").ColumnExpr("COUNT(*) AS n").
		Where("rollout IN (?)", bun.In(ids)).Group("rollout", "state").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count boards of rollouts: %w", err)
	}
	for _, row := range rows {
		counts[row.Rollout][row.State] = row.N
	}
	return counts, nil
}

// Rollout returns one.
func (r *Rollouts) Rollout(ctx context.Context, id string) (Rollout, error) {
	return find(ctx, r.config.DB.Read(), id)
}

func find(ctx context.Context, q bun.IDB, id string) (Rollout, error) {
	var one Rollout
	err := q.NewSelect().Model(&one).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return one, ErrNotFound
	}
	if err != nil {
		return one, fmt.Errorf("read rollout: %w", err)
	}
	return one, nil
}

// Boards returns the boards of a rollout, by wave and name.
func (r *Rollouts) Boards(ctx context.Context, id string) ([]Board, error) {
	return r.boards(ctx, r.config.DB.Read(), id)
}

func (r *Rollouts) boards(ctx context.Context, q bun.IDB, id string) ([]Board, error) {
	var list []struct {
		Board `bun:",extend"`

		BoardName string
		BoardSite string
		Standing  fleet.Standing
		Want      string
	}
	err := q.NewSelect().Model(&list).ColumnExpr("rb.*").ColumnExpr("b.name AS board_name, b.site AS board_site, b.state AS standing, b.wanted AS want").
		Join("JOIN board AS b ON b.device = rb.device").Where("rb.rollout = ?", id).Order("rb.wave", "b.name", "rb.device").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read boards of a rollout: %w", err)
	}
	boards := make([]Board, len(list))
	for i, row := range list {
		boards[i] = row.Board
		boards[i].Name, boards[i].Site = row.BoardName, row.BoardSite
		boards[i].Online, boards[i].Gone = r.config.Fleet.Online(row.Device), row.Standing != fleet.Active
		if wanted := (fleet.Board{WantText: row.Want}).Wanted(); wanted.Model != nil {
			boards[i].Wanted = wanted.Model.Rollout
		}
	}
	return boards, nil
}

// Of returns how a board stands in the newest rollout that it is a part of; ok
// is false where there is none.
func (r *Rollouts) Of(ctx context.Context, device string) (one Rollout, b Board, ok bool, err error) {
	err = r.config.DB.Read().NewSelect().Model(&b).Join("JOIN rollout AS r ON r.id = rb.rollout").
		Where("rb.device = ?", device).OrderExpr("r.number DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return one, b, false, nil
	}
	if err == nil {
		one, err = r.Rollout(ctx, b.Rollout)
	}
	if err != nil {
		return one, b, false, fmt.Errorf("read a board's rollout: %w", err)
	}
	b.Online = r.config.Fleet.Online(device)
	return one, b, true, nil
}

// History returns the lines of a rollout's history, the newest first.
func (r *Rollouts) History(ctx context.Context, id string) ([]Event, error) {
	var list []Event
	if err := r.config.DB.Read().NewSelect().Model(&list).Where("rollout = ?", id).Order("n DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read history of a rollout: %w", err)
	}
	return list, nil
}

// MayDelete refuses to let go of a version that boards are being brought. It is
// the registry's hook.
func MayDelete(ctx context.Context, tx bun.Tx, v registry.Version) error {
	n, err := tx.NewSelect().Model((*Rollout)(nil)).Where("version = ?", v.Number).Where("state IN (?)", bun.In([]State{Running, Paused, Stopped})).Count(ctx)
	if err != nil {
		return fmt.Errorf("find rollouts of a version: %w", err)
	}
	if n > 0 {
		return registry.ErrInUse
	}
	return nil
}

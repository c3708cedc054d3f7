package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/registry"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// models are the versions of a test; its Releaser lets all but the forbidden run.
type models struct {
	forbidden int64
	signed    map[string]bool
	reasons   []string
}

func bundleOf(number int64) string { return strings.Repeat(fmt.Sprintf("%x", number%16), 64) }

func (m *models) Version(_ context.Context, number int64) (registry.Version, error) {
	if number < 1 || number > 9 {
		return registry.Version{}, registry.ErrNotFound
	}
	return registry.Version{Number: number, Bundle: bundleOf(number), Deleted: number == 9}, nil
}

var errForbidden = errors.New("forbidden")

func (m *models) Release(_ context.Context, v registry.Version, who, reason string) error {
	if v.Number == m.forbidden {
		return errForbidden
	}
	m.signed[v.Bundle] = true
	m.reasons = append(m.reasons, who+": "+reason)
	return nil
}

func (m *models) Signed(bundle string) bool { return m.signed[bundle] }

// link is what boards hear.
type link struct {
	mu   sync.Mutex // guards last
	last map[string]wire.Desired
}

func (l *link) Disconnect(string) {}

func (l *link) Publish(device, _ string, payload []byte) error {
	d, err := wire.DecodeDesired(payload)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last[device] = d
	return nil
}

// rig is rollouts over boards of a test.
type rig struct {
	*Rollouts
	t      *testing.T
	db     *db.DB
	fleet  *fleet.Fleet
	models *models
	link   *link
	at     time.Time
}

func newRig(t *testing.T, d *db.DB) *rig {
	t.Helper()
	r := &rig{t: t, db: d, models: &models{signed: map[string]bool{}}, link: &link{last: map[string]wire.Desired{}}, at: time.Now().Truncate(time.Second)}
	now := func() time.Time { return r.at }
	a, err := authority.Open(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	r.fleet, err = fleet.Open(t.Context(), fleet.Config{Now: now, Root: func() string { return `{"root":1}` }}, d, a)
	if err != nil {
		t.Fatal(err)
	}
	r.fleet.Attach(r.link)
	r.Rollouts = New(Config{DB: d, Fleet: r.fleet, Models: r.models, Sign: r.models, Now: now, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	return r
}

// board adds one that joined now; online ones are connected.
func (r *rig) board(device, site string, online bool) {
	r.t.Helper()
	b := fleet.Board{Device: device, Name: device, Site: site, State: fleet.Active, Joined: db.Micros(r.at), Model: bundleOf(1)}
	if _, err := r.db.Write().NewInsert().Model(&b).Exec(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if online {
		r.fleet.Present(device, 1)
	}
}

// fleetOf adds n boards that are connected.
func (r *rig) fleetOf(n int) {
	for i := range n {
		r.board(fmt.Sprintf("b%02d", i), []string{"north", "south"}[i%2], true)
	}
}

func (r *rig) start(version int64, plan Plan) Rollout {
	r.t.Helper()
	one, err := r.Start(r.t.Context(), "ana", Order{Version: version, Reason: "the wet week", Plan: plan})
	if err != nil {
		r.t.Fatal(err)
	}
	r.look()
	return one
}

func (r *rig) look() {
	r.t.Helper()
	if err := r.Look(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) wait(d time.Duration) {
	r.t.Helper()
	r.at = r.at.Add(d)
	r.look()
}

// say is a board's report of how it does with a rollout, and what it runs.
func (r *rig) say(device, rollout string, runs int64, stage wire.UpdateStage, step wire.UpdateStep) {
	r.t.Helper()
	s := wire.State{Contract: wire.Contract, Online: true, Boot: "b", At: r.at, Desired: wire.DesiredState{Version: r.link.last[device].Version}}
	s.Model = &wire.ModelState{Bundle: bundleOf(runs)}
	if stage != "" {
		s.Update = &wire.UpdateState{Bundle: bundleOf(runs), Rollout: rollout, Stage: stage, Step: step, Why: "said so", DoneBytes: 5, TotalBytes: 9, At: r.at,
			Shadow: &wire.ShadowState{Frames: 40, Agree: 39, Seconds: 8}}
	}
	err := r.db.Tx(r.t.Context(), func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model((*fleet.Board)(nil)).Set("model = ?", s.Model.Bundle).Where("device = ?", device).Exec(ctx); err != nil {
			return err
		}
		_, err := r.Report(ctx, tx, device, s)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.look()
}

// commits says that a board took the model for good.
func (r *rig) commits(one Rollout, devices ...string) {
	r.t.Helper()
	for _, device := range devices {
		r.say(device, one.ID, 1, wire.StageDownloading, "")
		r.say(device, one.ID, one.Version, wire.StageCommitted, "")
	}
}

// told are the boards that a rollout is said to, in the order of its waves.
func (r *rig) in(one Rollout, states ...Standing) []string {
	r.t.Helper()
	boards, err := r.Boards(r.t.Context(), one.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	list := []string{}
	for _, b := range boards {
		for _, state := range states {
			if b.State == state {
				list = append(list, b.Device)
			}
		}
	}
	return list
}

func (r *rig) state(one Rollout) Rollout {
	r.t.Helper()
	now, err := r.Rollout(r.t.Context(), one.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return now
}

func (r *rig) expect(what string, one Rollout, state State, counts Counts) {
	r.t.Helper()
	got, err := r.CountsOf(r.t.Context(), []Rollout{one})
	if err != nil {
		r.t.Fatal(err)
	}
	a, _ := json.Marshal(got[one.ID])
	b, _ := json.Marshal(counts)
	if now := r.state(one); now.State != state || string(a) != string(b) {
		r.t.Errorf("%s: %s (%s) %s, want %s %s", what, now.State, now.Why, a, state, b)
	}
}

package uplink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/membership"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

// Outbox is what the hub does not have yet; *store.Store is one.
type Outbox interface {
	Outbox(ctx context.Context, after uint64, limit, size int) (store.Letters, error)
	Acknowledge(ctx context.Context, through uint64, rejected []wire.Rejection) error
	Usage() store.Usage
}

// Memory is what outlives a restart; *store.Store is one. LoadLink returns nil
// before the first SaveLink.
type Memory interface {
	LoadLink(ctx context.Context) (json.RawMessage, error)
	SaveLink(ctx context.Context, data json.RawMessage) error
}

// Hours are the counts by hour; *store.Store has them.
type Hours interface {
	Hours(ctx context.Context, told time.Time, seq uint64, before time.Time) ([]store.Hour, error)
}

// Board is what the board is; *live.Hub is one. State hands out a copy.
type Board interface {
	State() live.State
	SetLink(live.Link)
	Raise(live.Condition)
	Clear(code, subject string)
}

// Control puts settings into force. A settings.Problems says that they can't be.
type Control interface {
	Apply(ctx context.Context, s settings.Settings) error
}

// Machine is asked how the machine is.
type Machine interface {
	FreeDisk() (bytes int64, err error)
	ResidentMemory() (bytes int64, err error)
	Temperature() float64 // degrees Celsius, 0 = unknown
}

// Config is what an Uplink needs.
type Config struct {
	Data   string // the data folder, where the membership lies
	Device string
	Epoch  string
	Boot   string

	Outbox  Outbox
	Memory  Memory
	Hours   Hours
	Shelf   Shelf
	Errands Errands
	// Latest returns the newest pictures that were chosen, newest first.
	Latest  func(ctx context.Context, limit int) ([]store.Sample, error)
	Board   Board
	Control Control
	Update  Update // nil = the board takes no models
	Machine Machine
	Logs    *Tap

	Version string // of the agent
	Arch    string
	Profile string

	Clock membership.Clock
	Renew func() // asks for a new certificate; must not block
	Log   *slog.Logger
}

// Uplink is the board's side of the link.
type Uplink struct {
	config Config
	timing timing
	up     atomic.Uint64 // bytes since the start
	down   atomic.Uint64

	// What follows belongs to Run.
	member    *membership.Membership // nil = to be loaded
	tls       *tls.Config            // of member: it remembers sessions, which saves handshakes
	mark      string                 // of member
	outbox    sender
	memory    memory
	samples   samples
	fit       fit
	persisted uint64    // acknowledged number that is on disk
	keptAt    time.Time // when it was brought there
	status    live.Link
	shown     live.Link
	shownAt   time.Time
	reached   time.Time // when there was a connection last; the start where there was none
}

// timing are the pauses; tests shorten them.
type timing struct {
	look       time.Duration // between two looks for a membership, and at everything while connected
	shortest   time.Duration // pause before a new connection, at first
	longest    time.Duration // and after many failures
	settled    time.Duration // a connection that held this long was a good one
	connect    time.Duration // for one attempt, from the name's look-up to the broker's welcome
	keepAlive  time.Duration
	write      time.Duration // a connection that takes nothing for so long has ended
	ackTimeout time.Duration
	persist    time.Duration // between two writes of the acknowledged number
	change     time.Duration // between two states when something changes
	logs       time.Duration // between two messages of log lines
	choose     time.Duration // between two looks for pictures in new records: each is a write
	show       time.Duration // between two looks of the page at bytes alone
}

func defaultTiming() timing {
	return timing{
		look: time.Second, shortest: time.Second, longest: 300 * time.Second, settled: time.Minute,
		connect: 30 * time.Second, keepAlive: 60 * time.Second, write: 30 * time.Second, ackTimeout: 45 * time.Second, persist: 2 * time.Second,
		change: 10 * time.Second, logs: time.Minute, choose: 30 * time.Second, show: 30 * time.Second,
	}
}

// New returns an Uplink that Run will let work.
func New(config Config) *Uplink {
	return &Uplink{config: config, timing: defaultTiming()}
}

// Run keeps the link until ctx is done.
func (u *Uplink) Run(ctx context.Context) error {
	u.reached = time.Now()
	if err := u.recall(ctx); err != nil {
		return err
	}
	u.outbox = newSender(u.config.Outbox.Usage().Acked, u.timing.ackTimeout)
	u.persisted = u.outbox.acked
	failures := 0
	for ctx.Err() == nil {
		if err := u.load(); err != nil {
			u.standAlone(err)
			u.wait(ctx, 0)
			failures = 0
			continue
		}
		good, err := u.attend(ctx)
		if ctx.Err() != nil {
			break
		}
		if good {
			failures = 0
		}
		failures++
		pause := u.pause(failures)
		u.lost(err, pause)
		u.wait(ctx, pause)
	}
	return nil
}

// load reads the membership where it is not the one that is known.
func (u *Uplink) load() error {
	mark := membership.Mark(u.config.Data)
	if u.member != nil && mark == u.mark {
		return nil
	}
	u.member, u.mark = nil, mark
	m, err := membership.Load(u.config.Data)
	if err != nil {
		return err
	}
	u.member, u.tls = m, m.TLS(u.config.Clock)
	u.reached = time.Now() // from now on it can be missed
	return nil
}

// changed reports whether the membership is another one than was loaded.
func (u *Uplink) changed() bool { return membership.Mark(u.config.Data) != u.mark }

// pause is drawn at random up to a bound that doubles: boards whose hub was
// away must not all come at once.
func (u *Uplink) pause(failures int) time.Duration {
	most := u.timing.longest
	if failures < 20 {
		most = min(most, u.timing.shortest<<failures)
	}
	return u.timing.shortest + rand.N(max(most-u.timing.shortest, 1))
}

// wait is over after a pause, or without one never, or when the membership is
// another one.
func (u *Uplink) wait(ctx context.Context, pause time.Duration) {
	var over <-chan time.Time
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		over = timer.C
	}
	ticker := time.NewTicker(u.timing.look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-over:
			return
		case <-ticker.C:
			if u.changed() {
				return
			}
			u.show()
		}
	}
}

// standAlone says that there is no membership, or none that can be used.
func (u *Uplink) standAlone(err error) {
	u.status = live.Link{Since: u.status.Since}
	if !errors.Is(err, membership.ErrNone) {
		u.config.Log.Error("the membership can't be used", "error", err)
		u.status.Why = live.WhyDamaged
	} else if u.config.Update != nil {
		u.config.Update.Alone()
	}
	u.setConnected(false)
	u.show()
}

// attend serves one connection as a member and reports whether it was a good
// one: it held for a while, or records arrived.
func (u *Uplink) attend(ctx context.Context) (good bool, err error) {
	m := u.member
	_, until := m.Validity()
	s := u.status
	u.status = live.Link{
		Joined: true, Hub: m.Hub, Site: m.Site, Name: m.Name, CertUntil: until,
		Connected: s.Connected, Since: s.Since, Why: s.Why, LastAck: s.LastAck,
	}
	if err := u.belongTo(ctx, m.CAHash); err != nil {
		return false, err
	}
	u.tellMember()
	u.show()
	began, acked := time.Now(), u.outbox.acked
	err = u.serve(ctx)
	u.persist(ctx)
	return time.Since(began) >= u.timing.settled || u.outbox.acked > acked, err
}

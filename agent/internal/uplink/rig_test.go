package uplink

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"go.uber.org/goleak"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/membership"
	"gourdian/agent/internal/membership/hubtest"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) {
	if data := os.Getenv(childEnv); data != "" {
		if err := child(data, os.Getenv(picturesEnv) != ""); err != nil {
			fmt.Println("failed", err)
		}
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// table is what a hub has committed: its rules are those of wire.Batch and
// wire.Ack, and it counts what must not happen.
type table struct {
	mu      sync.Mutex
	through map[string]uint64          // by epoch, guarded by mu
	rows    map[string]map[uint64]bool // guarded by mu
	doubled int                        // rows that were inserted twice, guarded by mu
	batches int                        // guarded by mu
	again   int                        // records that came though they were there, guarded by mu
	poison  map[uint64]wire.RejectionDo
	speaks  int // contract of the hub, 0 = this one, guarded by mu
	mute    int // so many batches are not answered, guarded by mu
	refuse  int // so many batches are neither committed nor answered, guarded by mu
	states  []wire.State
	hours   map[time.Time]wire.Summary
	lines   []wire.LogLine
	faults  []error
}

func newTable() *table {
	return &table{through: map[string]uint64{}, rows: map[string]map[uint64]bool{}, poison: map[uint64]wire.RejectionDo{}, hours: map[time.Time]wire.Summary{}}
}

// errWithhold says that the message must not be acknowledged by MQTT.
var errWithhold = errors.New("withhold")

// take takes one message and returns the answer to it, nil for none.
func (tb *table) take(name string, payload []byte) (*wire.Ack, error) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	var err error
	switch name {
	case wire.TopicRecords:
		return tb.batch(payload)
	case wire.TopicState:
		var s wire.State
		if s, err = wire.DecodeState(payload); err == nil {
			tb.states = append(tb.states, s)
		}
	case wire.TopicSummary:
		var s wire.Summary
		if s, err = wire.DecodeSummary(payload); err == nil {
			tb.hours[s.Hour] = s
		}
	case wire.TopicLog:
		var l wire.LogLines
		if l, err = wire.DecodeLogLines(payload); err == nil {
			tb.lines = append(tb.lines, l.Lines...)
		}
	}
	if err != nil {
		tb.faults = append(tb.faults, err)
	}
	return nil, nil
}

func (tb *table) batch(payload []byte) (*wire.Ack, error) {
	b, err := wire.DecodeBatch(payload)
	if err != nil {
		tb.faults = append(tb.faults, err)
		return nil, nil
	}
	tb.batches++
	if tb.refuse > 0 {
		tb.refuse--
		return nil, errWithhold
	}
	through := max(tb.through[b.Epoch], b.Oldest-min(b.Oldest, 1))
	ack := &wire.Ack{Contract: cmp.Or(tb.speaks, wire.Contract), Epoch: b.Epoch}
	rows := tb.rows[b.Epoch]
	if rows == nil {
		rows = map[uint64]bool{}
		tb.rows[b.Epoch] = rows
	}
	for i, raw := range b.Records {
		seq := b.First + uint64(i)
		if seq <= through {
			tb.again++
			continue
		}
		if seq > through+1 {
			break // a gap: the answer says from where
		}
		do := tb.poison[seq]
		if r, err := wire.DecodeRecord(raw); err != nil && do == "" {
			do = wire.Quarantine
		} else if err == nil && (r.Seq != seq || r.Epoch != b.Epoch) {
			tb.faults = append(tb.faults, fmt.Errorf("record %d of %s stands for %d of %s", r.Seq, r.Epoch, seq, b.Epoch))
		}
		if do != "" {
			ack.Rejected = append(ack.Rejected, wire.Rejection{Seq: seq, Reason: "for the test", Do: do})
		}
		if do == wire.Retry {
			if tb.speaks == 0 { // an older hub never learns to read it
				delete(tb.poison, seq)
			}
			break
		}
		if do == "" {
			if rows[seq] {
				tb.doubled++
			}
			rows[seq] = true
		}
		through = seq
	}
	tb.through[b.Epoch] = through
	if tb.mute > 0 {
		tb.mute--
		return nil, nil
	}
	ack.Through = through
	return ack, nil
}

func (tb *table) look(see func(*table)) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	see(tb)
}

// hub is a broker with a table behind it.
type hub struct {
	*table
	ca       *hubtest.CA
	cert     tls.Certificate
	join     *hubtest.Hub
	addr     string
	server   *mochi.Server
	connects int // guarded by mu
	desk     *desk
	t        *testing.T
}

func newHub(t *testing.T) *hub {
	t.Helper()
	ca := hubtest.NewCA(t)
	cert := ca.Server(t, x509.ExtKeyUsageServerAuth, time.Now().Add(-time.Hour), time.Now().Add(100*time.Hour))
	h := &hub{table: newTable(), desk: newDesk(), ca: ca, cert: cert, join: hubtest.Start(t, ca, cert), t: t}
	h.start()
	t.Cleanup(h.stop)
	return h
}

// start opens the broker.
func (h *hub) start() {
	h.t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	h.addr = plain.Addr().String()
	h.server = mochi.New(&mochi.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	if err := h.server.AddHook(&ears{hub: h, server: h.server}, nil); err != nil {
		h.t.Fatal(err)
	}
	secure := tls.NewListener(plain, &tls.Config{Certificates: []tls.Certificate{h.cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: h.ca.Pool()})
	if err := h.server.AddListener(listeners.NewNet("tls", secure)); err != nil {
		h.t.Fatal(err)
	}
	if err := h.server.Serve(); err != nil {
		h.t.Fatal(err)
	}
}

// stop ends the broker. No board may be connecting then: mochi's Close waits for
// a client for ever that it takes meanwhile.
func (h *hub) stop() { _ = h.server.Close() }

func (h *hub) say(name string, value any) {
	h.t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.server.Publish(wire.Topic(device, name), data, false, 1); err != nil {
		h.t.Fatal(err)
	}
}

// ears are the broker's hooks.
type ears struct {
	mochi.HookBase
	hub    *hub
	server *mochi.Server
}

func (e *ears) ID() string { return "ears" }

func (e *ears) Provides(b byte) bool {
	return bytes.Contains([]byte{mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnSubscribed}, []byte{b})
}

func (e *ears) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (e *ears) OnACLCheck(*mochi.Client, string, bool) bool { return true }

func (e *ears) OnSubscribed(*mochi.Client, packets.Packet, []byte) {
	e.hub.look(func(*table) { e.hub.connects++ })
}

func (e *ears) OnPublish(_ *mochi.Client, p packets.Packet) (packets.Packet, error) {
	device, name, way, ok := wire.ParseTopic(p.TopicName)
	if !ok || way != wire.Up {
		return p, nil
	}
	if name == wire.TopicSamples {
		want := e.hub.desk.take(p.Payload)
		if want == nil {
			return p, nil
		}
		data, err := json.Marshal(want)
		if err != nil {
			return p, err
		}
		return p, e.server.Publish(wire.Topic(device, wire.TopicWant), data, false, 1)
	}
	ack, err := e.hub.take(name, p.Payload)
	if err != nil {
		return p, packets.ErrRejectPacket
	}
	if ack != nil {
		data, err := json.Marshal(ack)
		if err != nil {
			return p, err
		}
		return p, e.server.Publish(wire.Topic(device, wire.TopicAck), data, false, 1)
	}
	return p, nil
}

const device = "0011223344556677"

// board is an Uplink with a real store.
type board struct {
	*Uplink
	data  string
	store *store.Store
	live  *live.Hub
	tap   *Tap
	stop  func()
	kept  int
	first settings.Settings
	set   chan settings.Settings
	t     *testing.T
}

// Apply implements Control.
func (b *board) Apply(_ context.Context, s settings.Settings) error {
	if err := s.ValidateFor([]string{"north"}); err != nil {
		return err
	}
	b.live.SetSettings(s)
	b.set <- s
	return nil
}

type machine struct{}

func (machine) FreeDisk() (int64, error)       { return 1 << 30, nil }
func (machine) ResidentMemory() (int64, error) { return 1 << 26, nil }
func (machine) Temperature() float64           { return 51.5 }

// quick are pauses that a test waits for.
func quick() timing {
	return timing{
		look: 5 * time.Millisecond, shortest: 2 * time.Millisecond, longest: 20 * time.Millisecond, settled: time.Minute,
		connect: 5 * time.Second, keepAlive: time.Minute, write: time.Second, ackTimeout: 5 * time.Second, persist: 20 * time.Millisecond,
		change: 10 * time.Millisecond, logs: 10 * time.Millisecond, choose: 10 * time.Millisecond, show: 10 * time.Millisecond,
	}
}

// newBoard makes a board that has joined nothing; data is its folder.
func newBoard(t *testing.T, data string) *board {
	t.Helper()
	b := &board{data: data, t: t, set: make(chan settings.Settings, 16)}
	b.tap = NewTap(slog.NewTextHandler(t.Output(), nil))
	s, err := store.Open(storeOf(data, slog.New(b.tap)))
	if err != nil {
		t.Fatal(err)
	}
	b.store = s
	b.live = live.NewHub("test", device)
	b.live.SetClock(wire.ClockSynced)
	b.live.SetSettings(settings.Default([]settings.Camera{{ID: "north"}}))
	b.live.UpdateCamera("north", func(c *live.Camera) { c.Source = "device" })
	b.Uplink = New(Config{
		Data: data, Device: device, Epoch: s.Epoch(), Boot: "boot", Outbox: s, Memory: s, Hours: s, Shelf: s, Errands: s, Latest: s.LatestSamples,
		Board: b.live, Control: b, Machine: machine{}, Logs: b.tap, Version: "test", Arch: "amd64", Profile: "test",
		Clock: membership.Clock{Now: time.Now}, Renew: func() {}, Log: slog.New(b.tap),
	})
	b.timing = quick()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	})
	b.stop = stop
	t.Cleanup(func() { b.stop() })
	return b
}

// run starts the link; the board's stop ends it first.
func (b *board) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	rest := b.stop
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
		rest()
	})
}

// joinAt makes the board a member of a hub whose broker is found at broker.
func (b *board) joinAt(h *hub, broker string) {
	b.t.Helper()
	h.join.Broker = broker
	_, err := membership.Join(b.t.Context(), membership.Request{
		Data: b.data, Device: device, Token: h.join.Token().String(), Version: "test", Clock: membership.Clock{Now: time.Now},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// keep stores n more records.
func (b *board) keep(n int) {
	b.t.Helper()
	var all sync.WaitGroup
	for range n {
		at := time.Now().UTC().Add(time.Duration(b.kept) * time.Millisecond)
		b.kept++
		all.Go(func() {
			if _, err := b.store.Append(context.Background(), sighting(at), nil, 0, &sketch.Sight{Verdict: wire.Good, Probabilities: []float64{0.9, 0.1}}); err != nil {
				b.t.Error(err)
			}
		})
	}
	all.Wait()
}

// until waits for something, with a deadline.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("did not come: %s", what)
		}
	}
}

// complete waits until the hub has all of a board's records, and holds that it
// has each once.
func complete(t *testing.T, tb *table, b *board) {
	t.Helper()
	newest := b.store.Usage().LastSeq
	until(t, fmt.Sprintf("record %d", newest), func() (ok bool) {
		tb.look(func(tb *table) { ok = tb.through[b.store.Epoch()] == newest })
		return ok
	})
	until(t, "the acknowledgement on the board's disk", func() bool { return b.store.Usage().Acked == newest })
	tb.look(func(tb *table) {
		lost := 0
		for seq := range newest {
			if !tb.rows[b.store.Epoch()][seq+1] && tb.poison[seq+1] == "" {
				lost++
			}
		}
		t.Logf("records %d, lost %d, doubled %d, sent again %d, batches %d", newest, lost, tb.doubled, tb.again, tb.batches)
		if lost > 0 || tb.doubled > 0 {
			t.Errorf("of %d records %d are lost, %d doubled", newest, lost, tb.doubled)
		}
		for _, err := range tb.faults {
			t.Error(err)
		}
	})
}

// proxy stands between a board and its hub, and cuts.
type proxy struct {
	to     string
	listen net.Listener
	mu     sync.Mutex
	open   map[net.Conn]bool // guarded by mu
	broken bool              // new connections are taken and never answered, guarded by mu
	down   bool              // new connections are closed at once, guarded by mu
	passed int64             // bytes, guarded by mu
	all    sync.WaitGroup
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{to: to, listen: l, open: map[net.Conn]bool{}}
	p.all.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.all.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listen.Addr().String() }

func (p *proxy) serve() {
	for {
		near, err := p.listen.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		broken, down := p.broken, p.down
		if down {
			_ = near.Close()
		} else {
			p.open[near] = true
		}
		p.mu.Unlock()
		if broken || down {
			continue
		}
		far, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		p.mu.Lock()
		p.open[far] = true
		p.mu.Unlock()
		p.all.Go(func() { p.pass(near, far) })
		p.all.Go(func() { p.pass(far, near) })
	}
}

func (p *proxy) pass(to, from net.Conn) {
	n, _ := io.Copy(to, from) // ends when either end does
	_, _ = to.Close(), from.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed += n
}

// cut ends every connection at once.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
	clear(p.open)
}

// setDown is a hub that is not there, until it is again.
func (p *proxy) setDown(down bool) {
	p.mu.Lock()
	p.down = down
	p.mu.Unlock()
	p.cut()
}

func (p *proxy) setBroken(broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = broken
}

package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/goleak"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/broker/brokertest"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hub is a guard and a receiver that a test steers.
type hub struct {
	mu       sync.Mutex // guards the below
	refuse   map[string]bool
	fail     error
	heard    chan Message
	sessions map[string]uint64
	changed  chan struct{}
}

func newHub() *hub {
	return &hub{refuse: map[string]bool{}, heard: make(chan Message, 100), sessions: map[string]uint64{}, changed: make(chan struct{}, 1000)}
}

func (h *hub) Admit(device, _ string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse[device] {
		return errors.New("revoked")
	}
	return nil
}

func (h *hub) Receive(_ context.Context, m Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		return h.fail
	}
	h.heard <- m
	return nil
}

func (h *hub) Present(device string, session uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[device] = session
	h.changed <- struct{}{}
}

func (h *hub) Absent(device string, session uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[device] == session {
		delete(h.sessions, device)
	}
	h.changed <- struct{}{}
}

// awaitHere waits until a board is there, or is not.
func (h *hub) awaitHere(t *testing.T, device string, want bool) {
	t.Helper()
	late := time.After(brokertest.Patience)
	for {
		h.mu.Lock()
		_, here := h.sessions[device]
		h.mu.Unlock()
		if here == want {
			return
		}
		select {
		case <-h.changed:
		case <-late:
			t.Fatalf("%s: here is %v", device, here)
		}
	}
}

type rig struct {
	*Embedded
	hub   *hub
	ca    *authority.Authority
	other *authority.Authority
	now   time.Time
	stop  func() // once
}

func setup(t *testing.T, limits Limits) *rig {
	t.Helper()
	r := &rig{hub: newHub(), now: time.Now()}
	var err error
	if r.ca, err = authority.Open(t.TempDir(), func() time.Time { return r.now }); err != nil {
		t.Fatal(err)
	}
	if r.other, err = authority.Open(t.TempDir(), time.Now); err != nil {
		t.Fatal(err)
	}
	server, err := r.ca.Server([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	r.Embedded, err = New(Config{
		Listen: "127.0.0.1:0", Certificate: server.Certificate, Boards: r.ca.Pool(), Limits: limits,
		Guard: r.hub, Receiver: r.hub, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(brokertest.Patience):
			t.Error("the broker does not end")
		}
	})
	t.Cleanup(r.stop)
	<-r.Ready()
	return r
}

func (r *rig) join(t *testing.T, device string) mqtt.Client {
	t.Helper()
	pair, _ := brokertest.Certificate(t, r.ca, device)
	client, err := brokertest.Connect(t, brokertest.Client(r.Addr(), device, pair))
	if err != nil {
		t.Fatal(err)
	}
	r.hub.awaitHere(t, device, true)
	return client
}

func (r *rig) refuses(t *testing.T, name string, options *mqtt.ClientOptions) {
	t.Helper()
	if _, err := brokertest.Connect(t, options); err == nil {
		t.Errorf("%s: let in", name)
	}
}

func TestStrangersAreNotLetIn(t *testing.T) {
	t.Parallel()
	r := setup(t, Limits{})
	mine, _ := brokertest.Certificate(t, r.ca, "b1")
	theirs, _ := brokertest.Certificate(t, r.other, "b1")
	r.now = r.now.Add(-3 * authority.BoardLife)
	expired, _ := brokertest.Certificate(t, r.ca, "b1")
	r.refuses(t, "no certificate", brokertest.Client(r.Addr(), "b1"))
	r.refuses(t, "certificate of another CA", brokertest.Client(r.Addr(), "b1", theirs))
	r.refuses(t, "expired certificate", brokertest.Client(r.Addr(), "b1", expired))
	r.refuses(t, "client id of another board", brokertest.Client(r.Addr(), "b2", mine))
	r.refuses(t, "last will of another board", brokertest.Client(r.Addr(), "b1", mine).SetWill(wire.Topic("b2", wire.TopicState), "{}", 1, false))
	r.refuses(t, "last will that stays", brokertest.Client(r.Addr(), "b1", mine).SetWill(wire.Topic("b1", wire.TopicState), "{}", 1, true))
	r.hub.mu.Lock()
	r.hub.refuse["b1"] = true
	r.hub.mu.Unlock()
	r.refuses(t, "revoked board", brokertest.Client(r.Addr(), "b1", mine))
	if s := r.Stats(); s.Connected != 0 || s.Refused != 4 || s.Handshake != 3 {
		t.Errorf("%+v", s)
	}
}

func TestOneBoardCannotReachAnothersTopics(t *testing.T) {
	t.Parallel()
	r := setup(t, Limits{})
	victim := r.join(t, "victim")
	heard := brokertest.Listen(t, victim, "victim")
	for name, topic := range map[string]string{
		"its records":              wire.Topic("victim", wire.TopicRecords),
		"its last will":            wire.Topic("victim", wire.TopicState),
		"what the hub says to it":  wire.Topic("victim", wire.TopicAck),
		"what the hub says to me":  wire.Topic("attacker", wire.TopicAck),
		"a topic that is no topic": "g/1/attacker/up/nonsense",
	} {
		attacker := r.join(t, "attacker")
		token := attacker.Publish(topic, 1, false, "{}")
		if token.WaitTimeout(brokertest.Patience) && token.Error() == nil && attacker.IsConnected() {
			t.Errorf("%s: %s was taken", name, topic)
		}
		r.hub.awaitHere(t, "attacker", false)
	}
	attacker := r.join(t, "attacker")
	attacker.Publish("$SYS/x", 1, false, "{}") // passed over in silence
	for _, filter := range []string{"#", "g/1/+/down/+", "g/1/victim/down/+", wire.UpFilter, "+/+/+/+/+", "$SYS/#", "$share/g/g/1/attacker/down/+", wire.Topic("attacker", wire.TopicRecords)} {
		token := attacker.Subscribe(filter, 1, nil)
		if !token.WaitTimeout(brokertest.Patience) {
			t.Fatal("no answer to a subscription")
		}
		codes := slices.Collect(maps.Values(token.(*mqtt.SubscribeToken).Result())) // paho names a shared filter without its group
		if len(codes) != 1 || codes[0] != 0x80 {
			t.Errorf("%s: answered with %v, not with one refusal", filter, codes)
		}
	}
	if err := r.Publish("victim", wire.TopicAck, []byte("mine")); err != nil {
		t.Fatal(err)
	}
	if m := <-heard; string(m.Payload()) != "mine" {
		t.Errorf("the victim heard %q", m.Payload())
	}
	if len(r.hub.heard) != 0 || len(heard) != 0 {
		t.Errorf("the hub heard %d messages of an attacker, the victim %d more", len(r.hub.heard), len(heard))
	}
}

func TestRevocationEndsAConnection(t *testing.T) {
	t.Parallel()
	r := setup(t, Limits{})
	r.join(t, "idle")
	busy := r.join(t, "busy")
	r.hub.mu.Lock()
	r.hub.refuse["idle"], r.hub.refuse["busy"] = true, true
	r.hub.mu.Unlock()
	r.Disconnect("idle")
	r.hub.awaitHere(t, "idle", false)
	busy.Publish(wire.Topic("busy", wire.TopicRecords), 1, false, "{}") // even where nobody disconnects it
	r.hub.awaitHere(t, "busy", false)
	if len(r.hub.heard) != 0 {
		t.Error("a revoked board was heard")
	}
	if err := r.Publish("idle", wire.TopicAck, nil); !errors.Is(err, ErrAbsent) {
		t.Errorf("publish to a revoked board: %v", err)
	}
}

func TestWhatIsNotKeptIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	r := setup(t, Limits{})
	client := r.join(t, "b1")
	r.hub.mu.Lock()
	r.hub.fail = errors.New("disk full")
	r.hub.mu.Unlock()
	lost := client.Publish(wire.Topic("b1", wire.TopicRecords), 1, false, "first")
	for late := time.After(brokertest.Patience); r.Stats().Withheld == 0; {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			t.Fatal("the message never came")
		}
	}
	r.hub.mu.Lock()
	r.hub.fail = nil
	r.hub.mu.Unlock()
	kept := client.Publish(wire.Topic("b1", wire.TopicRecords), 1, false, "second")
	if !kept.WaitTimeout(brokertest.Patience) || kept.Error() != nil {
		t.Fatalf("the second: %v", kept.Error())
	}
	select {
	case <-lost.Done():
		t.Error("the message that could not be kept was acknowledged")
	default:
	}
	if m := <-r.hub.heard; string(m.Payload) != "second" || m.Device != "b1" || m.Name != wire.TopicRecords {
		t.Errorf("heard %+v", m)
	}
}

func TestABoardThatComesAnewReplacesItsOldConnection(t *testing.T) {
	t.Parallel()
	r := setup(t, Limits{})
	for range 30 {
		r.join(t, "b1")
	}
	last := r.join(t, "b1")
	heard := brokertest.Listen(t, last, "b1")
	if err := r.Publish("b1", wire.TopicAck, []byte("x")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-heard:
	case <-time.After(brokertest.Patience):
		t.Fatal("the newest connection hears nothing")
	}
	if n := r.Stats().Connected; n != 1 {
		t.Errorf("%d boards are connected", n)
	}
	r.hub.awaitHere(t, "b1", true)
}

func TestOversizedPacketEndsTheConnection(t *testing.T) {
	t.Parallel()
	r := setup(t, Limits{})
	client := r.join(t, "b1")
	client.Publish(wire.Topic("b1", wire.TopicRecords), 1, false, make([]byte, 2*wire.MaxPacket))
	r.hub.awaitHere(t, "b1", false)
	fits := r.join(t, "b1").Publish(wire.Topic("b1", wire.TopicRecords), 1, false, make([]byte, wire.MaxPacket))
	if !fits.WaitTimeout(brokertest.Patience) || fits.Error() != nil {
		t.Errorf("the largest packet that is allowed: %v", fits.Error())
	}
}

// closedByBroker reads until the other side ends a connection.
func closedByBroker(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(brokertest.Patience)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	for b := make([]byte, 100); ; {
		_, err := c.Read(b)
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the connection is still open")
		}
		if err != nil {
			return
		}
	}
}

func TestSlowLorisIsCutOff(t *testing.T) {
	t.Parallel()
	limits := Defaults()
	limits.Connect = 300 * time.Millisecond
	r := setup(t, limits)
	silent, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	pair, _ := brokertest.Certificate(t, r.ca, "b1")
	slow, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	if _, err := slow.Write([]byte{0x10, 0x40, 0}); err != nil { // the beginning of a CONNECT
		t.Fatal(err)
	}
	closedByBroker(t, silent)
	closedByBroker(t, slow)
}

func TestBrokerEndsWhileStrangersKnock(t *testing.T) {
	t.Parallel()
	r := setup(t, Defaults())
	r.join(t, "b1")
	knocking := make(chan struct{})
	go func() {
		defer close(knocking)
		var held []net.Conn // they say nothing and stay
		for {
			c, err := net.Dial("tcp", r.Addr().String())
			if err != nil {
				break // the port is closed
			}
			held = append(held, c)
		}
		for _, c := range held {
			_ = c.Close()
		}
	}()
	r.stop()
	<-knocking
}

func TestCrowdOfStrangersLeavesRoomForBoards(t *testing.T) {
	t.Parallel()
	limits := Defaults()
	limits.PendingPer = 3
	r := setup(t, limits)
	r.join(t, "b1") // is admitted and counts no longer
	var crowd []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, c)
	}
	one, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	closedByBroker(t, one)
	for _, c := range crowd {
		_ = c.Close()
	}
	pair, _ := brokertest.Certificate(t, r.ca, "b2")
	for late := time.After(brokertest.Patience); ; {
		if _, err := brokertest.Connect(t, brokertest.Client(r.Addr(), "b2", pair)); err == nil {
			break
		}
		select {
		case <-late:
			t.Fatal("no room after the crowd left")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if r.Stats().Crowded == 0 {
		t.Error("nobody was turned away")
	}
}

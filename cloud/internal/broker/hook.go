package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"gourdian/cloud/internal/authority"
	"gourdian/internal/wire"
)

// errReplaced ends a connection whose board has come anew.
var errReplaced = errors.New("the board has a newer connection")

// hook is what mochi asks at every step of a connection.
//
// Each connection gets a client id of its own, the device and a number: mochi's
// taking over of sessions clears away by client id what may already be the new
// connection's. Here an old connection ends, and takes with it what is its own.
type hook struct {
	mqtt.HookBase
	config Config
	ctx    context.Context // of Run, which is set before anything is served

	session                     atomic.Uint64
	refused, withheld, received atomic.Uint64

	mu      sync.Mutex        // guards the two below
	boards  map[string]*board // by device
	clients map[string]*board // by client id
}

// board is a connection of an admitted board.
type board struct {
	client  *mqtt.Client
	device  string
	keyHash string
	session uint64
}

// ID names the hook.
func (h *hook) ID() string { return "gourdian" }

// Provides tells which questions it answers.
func (h *hook) Provides(b byte) bool {
	return bytes.IndexByte([]byte{
		mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablished, mqtt.OnDisconnect,
		mqtt.OnACLCheck, mqtt.OnPublish,
	}, b) >= 0
}

// OnConnect bounds what a client asks for, before anything is kept for it.
func (h *hook) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	most := uint16(h.config.Limits.KeepAlive.Seconds())
	if cl.State.Keepalive == 0 || cl.State.Keepalive > most {
		cl.State.Keepalive = most
		cl.State.ServerKeepalive = true // tells clients of MQTT 5
	}
	cl.Properties.Clean = true
	cl.Properties.Props.SessionExpiryInterval = 0
	return nil
}

// OnConnectAuthenticate holds that client id, certificate and last will are of
// one board that may be here.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	device, keyHash, err := identity(cl)
	switch {
	case err != nil:
	case pk.Connect.ClientIdentifier != device:
		err = fmt.Errorf("the client id %.64q", pk.Connect.ClientIdentifier)
	case pk.Connect.WillFlag && (pk.Connect.WillTopic != wire.Topic(device, wire.TopicState) || pk.Connect.WillRetain):
		err = fmt.Errorf("a last will for %.64q", pk.Connect.WillTopic)
	default:
		err = h.config.Guard.Admit(device, keyHash)
	}
	if err != nil {
		h.refused.Add(1)
		h.config.Log.Debug("board refused", "device", device, "remote", cl.Net.Remote, "error", err)
		return false
	}
	cl.ID = device + "/" + strconv.FormatUint(h.session.Add(1), 10)
	return true
}

// identity reads who shows which key. The certificate was verified by the
// handshake.
func identity(cl *mqtt.Client) (device, keyHash string, err error) {
	c, ok := cl.Net.Conn.(*conn)
	if !ok {
		return "", "", errors.New("a connection without TLS")
	}
	chain := c.ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return "", "", errors.New("no certificate")
	}
	device = chain[0].Subject.CommonName
	if _, _, _, ok := wire.ParseTopic("g/1/" + device + "/up/" + wire.TopicState); !ok {
		return "", "", fmt.Errorf("the common name %.64q is no device", device)
	}
	return device, authority.KeyHash(chain[0].RawSubjectPublicKeyInfo), nil
}

// OnSessionEstablished makes the connection the board's one.
func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	device, keyHash, err := identity(cl)
	if err != nil {
		cl.Stop(err)
		return
	}
	if c, ok := cl.Net.Conn.(*conn); ok {
		c.leave()
	}
	b := &board{client: cl, device: device, keyHash: keyHash}
	b.session, _ = strconv.ParseUint(cl.ID[len(device)+1:], 10, 64) // as OnConnectAuthenticate wrote it
	h.mu.Lock()
	old := h.boards[device]
	h.boards[device], h.clients[cl.ID] = b, b
	h.mu.Unlock()
	if old != nil {
		old.client.Stop(errReplaced)
	}
	h.config.Receiver.Present(device, b.session)
	// Again: whoever was refused since could not be disconnected before.
	if err := h.config.Guard.Admit(device, keyHash); err != nil {
		h.refused.Add(1)
		cl.Stop(err)
	}
}

// OnDisconnect forgets the connection.
func (h *hook) OnDisconnect(cl *mqtt.Client, _ error, _ bool) {
	h.mu.Lock()
	b := h.clients[cl.ID]
	delete(h.clients, cl.ID)
	if b != nil && h.boards[b.device] == b {
		delete(h.boards, b.device)
	}
	h.mu.Unlock()
	if b != nil {
		h.config.Receiver.Absent(b.device, b.session)
	}
}

// OnACLCheck lets a board say what boards say, under its own name, and listen
// to what is said to it.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	b := h.board(cl.ID)
	if b == nil {
		return false
	}
	allowed := !write && topic == wire.DownFilter(b.device)
	if device, _, way, ok := wire.ParseTopic(topic); ok && device == b.device {
		allowed = allowed || write == (way == wire.Up)
	}
	err := h.config.Guard.Admit(b.device, b.keyHash)
	if allowed && err == nil {
		return true
	}
	h.refused.Add(1)
	h.config.Log.Warn("board tried what it may not", "device", b.device, "topic", wire.Text(topic, wire.MaxName), "write", write, "error", err)
	if err != nil {
		cl.Stop(err)
	}
	return false
}

// OnPublish gives a message to the Receiver and waits until it is kept. No
// subscriber exists who would want it, so it goes no further.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil
	}
	b := h.board(cl.ID)
	device, name, _, ok := wire.ParseTopic(pk.TopicName)
	if b == nil || !ok || device != b.device {
		return pk, packets.ErrRejectPacket
	}
	m := Message{Device: device, Session: b.session, Name: name, Payload: pk.Payload, At: time.Now()}
	if err := h.config.Receiver.Receive(h.ctx, m); err != nil {
		h.withheld.Add(1)
		h.config.Log.LogAttrs(h.ctx, slog.LevelDebug, "message not kept", slog.String("device", device), slog.String("topic", name), slog.Any("error", err))
		return pk, packets.ErrRejectPacket
	}
	h.received.Add(1)
	return pk, packets.CodeSuccessIgnore
}

func (h *hook) board(id string) *board {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clients[id]
}

func (h *hook) present(device string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.boards[device] != nil
}

func (h *hook) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.boards)
}

func (h *hook) disconnect(device string) {
	h.mu.Lock()
	b := h.boards[device]
	h.mu.Unlock()
	if b != nil {
		b.client.Stop(errors.New("disconnected by the hub"))
	}
}

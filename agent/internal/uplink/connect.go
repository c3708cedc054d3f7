package uplink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/membership"
	"gourdian/internal/wire"
)

const (
	// maxInbox bounds what the hub says and the board has not looked at. What
	// finds no room is lost: everything that matters is said again.
	maxInbox = 64
	// goodbye is for the last words of a connection.
	goodbye = 250 * time.Millisecond
)

// connection is one connection to the broker.
type connection struct {
	client mqtt.Client
	inbox  chan message
	lost   chan error
	broken chan struct{} // closed with the connection's end
	device string
}

// message is what the hub said.
type message struct {
	name    string // of its topic
	payload []byte
}

// connect takes up a connection, on which the hub is heard.
func (u *Uplink) connect(ctx context.Context) (*connection, error) {
	m := u.member
	c := &connection{inbox: make(chan message, maxInbox), lost: make(chan error, 1), broken: make(chan struct{}), device: u.config.Device}
	will, err := json.Marshal(wire.State{Contract: wire.Contract, Boot: u.config.Boot})
	if err != nil {
		return nil, fmt.Errorf("write last will: %w", err)
	}
	options := mqtt.NewClientOptions().
		AddBroker("ssl://"+m.Broker).SetClientID(c.device).SetProtocolVersion(4).
		SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).
		// In order, so that no acknowledgement overtakes another. That is safe
		// since hear never waits.
		SetOrderMatters(true).
		SetKeepAlive(u.timing.keepAlive).SetPingTimeout(u.timing.keepAlive).
		SetConnectTimeout(u.timing.connect).SetWriteTimeout(u.timing.write).
		SetBinaryWill(wire.Topic(c.device, wire.TopicState), will, 1, false).
		SetConnectionLostHandler(c.gone).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			return u.dial(ctx, m.Broker)
		})
	c.client = mqtt.NewClient(options)
	if err := await(ctx, c.client.Connect(), u.timing.connect+time.Second); err != nil {
		c.end()
		return nil, fmt.Errorf("connect to the broker at %s: %w", m.Broker, err)
	}
	token := c.client.Subscribe(wire.DownFilter(c.device), 1, c.hear)
	if err := await(ctx, token, u.timing.connect); err != nil {
		c.end()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return c, nil
}

// await waits for a token.
func await(ctx context.Context, token mqtt.Token, most time.Duration) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errors.New("no answer in time")
	}
}

// hear hands over what came. It must not wait.
func (c *connection) hear(_ mqtt.Client, m mqtt.Message) {
	device, name, way, ok := wire.ParseTopic(m.Topic())
	if !ok || way != wire.Down || device != c.device {
		return
	}
	select {
	case c.inbox <- message{name, m.Payload()}:
	default:
	}
}

// gone notes the end of the connection; the client says so once.
func (c *connection) gone(_ mqtt.Client, err error) {
	c.lost <- err
	close(c.broken)
}

// publish sends a value as JSON.
func (c *connection) publish(name string, qos byte, value any) (mqtt.Token, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	if len(data) > wire.MaxPacket {
		return nil, fmt.Errorf("write %s: %d bytes, at most %d", name, len(data), wire.MaxPacket)
	}
	return c.say(name, qos, data)
}

// say hands a message to the client. When the connection breaks at that moment
// the client holds its caller until the time for writing is over; so it is
// called beside, by a goroutine that ends then.
func (c *connection) say(name string, qos byte, data []byte) (mqtt.Token, error) {
	said := make(chan mqtt.Token, 1)
	go func() { said <- c.client.Publish(wire.Topic(c.device, name), qos, false, data) }()
	select {
	case token := <-said:
		return token, nil
	case <-c.broken:
		return nil, errBroken
	}
}

// publishFrame sends something about a picture. What arrives is answered by the
// hub itself, so MQTT need not acknowledge it as well.
func (c *connection) publishFrame(header wire.SampleHeader, body []byte) error {
	frame, err := wire.EncodeFrame(header, body)
	if err != nil {
		return err
	}
	_, err = c.say(wire.TopicSamples, 0, frame)
	return err
}

// end closes the connection.
func (c *connection) end() { c.client.Disconnect(uint(goodbye.Milliseconds())) }

// dial opens a connection whose bytes are counted as they are paid for: below
// TLS. What hangs in it ends with ctx.
func (u *Uplink) dial(whole context.Context, broker string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(whole, u.timing.connect)
	defer cancel()
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", broker)
	if err != nil {
		return nil, err
	}
	config := u.tls.Clone()
	config.ServerName, _, _ = net.SplitHostPort(broker) // wire.JoinAnswer has one
	conn := tls.Client(&counted{Conn: raw, up: &u.up, down: &u.down}, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	context.AfterFunc(whole, func() { _ = conn.SetWriteDeadline(time.Now().Add(goodbye)) }) // fails on what is closed
	return conn, nil
}

// counted counts what passes.
type counted struct {
	net.Conn
	up, down *atomic.Uint64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.down.Add(uint64(n))
	return n, err
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.up.Add(uint64(n))
	return n, err
}

// why finds the reason of a failed connection. Alerts of TLS have no type that
// could be asked for, only their words.
func why(err error) string {
	text := err.Error()
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, "tls: "+w) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(err, membership.ErrOtherHub):
		return live.WhyOtherHub
	case errors.Is(err, membership.ErrClock):
		return live.WhyClock
	case says("expired certificate"):
		return live.WhyExpired
	case says("bad certificate", "revoked certificate", "access denied", "unknown certificate"),
		errors.Is(err, packets.ErrorRefusedIDRejected), errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword),
		errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return live.WhyRefused
	default:
		return live.WhyUnreachable
	}
}

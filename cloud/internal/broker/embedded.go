package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"

	"gourdian/internal/wire"
)

const (
	maxPending  = 256 // messages that wait for one board; each holds a place in memory from the start
	maxInflight = 256 // messages that one board has not acknowledged
	forget      = 60  // seconds after which a session is cleared away that ended half-made
	sysEvery    = 600 // seconds between the broker's messages about itself, which nobody may read
	bufferSize  = 4096
	overhead    = 1024 // bytes of a packet beside its payload
)

// Config is what the embedded broker needs.
type Config struct {
	Listen      string // host:port
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Boards      *x509.CertPool // the CA of boards
	Now         func() time.Time
	Limits      Limits
	Guard       Guard
	Receiver    Receiver
	Log         *slog.Logger
}

// Embedded is a broker in this process.
type Embedded struct {
	server   *mqtt.Server
	listener *listener
	hook     *hook
	ready    chan struct{}
	sent     atomic.Uint64
}

var _ Broker = (*Embedded)(nil)

// New opens the broker's port. Run serves it.
func New(c Config) (*Embedded, error) {
	if c.Limits == (Limits{}) {
		c.Limits = Defaults()
	}
	raw, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("open the broker's port: %w", err)
	}
	// Retaining stays available: what boards say is never passed on, so never
	// retained, and a last will that asks for it is refused by the hook in words
	// that MQTT 3.1.1 has.
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumClients = int64(c.Limits.Clients)
	capabilities.MaximumClientWritesPending = maxPending
	capabilities.MaximumInflight = maxInflight
	capabilities.ReceiveMaximum = maxInflight
	capabilities.MaximumPacketSize = wire.MaxPacket + overhead
	capabilities.MaximumSessionExpiryInterval = forget
	capabilities.MaximumMessageExpiryInterval = int64((10 * time.Minute).Seconds())
	capabilities.MaximumQos = 1
	capabilities.SharedSubAvailable = 0
	capabilities.SubIDAvailable = 0
	capabilities.TopicAliasMaximum = 0
	capabilities.MinimumProtocolVersion = 4
	server := mqtt.New(&mqtt.Options{
		Capabilities:             capabilities,
		ClientNetReadBufferSize:  bufferSize,
		ClientNetWriteBufferSize: bufferSize,
		SysTopicResendInterval:   sysEvery,
		InlineClient:             true,
		// It logs every connection that fails, which anybody can bring about;
		// those are counted here.
		Logger: slog.New(slog.DiscardHandler),
	})
	l := newListener(raw, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: c.Certificate,
		ClientAuth:     tls.RequireAndVerifyClientCert,
		ClientCAs:      c.Boards,
		Time:           c.Now,
	}, c.Limits)
	h := &hook{config: c, boards: map[string]*board{}, clients: map[string]*board{}}
	if err := server.AddHook(h, nil); err != nil {
		return nil, fmt.Errorf("prepare the broker: %w", err)
	}
	return &Embedded{server: server, listener: l, hook: h, ready: make(chan struct{})}, nil
}

// Addr is where boards connect.
func (e *Embedded) Addr() net.Addr { return e.listener.Addr() }

// Ready is closed when boards can connect.
func (e *Embedded) Ready() <-chan struct{} { return e.ready }

// Run serves until ctx is done, once.
func (e *Embedded) Run(ctx context.Context) error {
	e.hook.ctx = ctx
	err := e.server.AddListener(listeners.NewNet("boards", e.listener))
	if err == nil {
		err = e.server.Serve()
	}
	if err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	close(e.ready)
	<-ctx.Done()
	e.listener.end()
	if err := e.server.Close(); err != nil {
		return fmt.Errorf("stop the broker: %w", err)
	}
	return nil
}

// Publish says something to a board.
func (e *Embedded) Publish(device, name string, payload []byte) error {
	if !e.hook.present(device) {
		return ErrAbsent
	}
	if err := e.server.Publish(wire.Topic(device, name), payload, false, 1); err != nil {
		return fmt.Errorf("publish %s to %s: %w", name, device, err)
	}
	e.sent.Add(1)
	return nil
}

// Disconnect ends a board's connection.
func (e *Embedded) Disconnect(device string) { e.hook.disconnect(device) }

// Stats tells what the broker counts.
func (e *Embedded) Stats() Stats {
	info := e.server.Info.Clone()
	return Stats{
		Connected: e.hook.count(),
		Handshake: e.listener.handshake.Load(), Crowded: e.listener.crowded.Load(),
		Refused: e.hook.refused.Load(), Withheld: e.hook.withheld.Load(), Received: e.hook.received.Load(),
		Sent: e.sent.Load(), Dropped: uint64(info.MessagesDropped + info.InflightDropped),
		BytesUp: uint64(info.BytesReceived), BytesDown: uint64(info.BytesSent),
	}
}

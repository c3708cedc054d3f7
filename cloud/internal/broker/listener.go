package broker

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// listener takes connections and closes those that are too many or too slow
// before anybody knows who they are.
type listener struct {
	net.Listener
	tls    *tls.Config
	limits Limits

	handshake, crowded atomic.Uint64

	mu      sync.Mutex     // guards the two below
	pending int            // connections that have not been admitted
	from    map[string]int // of those, by address
}

func newListener(l net.Listener, config *tls.Config, limits Limits) *listener {
	return &listener{Listener: l, tls: config, limits: limits, from: map[string]int{}}
}

// Accept returns the next connection. Its handshake happens at the first read,
// in the goroutine of that connection.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		var passing interface{ Timeout() bool }
		if errors.As(err, &passing) && passing.Timeout() {
			continue
		}
		if err != nil {
			return nil, err
		}
		address, _, _ := net.SplitHostPort(raw.RemoteAddr().String())
		if !l.enter(address) {
			l.crowded.Add(1)
			_ = raw.Close() // nobody is told
			continue
		}
		c := &conn{Conn: tls.Server(raw, l.tls), listener: l, leave: sync.OnceFunc(func() { l.left(address) })}
		_ = c.SetDeadline(time.Now().Add(l.limits.Connect)) // fails on what is closed
		return c, nil
	}
}

func (l *listener) enter(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending >= l.limits.Pending || l.from[address] >= l.limits.PendingPer {
		return false
	}
	l.pending++
	l.from[address]++
	return true
}

func (l *listener) left(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending--
	if l.from[address]--; l.from[address] == 0 {
		delete(l.from, address)
	}
}

// conn is a connection with the one certificate that its other end has shown.
type conn struct {
	*tls.Conn
	listener *listener
	leave    func() // is pending no longer

	shaken bool // of the one goroutine that reads
}

func (c *conn) Read(b []byte) (int, error) {
	if !c.shaken {
		if err := c.Handshake(); err != nil {
			c.listener.handshake.Add(1)
			return 0, err
		}
		c.shaken = true
	}
	return c.Conn.Read(b)
}

func (c *conn) Close() error {
	c.leave()
	return c.Conn.Close()
}

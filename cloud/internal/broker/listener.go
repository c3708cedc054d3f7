package broker

import (
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"slices"
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

	mu      sync.Mutex     // guards what is below
	pending int            // connections that have not been admitted
	from    map[string]int // of those, by address
	open    map[*conn]struct{}
	shut    bool
}

func newListener(l net.Listener, config *tls.Config, limits Limits) *listener {
	return &listener{Listener: l, tls: config, limits: limits, from: map[string]int{}, open: map[*conn]struct{}{}}
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
		if !l.keep(c) {
			_ = c.Close() // the hub stops
			continue
		}
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

func (l *listener) keep(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.shut {
		l.open[c] = struct{}{}
	}
	return !l.shut
}

func (l *listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// end closes the port and every connection. The broker waits for its clients
// when it stops, and misses those that came at that very moment.
func (l *listener) end() {
	_ = l.Listener.Close() // closed already: so much the better
	l.mu.Lock()
	l.shut = true
	open := slices.Collect(maps.Keys(l.open))
	l.mu.Unlock()
	for _, c := range open {
		_ = c.NetConn().Close() // without waiting for a farewell
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
	c.listener.forget(c)
	return c.Conn.Close()
}

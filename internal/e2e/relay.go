package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Relay is the network of one board: a loopback address of its own that leads to
// hub and broker for as long as the network is there. A board that has joined
// under that address has no other way.
type Relay struct {
	Hub string // host:port at which the board finds the hub

	host      string
	listeners []net.Listener
	owned     sync.WaitGroup // listeners and connections
	up, down  atomic.Int64   // bytes that the board sent and got, TLS included

	mu    sync.Mutex            // guards the rest
	cut   bool                  // nothing gets through
	conns map[net.Conn]struct{} // of both sides
}

// lastHost is the last loopback address that is tried for a board.
const lastHost = 250

// OpenRelay takes the first free address from 127.0.0.n on. The broker is found
// there under its own port, as boards expect.
func OpenRelay(ctx context.Context, n int, hub, broker string) (*Relay, error) {
	var err error
	for ; n < lastHost; n++ {
		r := &Relay{host: fmt.Sprintf("127.0.0.%d", n), conns: map[net.Conn]struct{}{}}
		if err = r.open(ctx, hub, broker); err == nil {
			return r, nil
		}
		r.Close()
	}
	return nil, fmt.Errorf("make a board's network: %w", err)
}

func (r *Relay) open(ctx context.Context, hub, broker string) error {
	_, port, err := net.SplitHostPort(broker)
	if err != nil {
		return err
	}
	for _, one := range []struct{ port, target string }{{port, broker}, {"0", hub}} {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(r.host, one.port))
		if err != nil {
			return err
		}
		r.listeners = append(r.listeners, l)
		r.owned.Go(func() { r.serve(l, one.target) })
		r.Hub = l.Addr().String()
	}
	return nil
}

// serve takes connections until its listener is closed.
func (r *Relay) serve(l net.Listener, target string) {
	for {
		near, err := l.Accept()
		if err != nil {
			return // closed
		}
		r.owned.Go(func() { r.pass(near, target) })
	}
}

// pass carries one connection until either side or the network ends it.
func (r *Relay) pass(near net.Conn, target string) {
	if !r.keep(near) {
		return
	}
	defer r.drop(near)
	far, err := (&net.Dialer{}).Dial("tcp", target)
	if err != nil || !r.keep(far) {
		return
	}
	defer r.drop(far)
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(near, counted{far, &r.down}) // its end is the other's end
		_ = near.Close()
	})
	_, _ = io.Copy(far, counted{near, &r.up})
	_ = far.Close()
	back.Wait()
}

// counted counts what is read.
type counted struct {
	from io.Reader
	n    *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Bytes are how much the board has sent and got so far, as its connections carry
// it: with TLS, without the headers of TCP and IP.
func (r *Relay) Bytes() (up, down int64) { return r.up.Load(), r.down.Load() }

// keep notes a connection, or closes it where there is no network.
func (r *Relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut {
		_ = c.Close() // that is what it is for
		return false
	}
	r.conns[c] = struct{}{}
	return true
}

func (r *Relay) drop(c net.Conn) {
	_ = c.Close() // may be closed already
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

// SetCut takes the network away or gives it back.
func (r *Relay) SetCut(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut
	for c := range r.conns {
		if cut {
			_ = c.Close() // as a cable that is pulled
		}
	}
}

// IsCut reports whether the network is away.
func (r *Relay) IsCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

// Close ends the network for good.
func (r *Relay) Close() {
	for _, l := range r.listeners {
		_ = l.Close() // that ends serve
	}
	r.SetCut(true)
	r.owned.Wait()
}

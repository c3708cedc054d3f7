package e2e

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// echo is a server that says what it hears; it ends with the test.
func echo(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return l.Addr().String()
}

func TestNetworkThatIsCutLetsNothingThroughUntilItIsBack(t *testing.T) {
	t.Parallel()
	target := echo(t)
	r, err := OpenRelay(t.Context(), 200, target, target)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	say := func() (net.Conn, error) {
		c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", r.Hub)
		if err != nil {
			return nil, err
		}
		err = errors.Join(c.SetDeadline(time.Now().Add(5*time.Second)), func() error { _, err := c.Write([]byte("ping")); return err }())
		if err == nil {
			_, err = io.ReadFull(c, make([]byte, 4))
		}
		return c, err
	}
	open, err := say()
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	r.SetCut(true)
	if n, err := open.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("an open connection survives the cut: %d, %v", n, err)
	}
	if c, err := say(); err == nil {
		c.Close()
		t.Error("something gets through a network that is cut")
	}
	if !r.IsCut() {
		t.Error("the network is cut and does not say so")
	}
	r.SetCut(false)
	c, err := say()
	if err != nil {
		t.Fatalf("the network is back: %v", err)
	}
	c.Close()
}

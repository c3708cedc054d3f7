package page

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/live"
)

// pipes is a network within a synctest bubble.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	gone  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), gone: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.gone:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.gone) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// serve runs the page's real server over pipes until the returned function is
// called, which gives the error of its stop.
func (r *rig) serve() (network *pipes, stop func() error) {
	network = newPipes()
	server := r.server.httpServer()
	served := make(chan error, 1)
	go func() { served <- server.Serve(network) }()
	return network, func() error { return r.server.stop(server, served) }
}

// untilClosed reads all that comes and returns it with the time until the board
// closed the line.
func untilClosed(c net.Conn) (string, time.Duration) {
	began := time.Now()
	data, _ := io.ReadAll(c) // the line is closed in one way or another
	return string(data), time.Since(began)
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func TestReaderThatSendsNothingIsLetGo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want time.Duration
	}{
		"no byte":     {"", headerTimeout},
		"half a head": {"GET / HTTP/1.1\r\nHost: localhost\r\n", headerTimeout},
		"half a body": {"POST /pin HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\npin=", readTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network, stop := newRig(t).serve()
				conn := network.dial()
				say(t, conn, c.text)
				if _, after := untilClosed(conn); after < c.want || after > c.want+time.Second {
					t.Errorf("let go after %s, want %s", after, c.want)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestDripOfHeadersIsLetGo sends a byte each second for ever.
func TestDripOfHeadersIsLetGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network, stop := newRig(t).serve()
		conn := network.dial()
		began := time.Now()
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		say(t, conn, "GET / HTTP/1.1\r\nX-Drip: ")
		for {
			if _, err := io.WriteString(conn, "a"); err != nil {
				break
			}
			pass(time.Second)
		}
		if after := time.Since(began); after > headerTimeout+time.Second {
			t.Errorf("let go after %s", after)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestHeadersThatAreTooLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network, stop := newRig(t).serve()
		conn := network.dial()
		go func() {
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "+strings.Repeat("a", 4*maxHeaderBytes)+"\r\n\r\n")
		}()
		if text, _ := untilClosed(conn); !strings.HasPrefix(text, "HTTP/1.1 431 ") {
			t.Errorf("%.60q", text)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestStalledStreamIsCut: a phone that went out of range must not hold a place
// for ever, while one that reads may stay for hours.
func TestStalledStreamIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network, stop := r.serve()
		stalled, awake := network.dial(), network.dial()
		for _, conn := range []net.Conn{stalled, awake} {
			say(t, conn, "GET /events?want=nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
		var text strings.Builder
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(&text, awake)
		}()
		pass(patience + time.Second)
		if n := r.server.streams.count(); n != 1 {
			t.Errorf("%d streams are open, want the awake one alone", n)
		}
		pass(2 * time.Hour)
		if n := r.server.streams.count(); n != 1 {
			t.Errorf("%d streams are open after two hours", n)
		}
		_ = stalled.Close()
		if err := stop(); err != nil {
			t.Error(err)
		}
		<-read
		if got := strings.Count(text.String(), "event: beat\n"); got < 300 {
			t.Errorf("%d signs of life in two hours", got)
		}
	})
}

func TestStopLetsAnAnswerUnderWayFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		network, stop := r.serve()
		events, under := network.dial(), network.dial()
		say(t, events, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
		eventsEnd := make(chan time.Duration, 1)
		go func() {
			_, after := untilClosed(events)
			eventsEnd <- after
		}()
		r.hub.SetFrame("barn", make([]byte, 1<<16), time.Now(), time.Now(), 1, nil)
		say(t, under, "GET "+frameTarget+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		first := make([]byte, 1)
		if _, err := under.Read(first); err != nil { // the answer has begun
			t.Fatal(err)
		}
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		pass(time.Second)
		answer, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(string(first)), under)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := io.ReadAll(answer.Body); err != nil || len(data) != 1<<16 {
			t.Errorf("%d bytes, %v", len(data), err)
		}
		_ = answer.Body.Close()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if after := <-eventsEnd; after > 2*time.Second {
			t.Errorf("the stream held up the stop for %s", after)
		}
	})
}

func TestStopCutsOffWhoTakesForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.history.set(func(f *fakeHistory) { f.block = true })
		network, stop := r.serve()
		conn := network.dial()
		say(t, conn, "GET /api/v1/records HTTP/1.1\r\nHost: localhost\r\n\r\n")
		synctest.Wait()
		began := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != stopTimeout {
			t.Errorf("the stop took %s, want %s", took, stopTimeout)
		}
		if !strings.Contains(r.log.String(), "cut off") {
			t.Errorf("the log says nothing: %s", r.log)
		}
		_ = conn.Close()
	})
}

func TestRunServesUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if r.server.Addr() != "" {
		t.Errorf("an address before the port is open: %s", r.server.Addr())
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.server.Run(ctx) }()
	<-r.server.Ready()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	events, err := client.Get("http://" + r.server.Addr() + "/events?want=health")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(events.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "retry: 3000\n" {
		t.Errorf("%q %v", line, err)
	}
	r.hub.Raise(live.Condition{Code: "disk_full", Severity: live.Serious})
	health, err := client.Get("http://" + r.server.Addr() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = health.Body.Close()
	if health.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/healthz: %d", health.StatusCode)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Errorf("the stream did not end well: %v", err)
	}
	_ = events.Body.Close()
	if _, err := client.Get("http://" + r.server.Addr() + "/healthz"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the port after the stop: %v", err)
	}
}

func TestPortInUseSaysWhatToDo(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	r := newRig(t)
	r.server.opts.Listen = taken.Addr().String()
	err = r.server.Run(t.Context())
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "another program") || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("%v", err)
	}
	if text := listenError(":80", syscall.EACCES).Error(); !strings.Contains(text, "above 1023") {
		t.Errorf("%s", text)
	}
	r = newRig(t)
	r.server.opts.Listen = "256.0.0.1:0"
	if err := r.server.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "check the address") {
		t.Errorf("%v", err)
	}
	select {
	case <-r.server.Ready():
		t.Error("ready without a port")
	default:
	}
}

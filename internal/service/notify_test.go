package service

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeManager is a service manager's socket.
type fakeManager struct {
	t    *testing.T
	conn *net.UnixConn
}

func listen(t *testing.T, name string) *fakeManager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &fakeManager{t: t, conn: conn}
}

// heard returns the datagrams that have come, without waiting for any.
func (m *fakeManager) heard() []string {
	m.t.Helper()
	raw, err := m.conn.SyscallConn()
	if err != nil {
		m.t.Fatal(err)
	}
	var all []string
	buffer := make([]byte, 4096)
	for n := 1; n > 0; {
		if err := raw.Read(func(fd uintptr) bool {
			n, _, _ = syscall.Recvfrom(int(fd), buffer, syscall.MSG_DONTWAIT)
			return true
		}); err != nil {
			m.t.Fatal(err)
		}
		if n > 0 {
			all = append(all, string(buffer[:n]))
		}
	}
	return all
}

// after lets d pass and returns what came. It listens every second: the kernel
// keeps ten datagrams.
func (m *fakeManager) after(d time.Duration) []string {
	m.t.Helper()
	var all []string
	for range int(d / time.Second) {
		<-time.After(time.Second)
		synctest.Wait()
		all = append(all, m.heard()...)
	}
	return all
}

func count(datagrams []string, line string) int {
	n := 0
	for _, d := range datagrams {
		for l := range strings.SplitSeq(d, "\n") {
			if l == line {
				n++
			}
		}
	}
	return n
}

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestManagerIsFoundByItsSocket(t *testing.T) {
	t.Parallel()
	for _, socket := range []string{filepath.Join(t.TempDir(), "notify"), "@gourdian-" + strconv.FormatInt(time.Now().UnixNano(), 36)} {
		fake := listen(t, socket)
		m, err := FindManager(environment("NOTIFY_SOCKET", socket))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.send("READY=1", "STATUS=well"); err != nil {
			t.Fatal(err)
		}
		if got := fake.heard(); len(got) != 1 || got[0] != "READY=1\nSTATUS=well" {
			t.Errorf("%s heard %q", socket, got)
		}
	}
	if m, err := FindManager(environment()); m != nil || err != nil {
		t.Errorf("started by hand: %v, %v", m, err)
	}
}

func TestNonsenseOfAManagerIsRefused(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(string) string{
		"relative socket": environment("NOTIFY_SOCKET", "run/notify"),
		"no number":       environment("NOTIFY_SOCKET", "/run/notify", "WATCHDOG_USEC", "soon"),
		"no time":         environment("NOTIFY_SOCKET", "/run/notify", "WATCHDOG_USEC", "0"),
		"negative time":   environment("NOTIFY_SOCKET", "/run/notify", "WATCHDOG_USEC", "-1"),
	} {
		if m, err := FindManager(env); err == nil {
			t.Errorf("%s: found %+v", name, m)
		}
	}
	gone, err := FindManager(environment("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none")))
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.send("READY=1"); err == nil {
		t.Error("a datagram to a socket that is not there was sent")
	}
}

// watched runs a group with a watch over it. The watchdog wants a beat every
// 12 seconds.
func watched(ctx context.Context, t *testing.T, status func() string, parts ...Part) (*fakeManager, <-chan error, *bytes.Buffer) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	fake := listen(t, socket)
	m, err := FindManager(environment("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "12000000"))
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	g := New(log)
	for _, part := range parts {
		g.Add(part)
	}
	w := &Watch{Manager: m, Group: g, Stall: 30 * time.Second, Status: status, Log: log}
	g.Add(Part{Name: "watch", Run: w.Run})
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	return fake, ended, &logged
}

// beating beats every second until it is told to hang.
func beating(hang, goOn <-chan struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			Beat(ctx)
			select {
			case <-ticker.C:
			case <-hang:
				<-goOn
				hang = nil
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func TestStalledPartStopsTheBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hang, goOn := make(chan struct{}), make(chan struct{})
		fake, ended, logged := watched(ctx, t, func() string { return "All well." },
			Part{Name: "guard", Beats: true, Run: beating(nil, nil)},
			Part{Name: "store", Beats: true, Run: beating(hang, goOn)})
		got := fake.after(time.Minute + time.Second)
		if len(got) == 0 || got[0] != "READY=1\nSTATUS=All well.\nWATCHDOG=1" {
			t.Fatalf("heard %q", got)
		}
		if n := count(got, "WATCHDOG=1"); n != 16 { // at the start and every 4 s
			t.Errorf("%d beats in a minute: %q", n, got)
		}
		close(hang)
		if got := fake.after(36 * time.Second); count(got, "STATUS=Stalled: store.") != 1 {
			t.Errorf("the stall is not told: %q", got)
		}
		if got := fake.after(time.Minute); len(got) > 0 {
			t.Errorf("heard of a group that stalls: %q", got)
		}
		if n := strings.Count(logged.String(), "a part stalls"); n != 1 {
			t.Errorf("the stall is logged %d times", n)
		}
		close(goOn)
		if got := fake.after(5 * time.Second); count(got, "WATCHDOG=1") == 0 || count(got, "STATUS=All well.") != 1 {
			t.Errorf("heard after the part goes on: %q", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got := fake.heard(); count(got, "STOPPING=1") != 1 {
			t.Errorf("the stop is not told: %q", got)
		}
	})
}

func TestPartThatIsDownOrFinishedIsNoStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		fake, ended, _ := watched(ctx, t, func() string { return "" },
			Part{Name: "folder", Beats: true, Run: func(context.Context) error { return nil }},
			Part{Name: "survey", Beats: true, Policy: Once, Run: func(context.Context) error { return errBoom }},
			Part{Name: "quiet", Run: func(ctx context.Context) error { <-ctx.Done(); return nil }})
		if n := count(fake.after(10*time.Minute+time.Second), "WATCHDOG=1"); n != 151 {
			t.Errorf("%d beats in ten minutes", n)
		}
		cancel()
		<-ended
	})
}

func TestReadyIsToldOnceThePageAnswersAndNotBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ready := make(chan struct{})
		status := "Waiting."
		fake, ended, _ := watched(ctx, t, func() string { return status },
			Part{Name: "page", Ready: ready, Run: func(ctx context.Context) error { <-ctx.Done(); return nil }})
		if got := fake.after(time.Minute); len(got) > 0 {
			t.Errorf("heard before the page answers: %q", got)
		}
		close(ready)
		synctest.Wait()
		status = "Looks.\nREADY=0"
		got := fake.after(5 * time.Second)
		if len(got) != 2 || got[0] != "READY=1\nSTATUS=Waiting.\nWATCHDOG=1" || got[1] != "WATCHDOG=1\nSTATUS=Looks. READY=0" {
			t.Errorf("heard %q", got)
		}
		cancel()
		<-ended
	})
}

//go:build packages

package packagetest

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// soon bounds what a busy machine does at last.
const soon = 3 * time.Minute

// checkout is the repository seen from this package's folder.
const checkout = "../../.."

// root is a clean Debian, a copy for this test.
type root struct {
	t   *testing.T
	dir string
}

// newRoot copies the Debian that set-up has made. Of this machine it gets
// nothing but /proc; the test runs in a mount namespace of its own.
func newRoot(t *testing.T) *root {
	t.Helper()
	from := filepath.Join(checkout, ".cache/debroot/root")
	if _, err := os.Stat(filepath.Join(from, ".key")); err != nil {
		t.Fatalf("no clean Debian: %v: run `make test-packages`", err)
	}
	parent, err := os.MkdirTemp(filepath.Join(checkout, ".cache/debroot"), "run.")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(filepath.Join(parent, "root"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	if said, err := exec.Command("cp", "-a", "--reflink=auto", from, dir).CombinedOutput(); err != nil {
		t.Fatalf("copy the clean Debian: %v\n%s", err, said)
	}
	proc := filepath.Join(dir, "proc")
	if err := syscall.Mount("proc", proc, "proc", 0, ""); err != nil {
		t.Fatalf("mount proc: %v", err)
	}
	t.Cleanup(func() { // before RemoveAll, for clean-ups run backwards
		if err := syscall.Unmount(proc, syscall.MNT_DETACH); err != nil {
			t.Fatalf("unmount proc: %v", err)
		}
	})
	return &root{t: t, dir: dir}
}

// path is where a file of the root lies on this machine.
func (r *root) path(name string) string { return filepath.Join(r.dir, name) }

// command is a program of the root, run by root there with a plain environment.
func (r *root) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: r.dir}
	return cmd
}

// must runs a program that has to end well and returns what it says.
func (r *root) must(name string, args ...string) string {
	r.t.Helper()
	said, err := r.command(r.t.Context(), name, args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said)
	}
	return string(said)
}

// apt runs apt-get. It needs no network: all that the package depends on is there.
func (r *root) apt(args ...string) string {
	r.t.Helper()
	return r.must("/usr/bin/apt-get", append([]string{"-y", "--no-install-recommends"}, args...)...)
}

// install copies packages into the root and installs them.
func (r *root) install(pkgs ...string) string {
	r.t.Helper()
	args := []string{"install"}
	for _, pkg := range pkgs {
		data, err := os.ReadFile(pkg)
		if err != nil {
			r.t.Fatalf("%v: run `make test-packages`", err)
		}
		name := "/tmp/" + filepath.Base(pkg)
		r.write(name, string(data), 0o644)
		defer os.Remove(r.path(name))
		args = append(args, name)
	}
	return r.apt(args...)
}

func (r *root) write(name, text string, mode os.FileMode) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), []byte(text), mode); err != nil {
		r.t.Fatal(err)
	}
}

func (r *root) read(name string) string {
	r.t.Helper()
	data, err := os.ReadFile(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

func (r *root) has(name string) bool {
	_, err := os.Lstat(r.path(name))
	return err == nil
}

// owner says whose a file is and what others may do with it: "root:gourdian 640".
func (r *root) owner(name string) string {
	r.t.Helper()
	return strings.TrimSpace(r.must("/usr/bin/stat", "-c", "%U:%G %a", name))
}

// files lists everything but what Debian's own tools remember.
func (r *root) files() []string {
	r.t.Helper()
	var all []string
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(path, r.dir), "/")
		switch {
		case err != nil:
			return err
		case slices.Contains([]string{"/proc", "/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log"}, name):
			return fs.SkipDir
		}
		all = append(all, name)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// accounts are the users and groups.
func (r *root) accounts() []string {
	lines := append(strings.Split(r.read("/etc/passwd"), "\n"), strings.Split(r.read("/etc/group"), "\n")...)
	slices.Sort(lines)
	return lines
}

// credential is that of a user of the root, with the groups that it is in.
func (r *root) credential(user string) *syscall.Credential {
	r.t.Helper()
	number := func(text string) uint32 {
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
		if err != nil {
			r.t.Fatal(err)
		}
		return uint32(n)
	}
	c := &syscall.Credential{Uid: number(r.must("/usr/bin/id", "-u", user)), Gid: number(r.must("/usr/bin/id", "-g", user))}
	for _, group := range strings.Fields(r.must("/usr/bin/id", "-G", user)) {
		c.Groups = append(c.Groups, number(group))
	}
	return c
}

// manager is a service manager's socket in the root. It keeps what it hears.
type manager struct {
	conn *net.UnixConn
	mu   sync.Mutex
	said []string // lines, guarded by mu
	done chan struct{}
}

// listen makes the socket, which the service's user may write to.
func (r *root) listen(name string) *manager {
	r.t.Helper()
	_ = os.Remove(r.path(name))
	// By its short path: a socket's may have 107 bytes only.
	folder, err := os.Open(filepath.Dir(r.path(name)))
	if err != nil {
		r.t.Fatal(err)
	}
	defer folder.Close()
	short := fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), filepath.Base(name))
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: short, Net: "unixgram"})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.Chmod(r.path(name), 0o777); err != nil {
		r.t.Fatal(err)
	}
	m := &manager{conn: conn, done: make(chan struct{})}
	go m.hear() // ends with the socket; stop waits for it
	return m
}

func (m *manager) hear() {
	defer close(m.done)
	buffer := make([]byte, 8192)
	for {
		n, err := m.conn.Read(buffer)
		if err != nil {
			return
		}
		m.mu.Lock()
		m.said = append(m.said, strings.Split(string(buffer[:n]), "\n")...)
		m.mu.Unlock()
	}
}

func (m *manager) stop() {
	_ = m.conn.Close()
	<-m.done
}

// heard counts the lines that begin so, and returns the newest of them.
func (m *manager) heard(start string) (n int, last string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.said {
		if strings.HasPrefix(line, start) {
			n, last = n+1, line
		}
	}
	return n, last
}

// until waits for a condition that comes soon.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(soon); ; {
		if holds() {
			return
		}
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("waited %v in vain until %s", soon, what)
		}
	}
}

//go:build packages

package packagetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// running is what the unit starts, without systemd: its command, user, folder
// and environment.
type running struct {
	r       *root
	unit    unit
	cmd     *exec.Cmd
	manager *manager
	url     string
	ended   chan struct{}

	mu  sync.Mutex
	log bytes.Buffer // guarded by mu
}

func (s *running) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *running) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// start starts the board's unit; trace is as in startUnit.
func (r *root) start(trace string) *running {
	r.t.Helper()
	// The test shares its network with this machine.
	s := r.startUnit(agentUnit, trace, "GOURDIAN_AGENT_LISTEN=127.0.0.1:0")
	// READY means that the page answers, not that it will.
	found := regexp.MustCompile(`device page is served.* address=(\S+)`).FindStringSubmatch(s.said())
	if found == nil {
		r.t.Fatalf("ready without a page:\n%s", s.said())
	}
	s.url = "http://" + found[1]
	if !strings.Contains(s.page("/"), "<html") {
		r.t.Error("ready, and the page does not answer")
	}
	return s
}

// startUnit starts a unit and waits until it is ready. With a trace, strace
// writes every system call of it and its workers into that file of this machine.
func (r *root) startUnit(file, trace string, env ...string) *running {
	r.t.Helper()
	u := readUnit(r.t, file)
	s := &running{r: r, unit: u, manager: r.listen("/run/" + filepath.Base(file)), ended: make(chan struct{})}
	argv := strings.Fields(u.one(r.t, "Service", "ExecStart"))
	user := u.one(r.t, "Service", "User")
	if trace == "" {
		s.cmd = r.command(r.t.Context(), argv[0], argv[1:]...)
		s.cmd.Dir = u.one(r.t, "Service", "WorkingDirectory")
		s.cmd.SysProcAttr.Credential = r.credential(user)
	} else {
		args := append([]string{"-f", "-qq", "-s", "0", "-o", trace, "chroot", "--userspec=" + user, r.dir}, argv...)
		s.cmd = exec.CommandContext(r.t.Context(), "strace", args...)
		s.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// Its own group, as in a service's control group: whatever is left is killed.
	s.cmd.SysProcAttr.Setpgid = true
	s.cmd.Env = append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG=C.UTF-8",
		"NOTIFY_SOCKET=/run/" + filepath.Base(file),
		"WATCHDOG_USEC=" + strconv.FormatInt(u.seconds(r.t, "Service", "WatchdogSec").Microseconds(), 10),
	}, env...)
	s.cmd.Stdout, s.cmd.Stderr = s, s
	if err := s.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { // ends with the process; stop waits for it
		defer close(s.ended)
		_ = s.cmd.Wait() // ProcessState says how
	}()
	r.t.Cleanup(func() {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.ended
		s.manager.stop()
		if r.t.Failed() {
			r.t.Logf("the service said:\n%s", s.said())
		}
	})
	until(r.t, "the service is ready", func() bool {
		select {
		case <-s.ended:
			r.t.Fatalf("the service ended before it was ready: %v", s.cmd.ProcessState)
		default:
		}
		n, _ := s.manager.heard("READY=1")
		return n == 1
	})
	return s
}

// page gets a page of the board or hub.
func (s *running) page(path string) string {
	s.r.t.Helper()
	response, err := (&http.Client{Timeout: 30 * time.Second}).Get(s.url + path)
	if err != nil {
		s.r.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.r.t.Fatal(err)
	}
	return string(body)
}

// record is of a sighting what the tests look at.
type record struct {
	Device  string `json:"device"`
	Seq     uint64 `json:"seq"`
	Camera  string `json:"camera"`
	Verdict string `json:"verdict"`
}

// records returns the newest sightings that the board has kept.
func (s *running) records() []record {
	s.r.t.Helper()
	var list struct {
		Records []record `json:"records"`
	}
	body := s.page("/api/v1/records")
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		s.r.t.Fatalf("%v in %s", err, body)
	}
	return list.Records
}

// provider is what the model runs on, "" while it does not.
func (s *running) provider() string {
	s.r.t.Helper()
	var status struct {
		Model *struct {
			Provider string `json:"provider"`
		} `json:"model"`
	}
	body := s.page("/api/v1/status")
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		s.r.t.Fatalf("%v in %s", err, body)
	}
	if status.Model == nil {
		return ""
	}
	return status.Model.Provider
}

// stopTraced stops a service that strace runs: the signal is for the agent, the
// child of strace.
func (s *running) stopTraced() {
	s.r.t.Helper()
	children := fmt.Sprintf("/proc/%d/task/%d/children", s.cmd.Process.Pid, s.cmd.Process.Pid)
	data, err := os.ReadFile(children)
	if err != nil {
		s.r.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		s.r.t.Fatalf("the children of strace are %q", data)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		s.r.t.Fatal(err)
	}
	<-s.ended
}

// stop stops the service as systemd does and expects it to end well and soon.
func (s *running) stop() {
	s.r.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.r.t.Fatal(err)
	}
	limit := s.unit.seconds(s.r.t, "Service", "TimeoutStopSec")
	select {
	case <-s.ended:
	case <-time.After(limit):
		s.r.t.Fatalf("the service did not stop within %v", limit)
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.r.t.Errorf("the service ended with %d", code)
	}
	if n, _ := s.manager.heard("STOPPING=1"); n != 1 {
		s.r.t.Error("the service did not say that it stops")
	}
}

// makeRow makes a folder in which each of some pictures stands for three seconds:
// one that only flashes by is nothing that stands there.
func (r *root) makeRow() {
	r.t.Helper()
	pictures, err := filepath.Glob(r.path("/srv/patch/*/*.jpg"))
	if err != nil || len(pictures) < 8 {
		r.t.Fatalf("%d pictures were rendered, %v", len(pictures), err)
	}
	if err := os.Mkdir(r.path("/srv/row"), 0o755); err != nil {
		r.t.Fatal(err)
	}
	for i := range 8 {
		for frame := range 15 {
			name := fmt.Sprintf("/srv/row/%d-%02d.jpg", i, frame)
			if err := os.Link(pictures[i*len(pictures)/8], r.path(name)); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// makeModel makes pictures and a model of them in the root, by the program that
// the package installs.
func (r *root) makeModel() (bundle string) {
	r.t.Helper()
	checkpoint, err := os.ReadFile(filepath.Join(checkout, ".cache/backbone/efficientnet-lite0.pth"))
	if err != nil {
		r.t.Fatalf("%v: run `make setup`", err)
	}
	r.write("/root/backbone.pth", string(checkpoint), 0o644)
	r.must("/usr/bin/gourdianctl", "render", "--out", "/srv/patch", "--count", "40", "--size", "256", "--seed", "5")
	r.must("/usr/bin/gourdianctl", "model", "train", "--data", "/srv/patch", "--task", "grade", "--out", "/root/grade.gourdian",
		"--folds", "3", "--cache", "/root/cache", "--checkpoint", "/root/backbone.pth")
	return "/root/grade.gourdian"
}

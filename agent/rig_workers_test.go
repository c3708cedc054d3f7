//go:build workers

package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	"testing"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
)

const (
	// soon bounds what a machine that is busy with other tests does at last.
	soon = 90 * time.Second
	// answersWithin is how long the page may take while workers die.
	answersWithin = 5 * time.Second
	// stopsWithin is less than a service manager waits before it kills.
	stopsWithin = 15 * time.Second
)

// model is a bundle trained on rendered pumpkins, and its pictures.
type model struct{ bundle, pictures string }

// trainModel trains a model on count rendered pictures with the real programs.
// How well it grades matters to none of the tests.
func trainModel(t testing.TB, count int) model {
	t.Helper()
	dir := t.TempDir()
	m := model{bundle: filepath.Join(dir, "grade.gourdian"), pictures: filepath.Join(dir, "patch")}
	program := testbed.Program(t, "gourdianctl")
	for _, args := range [][]string{
		{"render", "--out", m.pictures, "--count", strconv.Itoa(count), "--size", "256", "--seed", "5"},
		{"model", "train", "--data", m.pictures, "--task", "grade", "--out", m.bundle, "--folds", "3", "--cache", t.TempDir(),
			"--checkpoint", testbed.Checkpoint(t), "--onnxruntime", testbed.OnnxRuntime(t),
			"--infer-program", testbed.Program(t, infer.Program), "--camera-program", testbed.Program(t, capture.Program)},
	} {
		if said, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", program, args[0], err, said)
		}
	}
	return m
}

// repeated makes a folder in which each of the first n pictures stands so many
// times in a row.
func (m model) repeated(t testing.TB, n, times int) string {
	t.Helper()
	pictures, err := filepath.Glob(filepath.Join(m.pictures, "*", "*.jpg"))
	if err != nil || len(pictures) < n {
		t.Fatalf("%d pictures in %s, %v", len(pictures), m.pictures, err)
	}
	dir := t.TempDir()
	for i := range n {
		link(t, pictures[i*len(pictures)/n], dir, i, times)
	}
	return dir
}

// held makes a folder in which one picture stands so many times.
func (m model) held(t testing.TB, picture string, times int) string {
	t.Helper()
	dir := t.TempDir()
	link(t, filepath.Join(m.pictures, picture), dir, 0, times)
	return dir
}

func link(t testing.TB, picture, dir string, place, times int) {
	t.Helper()
	for j := range times {
		if err := os.Symlink(picture, filepath.Join(dir, fmt.Sprintf("%04d-%04d.jpg", place, j))); err != nil {
			t.Fatal(err)
		}
	}
}

// transcript is what a program prints, for several readers.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// program is a running gourdian-agent.
type program struct {
	cmd   *exec.Cmd
	url   string // of its page, once it is served
	log   transcript
	ended chan struct{} // closed when it has; then err says how
	err   error
}

// launch starts gourdian-agent with this environment. Whatever happens, it does
// not outlive the test.
func launch(t testing.TB, environ []string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(testbed.Program(t, "gourdian-agent"), args...), ended: make(chan struct{})}
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = append(os.Environ(), environ...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("the agent said:\n%s", p.log.String())
		}
	})
	return p
}

// environ is a config by the environment: a free port, no camera.
func environ(t testing.TB, data string) []string {
	t.Helper()
	return []string{"GOURDIAN_AGENT_DATA=" + data, "GOURDIAN_AGENT_LISTEN=127.0.0.1:0",
		"GOURDIAN_AGENT_MODEL_ONNXRUNTIME=" + testbed.OnnxRuntime(t)}
}

// serve launches an agent that looks at source and waits for its page.
func serve(t testing.TB, data, bundle, source string) *program {
	t.Helper()
	p := launch(t, append(environ(t, data), "GOURDIAN_AGENT_MODEL_BUNDLE="+bundle,
		"GOURDIAN_AGENT_CAMERAS_0_ID=barn", "GOURDIAN_AGENT_CAMERAS_0_SOURCE="+source))
	p.waitPage(t)
	return p
}

func (p *program) waitPage(t testing.TB) {
	t.Helper()
	address := regexp.MustCompile(`device page is served.* address=(\S+)`)
	until(t, "the page is served", func() bool {
		if found := address.FindStringSubmatch(p.log.String()); found != nil {
			p.url = "http://" + found[1]
			return true
		}
		select {
		case <-p.ended:
			t.Fatalf("the agent ended before it served its page: %v", p.err)
		default:
		}
		return false
	})
}

// signal sends a signal and returns the exit code with which the agent ends.
func (p *program) signal(t testing.TB, s syscall.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	return p.exit(t)
}

func (p *program) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(stopsWithin):
		t.Fatalf("the agent did not end within %v", stopsWithin)
		return -1
	}
}

// until waits for a condition that comes soon.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(30 * time.Millisecond)
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

// fetch reads an address of a page.
func fetch(ctx context.Context, url string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Close = true // a kept connection is a goroutine and a file of the board
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, errors.Join(err, response.Body.Close())
}

func (p *program) get(t testing.TB, path string, into any) {
	t.Helper()
	status, body, err := fetch(t.Context(), p.url+path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", status, body)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}

// status is what the tests read of /api/v1/status.
type status struct {
	Cameras []struct {
		Scored   uint64            `json:"scored"`
		FPS      float64           `json:"frames_per_second"`
		Finished bool              `json:"finished"`
		Skips    map[string]uint64 `json:"skips"`
		Zones    []struct {
			Verdict string `json:"verdict"`
		} `json:"zones"`
	} `json:"cameras"`
	Conditions []struct {
		Code string `json:"code"`
		Text string `json:"text"`
		Hint string `json:"hint"`
	} `json:"conditions"`
	Store struct {
		Records uint64 `json:"records"`
		NotKept uint64 `json:"not_kept"`
	} `json:"store"`
}

func (p *program) status(t testing.TB) (s status) {
	t.Helper()
	p.get(t, "/api/v1/status", &s)
	return s
}

func (p *program) scored(t testing.TB) uint64 {
	t.Helper()
	s := p.status(t)
	if len(s.Cameras) != 1 {
		return 0
	}
	return s.Cameras[0].Scored
}

// metric reads one number of /metrics.
func (p *program) metric(t testing.TB, name string) float64 {
	t.Helper()
	_, body, err := fetch(t.Context(), p.url+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(body)
	if found == nil {
		t.Fatalf("no metric %s in\n%s", name, body)
	}
	v, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// child returns the process id of a worker of the agent, 0 while there is none.
func (p *program) child(t testing.TB, name string) int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, stat := range stats {
		data, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent ...
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		exe, err := os.Readlink(filepath.Join(filepath.Dir(stat), "exe"))
		if err != nil || len(fields) < 2 || fields[1] != strconv.Itoa(p.cmd.Process.Pid) || filepath.Base(exe) != name {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	return 0
}

// runs reports whether a process is alive: no zombie and not gone.
func runs(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(data[bytes.LastIndexByte(data, ')')+1:])), "Z")
}

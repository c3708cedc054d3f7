package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// readyWithin is how long a board may take to its first scored frame; a
	// loaded machine takes most of a minute.
	readyWithin = 3 * time.Minute
	// sayEvery is how often a wait says that it goes on.
	sayEvery = 5 * time.Second
	// closedFor is how long a camera may be refused before it is given up.
	closedFor = 10 * time.Second
	// stopWithin is how long it may take to end.
	stopWithin = 20 * time.Second
	// ports are how many are tried, from the first on.
	ports = 50
	// lastWords are how many lines of a dead board's log are shown.
	lastWords = 8
	// cameraID names the demo's one camera.
	cameraID = "demo"
	// agentEnv begins the environment variables that configure an agent.
	agentEnv = "GOURDIAN_AGENT_"
)

// board is a running gourdian-agent.
type board struct {
	url   string
	log   string // path of its log
	cmd   *exec.Cmd
	http  *http.Client
	ended chan struct{} // closed when the process has ended
	err   error         // why, valid once ended is closed
}

// startBoard starts the agent on an empty data folder.
func (o *Options) startBoard(ctx context.Context, s *scenario) (*board, error) {
	data := filepath.Join(o.Dir, "board")
	if err := os.RemoveAll(data); err != nil {
		return nil, fmt.Errorf("empty the board's folder: %w", err)
	}
	port, err := o.freePort(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(o.Dir, "board.log"))
	if err != nil {
		return nil, fmt.Errorf("make the board's log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child holds its own
	b := &board{url: "http://localhost:" + strconv.Itoa(port), log: log.Name(),
		http: &http.Client{Transport: new(http.Transport)}, ended: make(chan struct{})}
	b.cmd = exec.Command(o.Agent)
	b.cmd.Stdout, b.cmd.Stderr = log, log
	// Ctrl-C in the terminal is ours: we end the board. If we are killed, the
	// kernel does.
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	b.cmd.Env = append(withoutAgent(os.Environ()),
		agentEnv+"DATA="+data,
		agentEnv+"LISTEN=:"+strconv.Itoa(port),
		agentEnv+"MODEL_BUNDLE="+s.bundle,
		agentEnv+"CAMERAS_0_ID="+cameraID,
		agentEnv+"CAMERAS_0_NAME=Demo",
		agentEnv+"CAMERAS_0_SOURCE="+s.source,
		agentEnv+"CAMERAS_0_FPS="+strconv.Itoa(cameraFPS),
	)
	return b, b.start()
}

// start starts the process. Its goroutine ends with it.
func (b *board) start() error {
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread ends that started the child:
		// it must be this goroutine's own until then.
		runtime.LockOSThread()
		err := b.cmd.Start()
		started <- err
		if err == nil {
			b.err = b.cmd.Wait()
		}
		close(b.ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start the board: %w", err)
	}
	return nil
}

// withoutAgent leaves out settings of a board that the caller may have: the
// demo's board has its own.
func withoutAgent(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool { return strings.HasPrefix(pair, agentEnv) })
}

// freePort returns the first free port from o.Port on.
func (o *Options) freePort(ctx context.Context) (int, error) {
	for port := o.Port; port < o.Port+ports; port++ {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
		if err == nil {
			return port, listener.Close()
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		o.Say("Port %d is taken; trying the next one.", port)
	}
	return 0, fmt.Errorf("no free port between %d and %d: name another one with gourdianctl demo --port", o.Port, o.Port+ports-1)
}

// stop ends the board and waits for it.
func (b *board) stop() {
	_ = b.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-b.ended:
	case <-time.After(stopWithin):
		_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL) // with its workers
		<-b.ended
	}
	b.http.CloseIdleConnections()
}

// died says how the board ended, with the last words of its log.
func (b *board) died() error {
	why := "without an error"
	if b.err != nil {
		why = b.err.Error()
	}
	return fmt.Errorf("the board ended by itself (%s)%s", why, b.words())
}

// words are the last lines of the board's log, for the end of an error.
func (b *board) words() string {
	text := ".\nIts log is " + b.log
	data, err := os.ReadFile(b.log)
	if err != nil || len(data) == 0 {
		return text
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return text + " and ends:\n  " + strings.Join(lines[max(0, len(lines)-lastWords):], "\n  ")
}

// waitReady waits for the first scored frame, or the end of a folder in which
// nothing can be scored.
func (o *Options) waitReady(ctx context.Context, b *board) error {
	began := time.Now()
	told, opened := began, began
	var closed error
	_, err := b.until(ctx, readyWithin, func(s *status) bool {
		now := time.Now()
		if !s.closed() {
			opened = now
		}
		if now.Sub(opened) >= closedFor {
			closed = fmt.Errorf("the board can't open what it is to look at%s", s.complaints())
		}
		if now.Sub(told) >= sayEvery {
			told = now
			o.Say("Starting the board: no verdict after %s.%s", now.Sub(began).Round(time.Second), s.complaints())
		}
		return closed != nil || s.scored() > 0 || s.done()
	})
	return errors.Join(err, closed)
}

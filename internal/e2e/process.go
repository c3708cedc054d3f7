package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// stopWithin is how long a program may take to end.
	stopWithin = 20 * time.Second
	// lastWords are how many lines of a dead program's log are shown.
	lastWords = 8
)

// Process is a program that was started here.
type Process struct {
	Log   string        // path of its log
	Ended chan struct{} // closed when the process has ended

	what string // for people: "the board"
	cmd  *exec.Cmd
	err  error // why it ended, valid once Ended is closed
}

// Start starts a program that writes into a log of its own. what says for people
// what it is.
func Start(what, program, log string, env []string) (*Process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the log of %s: %w", what, err)
	}
	defer func() { _ = file.Close() }() // the child holds its own
	p := &Process{what: what, Log: log, cmd: exec.Command(program), Ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = file, file, env
	// Ctrl-C in the terminal is ours: we end the program. If we are killed, the
	// kernel does.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	return p, p.start()
}

// start starts the process. Its goroutine ends with it.
func (p *Process) start() error {
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread ends that started the child:
		// it must be this goroutine's own until then.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		close(p.Ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.what, err)
	}
	return nil
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the program and its workers as a power cut would.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended by itself
	<-p.Ended
}

// Stop ends the program and waits for it.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.Ended:
	case <-time.After(stopWithin):
		p.Kill()
	}
}

// HasEnded reports whether the program has ended.
func (p *Process) HasEnded() bool {
	select {
	case <-p.Ended:
		return true
	default:
		return false
	}
}

// Died says how the program ended, with the last words of its log.
func (p *Process) Died() error {
	why := "without an error"
	if p.err != nil {
		why = p.err.Error()
	}
	return fmt.Errorf("%s ended by itself (%s)%s", p.what, why, p.Words())
}

// Words are the last lines of the program's log, for the end of an error.
func (p *Process) Words() string {
	text := ".\nIts log is " + p.Log
	data, err := os.ReadFile(p.Log)
	if err != nil || len(data) == 0 {
		return text
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return text + " and ends:\n  " + strings.Join(lines[max(0, len(lines)-lastWords):], "\n  ")
}

// Without leaves out the settings of a program that the caller may have: what is
// started here has its own.
func Without(environ []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool { return strings.HasPrefix(pair, prefix) })
}

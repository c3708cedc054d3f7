package demo

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

// process is a program that the demo started.
type process struct {
	what  string // for people: "the board"
	log   string // path of its log
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
	err   error         // why, valid once ended is closed
}

// startProcess starts a program that writes into a log of its own.
func startProcess(what, program, log string, env []string) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the log of %s: %w", what, err)
	}
	defer func() { _ = file.Close() }() // the child holds its own
	p := &process{what: what, log: log, cmd: exec.Command(program), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = file, file, env
	// Ctrl-C in the terminal is ours: we end the program. If we are killed, the
	// kernel does.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	return p, p.start()
}

// start starts the process. Its goroutine ends with it.
func (p *process) start() error {
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
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.what, err)
	}
	return nil
}

// stop ends the program and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(stopWithin):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // with its workers
		<-p.ended
	}
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// died says how the program ended, with the last words of its log.
func (p *process) died() error {
	why := "without an error"
	if p.err != nil {
		why = p.err.Error()
	}
	return fmt.Errorf("%s ended by itself (%s)%s", p.what, why, p.words())
}

// words are the last lines of the program's log, for the end of an error.
func (p *process) words() string {
	text := ".\nIts log is " + p.log
	data, err := os.ReadFile(p.log)
	if err != nil || len(data) == 0 {
		return text
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return text + " and ends:\n  " + strings.Join(lines[max(0, len(lines)-lastWords):], "\n  ")
}

// without leaves out the settings of a program that the caller may have: the
// demo's has its own.
func without(environ []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool { return strings.HasPrefix(pair, prefix) })
}

package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// DefaultHelloTimeout leaves time to load a model and pass its golden
	// frames on a slow board.
	DefaultHelloTimeout = 60 * time.Second
	// DefaultCallTimeout bounds a call whose context has no earlier deadline.
	DefaultCallTimeout = 10 * time.Second

	// DefaultStopTimeout is longer than a worker's own handlerGrace.
	DefaultStopTimeout = 3 * time.Second
	// exitWait is how long a broken pipe waits for the reason: the worker's exit.
	exitWait = time.Second
	// pipeSize holds a 224x224 tensor as a whole: 26 us instead of 37 us for a
	// round trip.
	pipeSize = 1 << 20
)

// Spec says how to start a worker.
type Spec struct {
	Path    string   // of the program, see Locate
	Args    []string // without the program's name
	Env     []string // "KEY=value", beside the parent's environment
	Program string   // that the hello must name, e.g. "gourdian-infer"

	HelloTimeout time.Duration // 0 = DefaultHelloTimeout
	CallTimeout  time.Duration // 0 = DefaultCallTimeout
	StopTimeout  time.Duration // from closing the pipe to SIGKILL; 0 = DefaultStopTimeout

	// MemoryMB caps the worker's private writable memory (RLIMIT_DATA), so that
	// a leak kills the worker and not the board; 0 = no cap. What counts is what
	// was asked for, 8 MB of stack for each thread included: an inference worker
	// that is resident with 100 MB counts 240. ONNX Runtime and Go report the
	// failure and end; both were tried.
	MemoryMB int

	Log *slog.Logger // nil = nothing is logged
}

func (s Spec) withDefaults() Spec {
	s.HelloTimeout = cmp.Or(s.HelloTimeout, DefaultHelloTimeout)
	s.CallTimeout = cmp.Or(s.CallTimeout, DefaultCallTimeout)
	s.StopTimeout = cmp.Or(s.StopTimeout, DefaultStopTimeout)
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Process is one running worker. It implements Caller.
type Process struct {
	spec   Spec
	cmd    *exec.Cmd
	output *output
	hello  Hello

	requests *os.File
	answers  *os.File
	writer   *frameWriter
	reader   *frameReader

	turn   chan struct{} // holds a token while nobody calls
	lastID uint64        // guarded by turn

	gone chan struct{} // closed when the process has ended
	down chan struct{} // closed with the first failure, by fail

	mu      sync.Mutex
	failure *Failure // guarded by mu: the first reason why it is down
}

// Start starts a worker and waits for its hello. ctx bounds the start only. The
// error is a *Failure, or wraps ctx.Err(). The caller must Close the Process.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	spec = spec.withDefaults()
	p := &Process{
		spec:   spec,
		output: newOutput(spec.Log.With("worker", spec.Program)),
		turn:   make(chan struct{}, 1),
		gone:   make(chan struct{}),
		down:   make(chan struct{}),
	}
	if err := p.spawn(); err != nil {
		return nil, err
	}
	if err := p.meet(ctx); err != nil {
		p.Close()
		return nil, err
	}
	p.turn <- struct{}{}
	return p, nil
}

// spawn starts the program on fresh pipes.
func (p *Process) spawn() error {
	childIn, requests, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make pipe: %w", err)
	}
	defer childIn.Close()
	answers, childOut, err := os.Pipe()
	if err != nil {
		requests.Close()
		return fmt.Errorf("make pipe: %w", err)
	}
	defer childOut.Close()
	enlarge(requests)
	enlarge(answers)

	p.cmd = exec.Command(p.spec.Path, p.spec.Args...)
	p.cmd.Env = append(os.Environ(), p.spec.Env...)
	p.cmd.ExtraFiles = []*os.File{childIn, childOut}
	p.cmd.Stdout = p.output
	p.cmd.Stderr = p.output
	// A grandchild may hold the output pipes open; the worker itself is dead then.
	p.cmd.WaitDelay = exitWait
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		// Its own group, so that Ctrl-C in a terminal reaches the parent only.
		Setpgid: true,
		// Whatever kills the parent, a worker stuck in native code goes too.
		Pdeathsig: syscall.SIGKILL,
	}
	if err := p.cmd.Start(); err != nil {
		requests.Close()
		answers.Close()
		code := CodeCrashed
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, exec.ErrNotFound) {
			code = CodeMissing
		}
		return &Failure{Code: code, Err: fmt.Errorf("start %s: %w", p.spec.Program, err)}
	}
	p.requests, p.answers = requests, answers
	p.writer, p.reader = newFrameWriter(requests), newFrameReader(answers)
	p.capMemory()
	go p.wait()
	return nil
}

// enlarge is best effort: a small pipe only costs time.
func enlarge(pipe *os.File) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize)
	})
}

// capMemory sets the cap from outside, before the worker loads anything large.
func (p *Process) capMemory() {
	if p.spec.MemoryMB <= 0 {
		return
	}
	bytes := uint64(p.spec.MemoryMB) << 20
	limit := unix.Rlimit{Cur: bytes, Max: bytes}
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_DATA, &limit, nil); err != nil {
		p.spec.Log.Warn("worker runs without a memory cap", "worker", p.spec.Program, "err", err)
	}
}

// wait is the one goroutine of a Process: it owns the end of the child.
func (p *Process) wait() {
	err := p.cmd.Wait()
	if err == nil {
		err = errors.New("ended by itself")
	}
	p.output.close()
	if p.output.words != "" {
		err = fmt.Errorf("%w (its last words: %s)", err, p.output.words)
	}
	p.fail(CodeCrashed, err)
	// The pipe of answers stays open: its last one may not be read yet.
	close(p.gone)
}

// meet reads and checks the hello.
func (p *Process) meet(ctx context.Context) error {
	hello, err := p.readHello(ctx)
	switch {
	case err != nil:
		return err
	case hello.Protocol != Protocol:
		return &Failure{CodeMismatch, fmt.Errorf("%s speaks protocol %d, not %d: build both again", p.spec.Program, hello.Protocol, Protocol)}
	case hello.Program != p.spec.Program:
		return &Failure{CodeMismatch, fmt.Errorf("%s is %q, not %s", p.spec.Path, hello.Program, p.spec.Program)}
	case hello.Error != nil:
		return &Failure{CodeRefused, hello.Error}
	}
	p.hello = hello
	return nil
}

func (p *Process) readHello(ctx context.Context) (Hello, error) {
	release, err := p.deadline(ctx, time.Now().Add(p.spec.HelloTimeout))
	if err != nil {
		return Hello{}, err
	}
	defer release()
	var hello Hello
	if _, err := p.reader.read(&hello); err != nil {
		return Hello{}, p.broken(ctx, "wait for hello", err)
	}
	return hello, nil
}

// Hello returns what the worker said of itself.
func (p *Process) Hello() Hello { return p.hello }

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the worker is of no more use: it ended, or it failed and
// was killed.
func (p *Process) Done() <-chan struct{} { return p.down }

// Err returns why the worker is down, nil while it is up.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		return nil
	}
	return p.failure
}

// Close stops the worker: first by closing its pipe, after a grace by SIGKILL.
// It returns when the process has ended, or a little later where even that does
// not help: a process inside a broken driver can't be killed, and its parent
// must go on. It may be called more than once.
func (p *Process) Close() {
	p.fail(CodeStopped, errors.New("closed"))
	p.requests.Close()
	if !p.ended(p.spec.StopTimeout) {
		p.kill()
		if !p.ended(exitWait) {
			p.spec.Log.Error("worker can't be killed and is left behind", "worker", p.spec.Program, "pid", p.PID())
		}
	}
	p.answers.Close()
}

// ended waits at most d for the end of the process.
func (p *Process) ended(d time.Duration) bool {
	select {
	case <-p.gone:
		return true
	case <-time.After(d):
		return false
	}
}

// Call implements Caller. A call that passes its deadline or is cancelled
// kills the worker: its answer would come at an unknown time, if ever.
func (p *Process) Call(ctx context.Context, op string, params any, body []byte, result any) ([]byte, error) {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.down:
		return nil, p.Err()
	}
	defer func() { p.turn <- struct{}{} }()
	if err := p.Err(); err != nil {
		return nil, err
	}
	until := time.Now().Add(p.spec.CallTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	release, err := p.deadline(ctx, until)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := p.send(op, params, body, time.Until(until)); err != nil {
		if errors.Is(err, errFrame) {
			return nil, fmt.Errorf("call %s: %w", op, err)
		}
		return nil, p.broken(ctx, "call "+op, err)
	}
	var response Response
	answer, err := p.reader.read(&response)
	if err == nil && response.ID != p.lastID {
		err = fmt.Errorf("%w: answer to request %d, not to %d", errFrame, response.ID, p.lastID)
	}
	if err != nil {
		return nil, p.broken(ctx, "call "+op, err)
	}
	if response.Error != nil {
		return nil, response.Error
	}
	if result != nil {
		if err := json.Unmarshal(response.Result, result); err != nil {
			return nil, fmt.Errorf("call %s: decode result: %w", op, err)
		}
	}
	return answer, nil
}

func (p *Process) send(op string, params any, body []byte, left time.Duration) error {
	request := Request{ID: p.lastID + 1, Op: op, Deadline: left}
	if params != nil {
		raw, err := json.Marshal(params)
		if err != nil {
			return fmt.Errorf("%w: encode params: %w", errFrame, err)
		}
		request.Params = raw
	}
	if err := p.writer.write(request, body); err != nil {
		return err
	}
	p.lastID++
	return nil
}

// deadline bounds the reads and writes that follow by until and by ctx. The
// caller must release it before it lets go of its turn.
func (p *Process) deadline(ctx context.Context, until time.Time) (release func() bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := errors.Join(p.requests.SetWriteDeadline(until), p.answers.SetReadDeadline(until)); err != nil {
		return nil, p.fail(CodeCrashed, err)
	}
	if ctx.Done() == nil {
		return func() bool { return true }, nil
	}
	// A killed worker closes its ends of the pipes, which ends the read or write.
	return context.AfterFunc(ctx, func() {
		p.failFor(ctx, "call", ctx.Err())
		p.kill()
	}), nil
}

// broken kills the worker after a failed read or write and returns the error
// for the caller: ctx's, where that is the cause.
func (p *Process) broken(ctx context.Context, doing string, err error) error {
	if alive := errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errFrame); !alive && ctx.Err() == nil {
		// The pipe ended. wait knows how the process did, and soon.
		p.ended(exitWait)
	}
	failure := p.failFor(ctx, doing, err)
	p.kill()
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	// The pipe's deadline may fire a moment before that of ctx.
	if until, ok := ctx.Deadline(); ok && !time.Now().Before(until) {
		return fmt.Errorf("%s: %w", doing, context.DeadlineExceeded)
	}
	return failure
}

// failFor records the failure that fits err.
func (p *Process) failFor(ctx context.Context, doing string, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return p.fail(CodeStopped, fmt.Errorf("%s: %w", doing, context.Canceled))
	case ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded):
		return p.fail(CodeHung, fmt.Errorf("%s: no answer in time", doing))
	default:
		return p.fail(CodeCrashed, fmt.Errorf("%s: %w", doing, err))
	}
}

// fail records why the worker is down; the first reason stays and is returned.
func (p *Process) fail(code string, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		p.failure = &Failure{Code: code, Err: err}
		close(p.down)
	}
	return p.failure
}

// kill ends the worker, unless it is gone already.
func (p *Process) kill() { _ = p.cmd.Process.Kill() }

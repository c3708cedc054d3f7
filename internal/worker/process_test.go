package worker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"log/slog"
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

	"golang.org/x/sys/unix"
)

// testSpec starts this test binary as a worker in the given mode.
func testSpec(mode string) Spec {
	return Spec{
		Path:         os.Args[0],
		Env:          []string{modeEnv + "=" + mode},
		Program:      childProgram,
		HelloTimeout: 20 * time.Second,
		CallTimeout:  20 * time.Second,
	}
}

func startTest(t testing.TB, spec Spec) *Process {
	t.Helper()
	p, err := Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var failure *Failure
	if !errors.As(err, &failure) || failure.Code != code {
		t.Fatalf("error %v, want a failure with code %q", err, code)
	}
	if !errors.Is(err, ErrDown) {
		t.Fatalf("error %v does not wrap ErrDown", err)
	}
}

func TestCallCarriesParamsBodyAndResult(t *testing.T) {
	t.Parallel()
	p := startTest(t, testSpec("serve"))
	if h := p.Hello(); h.Version != "v1" || string(h.Detail) != `{"threads":2}` {
		t.Fatalf("hello %+v", h)
	}
	for _, size := range []int{0, 1, 5120, 150528, 5 << 20} {
		body := bytes.Repeat([]byte{0xA5}, size)
		var got map[string]int
		answer, err := p.Call(t.Context(), "echo", map[string]int{"zone": size}, body, &got)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(answer, body) || got["zone"] != size {
			t.Fatalf("%d bytes came back as %d with %v", size, len(answer), got)
		}
	}
}

func TestErrorsOfAWorkerThatSurvives(t *testing.T) {
	t.Parallel()
	p := startTest(t, testSpec("serve"))
	for op, code := range map[string]string{"own error": "bad_image", "plain error": "internal", "long result": "too_large"} {
		_, err := p.Call(t.Context(), op, nil, nil, nil)
		var own *Error
		if !errors.As(err, &own) || own.Code != code {
			t.Errorf("%s: error %v, want code %s", op, err, code)
		}
	}
	if _, err := p.Call(t.Context(), "echo", strings.Repeat("x", MaxHeader), nil, nil); err == nil || errors.Is(err, ErrDown) {
		t.Errorf("params over the limit: %v, want an error of the call alone", err)
	}
	if _, err := p.Call(t.Context(), "echo", nil, []byte("still here"), nil); err != nil {
		t.Errorf("after errors: %v", err)
	}
}

func TestRequestCarriesItsDeadline(t *testing.T) {
	t.Parallel()
	p := startTest(t, testSpec("serve"))
	// Told of 10 ms, while the parent itself would wait longer.
	release, err := p.deadline(t.Context(), time.Now().Add(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := p.send("wait", nil, nil, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	var response Response
	_, err = p.reader.read(&response)
	if err != nil || string(response.Result) != `"context deadline exceeded"` {
		t.Fatalf("worker answered %s, %v", response.Result, err)
	}
}

// faultRounds is how often the fault loops go round: 20, or what `make faults` asks.
func faultRounds(t *testing.T) int {
	asked := os.Getenv("GOURDIAN_FAULT_ROUNDS")
	if asked == "" {
		return 20
	}
	rounds, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatal(err)
	}
	return rounds
}

func TestKillInTheMiddleOfACall(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, op, code, words string }{
		{"kill -9", "kill", CodeCrashed, "killed"},
		{"abort of a library", "exit", CodeCrashed, "std::bad_alloc"},
		{"hang", "stop", CodeHung, "no answer in time"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			spec := testSpec("serve")
			if tc.code == CodeHung {
				spec.CallTimeout = 50 * time.Millisecond
			}
			for range faultRounds(t) {
				p := startTest(t, spec)
				_, err := p.Call(t.Context(), tc.op, nil, make([]byte, 1000), nil)
				wantCode(t, err, tc.code)
				if !strings.Contains(err.Error(), tc.words) {
					t.Errorf("error %q does not mention %q", err, tc.words)
				}
				<-p.gone
				_, err = p.Call(t.Context(), "echo", nil, nil, nil)
				wantCode(t, err, tc.code)
			}
		})
	}
}

func TestCallerGivesUpAndTheWorkerIsKilled(t *testing.T) {
	t.Parallel()
	t.Run("deadline", func(t *testing.T) {
		t.Parallel()
		p := startTest(t, testSpec("serve"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := p.Call(ctx, "stop", nil, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		<-p.gone
		wantCode(t, p.Err(), CodeHung)
	})
	t.Run("cancel", func(t *testing.T) {
		t.Parallel()
		p := startTest(t, testSpec("serve"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := p.Call(ctx, "stop", nil, nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		<-p.gone
		wantCode(t, p.Err(), CodeStopped)
	})
	t.Run("before its turn", func(t *testing.T) {
		t.Parallel()
		p := startTest(t, testSpec("serve"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Call(ctx, "echo", nil, nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if _, err := p.Call(t.Context(), "echo", nil, nil, nil); err != nil {
			t.Errorf("the worker suffered from a call that was never sent: %v", err)
		}
	})
}

func TestBadHello(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]struct{ code, words string }{
		"die at start":   {CodeCrashed, "libonnxruntime.so: no such file"},
		"refuse":         {CodeRefused, "bad_bundle: golden frame 3 differs"},
		"garbage":        {CodeCrashed, "bad frame"},
		"wrong protocol": {CodeMismatch, "protocol 2"},
		"wrong program":  {CodeMismatch, "gourdian-camera"},
		"long header":    {CodeCrashed, "65537 bytes"},
		"long body":      {CodeCrashed, "67108865 bytes"},
		"silent":         {CodeHung, "no answer in time"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			spec := testSpec(mode)
			spec.StopTimeout = 50 * time.Millisecond
			if mode == "silent" {
				spec.HelloTimeout = 100 * time.Millisecond
			}
			_, err := Start(t.Context(), spec)
			wantCode(t, err, want.code)
			if !strings.Contains(err.Error(), want.words) {
				t.Errorf("error %q does not mention %q", err, want.words)
			}
		})
	}
}

func TestGarbageInsteadOfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"garbage after hello", "wrong id"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := startTest(t, testSpec(mode))
			_, err := p.Call(t.Context(), "echo", nil, nil, nil)
			wantCode(t, err, CodeCrashed)
			<-p.gone
		})
	}
}

func TestMissingProgram(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"./process_test.go", "./no-such-file", "no-such-command", t.TempDir()} {
		spec := testSpec("serve")
		spec.Path = path
		_, err := Start(t.Context(), spec)
		wantCode(t, err, CodeMissing)
	}
}

func TestCloseEndsAWorker(t *testing.T) {
	t.Parallel()
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		p := startTest(t, testSpec("serve"))
		p.Close()
		if state := p.cmd.ProcessState; !state.Success() {
			t.Errorf("a closed pipe ended the worker with %v", state)
		}
		wantCode(t, p.Err(), CodeStopped)
		p.Close()
	})
	t.Run("by SIGTERM", func(t *testing.T) {
		t.Parallel()
		p := startTest(t, testSpec("serve"))
		if err := syscall.Kill(p.PID(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-p.gone
		if state := p.cmd.ProcessState; !state.Success() {
			t.Errorf("SIGTERM ended the worker with %v", state)
		}
	})
	t.Run("hung", func(t *testing.T) {
		t.Parallel()
		spec := testSpec("serve")
		spec.StopTimeout = 50 * time.Millisecond
		p := startTest(t, spec)
		if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		p.Close()
		if state := p.cmd.ProcessState; state.Success() {
			t.Error("a stopped worker ended by itself")
		}
	})
}

// A parent that dies must leave no worker behind, hung ones included.
func TestParentDeath(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"well": nil, "hung": {"stop"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := exec.Command(os.Args[0], args...)
			parent.Env = append(os.Environ(), modeEnv+"=parent")
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(line)
			}
			fd, err := unix.PidfdOpen(pid, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if err := parent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = parent.Wait()
			ended, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
			if err != nil || ended != 1 {
				t.Fatalf("worker %d outlived its parent (%v)", pid, err)
			}
		})
	}
}

func TestMemoryCapKillsTheWorkerOnly(t *testing.T) {
	t.Parallel()
	spec := testSpec("serve")
	spec.MemoryMB = 512
	p := startTest(t, spec)
	_, err := p.Call(t.Context(), "hog", nil, nil, nil)
	wantCode(t, err, CodeCrashed)
}

func TestServeOutsideAParentSaysWhatItIs(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), modeEnv+"=serve")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "this program is a worker") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCallsTakeTurns(t *testing.T) {
	t.Parallel()
	p := startTest(t, testSpec("serve"))
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 20 {
				if _, err := p.Call(t.Context(), "echo", nil, nil, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
}

func TestLocate(t *testing.T) {
	t.Parallel()
	got, err := Locate(childProgram, os.Args[0])
	if err != nil || !filepath.IsAbs(got) {
		t.Errorf("override: %q, %v", got, err)
	}
	if _, err := Locate(childProgram, "/nowhere/gourdian-child"); err == nil {
		t.Error("a missing override was accepted")
	}
	if _, err := Locate(childProgram, ""); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("missing program: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Locate(filepath.Base(self), ""); err != nil || filepath.Base(got) != filepath.Base(self) {
		t.Errorf("beside the program: %q, %v", got, err)
	}
}

func TestPackageKeepsWorkersAwayFromPeople(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	agent, packaged := filepath.Join(root, "usr/bin/agent"), filepath.Join(root, "usr/lib/gourdian/eye")
	write := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(packaged, 0o644)
	if got, err := locateFrom(agent, "eye"); err == nil {
		t.Errorf("a file that can't be run was taken: %q", got)
	}
	if err := os.Chmod(packaged, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := locateFrom(agent, "eye"); err != nil || got != packaged {
		t.Errorf("packaged: %q, %v", got, err)
	}
	beside := filepath.Join(root, "usr/bin/eye")
	write(beside, 0o755)
	if got, err := locateFrom(agent, "eye"); err != nil || got != beside {
		t.Errorf("beside the program: %q, %v", got, err)
	}
}

func TestOutputIsCutFoldedAndThinned(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	log := slog.New(slog.NewTextHandler(&buf, nil))
	o := newOutput(log)
	write := func(s string) {
		if n, err := o.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	write("half a ")
	write("line\n")
	write(strings.Repeat("same\n", 1000))
	write(strings.Repeat("x", 5000) + "\n")
	for i := range 10 * lineBurst {
		write(strconv.Itoa(i) + "\n")
	}
	write("no newline")
	o.close()
	got := buf.String()
	for _, want := range []string{"half a line", "times=999", "x\n", "worker output dropped"} {
		if !strings.Contains(got, want) {
			t.Errorf("log lacks %q", want)
		}
	}
	if n := strings.Count(got, "\n"); n > 2*lineBurst {
		t.Errorf("%d lines were logged", n)
	}
	if strings.Contains(got, strings.Repeat("x", maxLine+1)) {
		t.Error("a long line was not cut")
	}
	if o.words != "no newline" {
		t.Errorf("last words %q", o.words)
	}
	write("fatal error: runtime: out of memory\n\ngoroutine 1 [running]:\nruntime/mgc.go:1695 +0x105\n")
	if o.words != "fatal error: runtime: out of memory" {
		t.Errorf("last words of a crash %q", o.words)
	}
}

// BenchmarkRoundTrip sends a 224x224 tensor and gets 5 KB back.
func BenchmarkRoundTrip(b *testing.B) {
	p := startTest(b, testSpec("serve"))
	body := make([]byte, 224*224*3)
	ctx := context.Background()
	b.ReportAllocs()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := p.Call(ctx, "first 5 KB", nil, body, nil); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
}

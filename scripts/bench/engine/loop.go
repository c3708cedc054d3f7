package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gourdian/internal/infer"
)

// binding is the module whose folder holds the header of the C API.
const binding = "github.com/yalue/onnxruntime_go"

// loop is the running C program.
type loop struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// startLoop builds the C program in dir and starts it.
func startLoop(ctx context.Context, dir string, o options, info infer.Info) (*loop, error) {
	program := filepath.Join(dir, "loop")
	if err := buildLoop(ctx, program); err != nil {
		return nil, fmt.Errorf("build C loop: %w", err)
	}
	args := []string{library, o.graph, strconv.Itoa(o.threads), fmt.Sprintf("embedding:%d", info.EmbeddingLen)}
	if info.Classes > 0 {
		args = append(args, fmt.Sprintf("logits:%d", info.Classes))
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start C loop: %w", err)
	}
	return &loop{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}, nil
}

func buildLoop(ctx context.Context, program string) error {
	headers, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", binding).Output()
	if err != nil {
		return fmt.Errorf("find %s: %w", binding, err)
	}
	build := exec.CommandContext(ctx, "cc", "-O2", "-I"+strings.TrimSpace(string(headers)),
		"-o", program, filepath.Join("scripts", "bench", "engine", "loop", "loop.c"), "-ldl")
	build.Stderr = os.Stderr
	return build.Run()
}

// run runs the network n times on the picture of that seed. It returns the
// times and the sum of the outputs.
func (l *loop) run(n, seed int) ([]time.Duration, float64, error) {
	if _, err := fmt.Fprintln(l.stdin, n, seed); err != nil {
		return nil, 0, fmt.Errorf("ask C loop: %w", err)
	}
	times := make([]time.Duration, 0, n)
	for range n {
		line, err := l.line()
		if err != nil {
			return nil, 0, err
		}
		ns, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("read C loop: %w", err)
		}
		times = append(times, time.Duration(ns))
	}
	line, err := l.line()
	if err != nil {
		return nil, 0, err
	}
	sum, err := strconv.ParseFloat(line, 64)
	return times, sum, err
}

func (l *loop) line() (string, error) {
	if !l.lines.Scan() {
		return "", errors.Join(errors.New("the C loop ended early"), l.lines.Err())
	}
	return l.lines.Text(), nil
}

// close ends the program, which stops when its input does.
func (l *loop) close() {
	l.stdin.Close()
	l.cmd.Wait()
}

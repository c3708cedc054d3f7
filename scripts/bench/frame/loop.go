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
)

// binding is the module whose folder holds the header of ONNX Runtime's C API.
const binding = "github.com/yalue/onnxruntime_go"

// loop is the running C++ program.
type loop struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// startLoop builds the C++ program in dir and starts it on a JPEG file.
func startLoop(ctx context.Context, dir string, o options, jpeg string, outputs []string) (*loop, error) {
	program := filepath.Join(dir, "loop")
	if err := buildLoop(ctx, program); err != nil {
		return nil, fmt.Errorf("build C++ loop: %w", err)
	}
	args := append([]string{library, o.graph, strconv.Itoa(o.threads), jpeg}, outputs...)
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
		return nil, fmt.Errorf("start C++ loop: %w", err)
	}
	return &loop{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}, nil
}

func buildLoop(ctx context.Context, program string) error {
	headers, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", binding).Output()
	if err != nil {
		return fmt.Errorf("find %s: %w", binding, err)
	}
	opencv, err := exec.CommandContext(ctx, "pkg-config", "--cflags", "opencv4").Output()
	if err != nil {
		return fmt.Errorf("find OpenCV: %w", err)
	}
	args := append([]string{"-O2", "-I" + strings.TrimSpace(string(headers))}, strings.Fields(string(opencv))...)
	args = append(args, "-o", program, filepath.Join("scripts", "bench", "frame", "loop", "loop.cpp"),
		"-lopencv_core", "-lopencv_imgproc", "-lopencv_imgcodecs", "-ldl")
	build := exec.CommandContext(ctx, "c++", args...)
	build.Stderr = os.Stderr
	return build.Run()
}

// run does n frames.
func (l *loop) run(n int) ([]parts, error) {
	if _, err := fmt.Fprintln(l.stdin, n); err != nil {
		return nil, fmt.Errorf("ask C++ loop: %w", err)
	}
	frames := make([]parts, n)
	for i := range frames {
		if !l.lines.Scan() {
			return nil, errors.Join(errors.New("the C++ loop ended early"), l.lines.Err())
		}
		var decode, resize, infer time.Duration
		if _, err := fmt.Sscan(l.lines.Text(), &decode, &resize, &infer); err != nil {
			return nil, fmt.Errorf("read C++ loop: %w", err)
		}
		frames[i] = parts{look: decode + resize, infer: infer}
	}
	return frames, nil
}

// close ends the program, which stops when its input does.
func (l *loop) close() error {
	return errors.Join(l.stdin.Close(), l.cmd.Wait())
}

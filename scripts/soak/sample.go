package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Workers of a board, by the name of their program.
const (
	camera = "gourdian-camera"
	infer  = "gourdian-infer"
)

// process is what the kernel says of one process.
type process struct {
	pid   int
	rssMB float64
	fds   int
}

// sample is one look at a board.
type sample struct {
	at                   time.Duration
	agent, camera, infer process
	goroutines           int
	scored, records      int
}

const header = "    time  board     RSS MB: agent   infer  camera   fds: agent  infer  camera  goroutines  scored  records"

func (s sample) row(name string) string {
	return fmt.Sprintf("%8s  %-8s  %13.1f  %6.1f  %6.1f  %11d  %5d  %6d  %10d  %6d  %7d",
		s.at.Round(time.Second), name, s.agent.rssMB, s.infer.rssMB, s.camera.rssMB,
		s.agent.fds, s.infer.fds, s.camera.fds, s.goroutines, s.scored, s.records)
}

func (b *board) sample(ctx context.Context, at time.Duration) (sample, error) {
	s := sample{at: at}
	m, err := b.metrics(ctx)
	if err != nil {
		return s, err
	}
	s.goroutines = int(m["go_goroutines"])
	s.scored, s.records = int(m["gourdian_frames_scored_total"]), int(m["gourdian_sightings_recorded_total"])
	children, err := childrenOf(b.cmd.Process.Pid)
	if err != nil {
		return s, err
	}
	for pid, into := range map[int]*process{b.cmd.Process.Pid: &s.agent, children[camera]: &s.camera, children[infer]: &s.infer} {
		if pid == 0 {
			return s, fmt.Errorf("a worker is missing; there are %v", children)
		}
		if *into, err = lookAt(pid); err != nil {
			return s, err
		}
	}
	return s, nil
}

// childrenOf returns the workers of a process by the name of their program.
func childrenOf(parent int) (map[string]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	for _, stat := range stats {
		data, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent ...
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		program, err := os.Readlink(filepath.Join(filepath.Dir(stat), "exe"))
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err != nil {
			return nil, err
		}
		found[strings.TrimSuffix(filepath.Base(program), " (deleted)")] = pid
	}
	return found, nil
}

func lookAt(pid int) (process, error) {
	dir := fmt.Sprintf("/proc/%d", pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return process{}, err
	}
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return process{}, err
	}
	for line := range strings.Lines(string(status)) {
		var kB int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kB); n == 1 {
			return process{pid: pid, rssMB: float64(kB) / 1024, fds: len(fds)}, nil
		}
	}
	return process{}, fmt.Errorf("%s/status names no VmRSS", dir)
}

// parseMetrics reads Prometheus' text form.
func parseMetrics(r io.Reader) (map[string]float64, error) {
	sums := map[string]float64{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil, fmt.Errorf("read metrics: %q has no value", line)
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("read metrics: %w", err)
		}
		name, _, _ := strings.Cut(line[:at], "{")
		sums[name] += value
	}
	return sums, lines.Err()
}

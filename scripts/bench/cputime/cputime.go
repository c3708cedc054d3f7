// Package cputime says how much processor time processes have used. On a busy
// machine it says more than a clock: what others do hardly weighs on it.
package cputime

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// tick is the unit of /proc, the same on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// Of returns what these processes have used, their ended threads included.
func Of(pids ...int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		p, err := read(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			return 0, err
		}
		sum += p.used
	}
	return sum, nil
}

// Tree returns a process and all below it. Finding them takes some processor
// time itself: do it before and after what is measured.
func Tree(root int) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	processes := map[int]process{}
	for _, file := range files {
		if p, err := read(file); err == nil { // else it ended meanwhile
			processes[p.pid] = p
		}
	}
	if _, there := processes[root]; !there {
		return nil, fmt.Errorf("processor time: there is no process %d", root)
	}
	var pids []int
	for pid := range processes {
		if below(processes, pid, root) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func below(processes map[int]process, pid, root int) bool {
	for range len(processes) {
		if pid == root {
			return true
		}
		pid = processes[pid].parent
	}
	return false
}

type process struct {
	pid, parent int
	used        time.Duration
}

// read reads a stat file; see proc(5). The second field is a name in brackets
// that may hold anything.
func read(file string) (process, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return process{}, fmt.Errorf("processor time: %w", err)
	}
	pid, _, _ := bytes.Cut(text, []byte(" "))
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return process{}, fmt.Errorf("processor time: %s has %d fields", file, len(fields))
	}
	var numbers [4]int
	var errs error
	for i, field := range [][]byte{pid, fields[1], fields[11], fields[12]} {
		if numbers[i], err = strconv.Atoi(string(field)); err != nil {
			errs = errors.Join(errs, err)
		}
	}
	return process{numbers[0], numbers[1], time.Duration(numbers[2]+numbers[3]) * tick}, errs
}

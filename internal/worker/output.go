package worker

import (
	"bytes"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

const (
	maxLine        = 1000 // bytes of a line that are logged; the rest of the line is dropped
	linesPerSecond = 10
	lineBurst      = 50
)

// output logs what a worker prints, line by line: long lines are cut, repeats
// folded and floods thinned, so that a noisy library can't fill the disk. One
// goroutine (of os/exec) writes.
type output struct {
	log     *slog.Logger
	limit   *rate.Limiter
	line    []byte // the unfinished line
	last    string // the newest line
	words   string // why it died, if it does: the start of a crash, else the newest line
	crashed bool   // words is the start of a crash
	repeats int    // of last, beyond the first
	dropped int    // lines over the rate since the last one logged
}

func newOutput(log *slog.Logger) *output {
	return &output{log: log, limit: rate.NewLimiter(linesPerSecond, lineBurst)}
}

// Write implements io.Writer and never fails: a worker must not block on its log.
func (o *output) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		part, rest, ended := bytes.Cut(p, []byte{'\n'})
		o.line = append(o.line, part[:min(len(part), maxLine-len(o.line))]...)
		if ended {
			o.endLine()
		}
		p = rest
	}
	return n, nil
}

// close logs what is still held back. The worker is dead by then.
func (o *output) close() {
	o.endLine()
	o.flushRepeats()
	if o.dropped > 0 {
		o.log.Info("worker output dropped", "lines", o.dropped)
		o.dropped = 0
	}
}

func (o *output) endLine() {
	line := string(bytes.ToValidUTF8(bytes.TrimSpace(o.line), []byte("?")))
	o.line = o.line[:0]
	switch {
	case line == "":
	case line == o.last:
		o.repeats++
	default:
		o.flushRepeats()
		o.last = line
		o.remember(line)
		o.emit(line)
	}
}

// remember keeps the line that says most about a death: the first one of Go's
// crash report, whose last one is an address.
func (o *output) remember(line string) {
	if o.crashed {
		return
	}
	o.words = line
	o.crashed = strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "SIG")
}

func (o *output) emit(line string) {
	if !o.limit.AllowN(time.Now(), 1) {
		o.dropped++
		return
	}
	if o.dropped > 0 {
		o.log.Info("worker output dropped", "lines", o.dropped)
		o.dropped = 0
	}
	o.log.Info("worker output", "line", line)
}

func (o *output) flushRepeats() {
	if o.repeats > 0 {
		o.log.Info("worker output repeated", "line", o.last, "times", o.repeats)
		o.repeats = 0
	}
}

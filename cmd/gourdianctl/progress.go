package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// plainEvery is the time between two lines of progress where no terminal
// shows a bar.
const plainEvery = 5 * time.Second

// progress shows how far one step of a command is: a bar on a terminal, else
// a line each few seconds. One goroutine uses it.
type progress struct {
	what  string
	total int
	err   io.Writer
	bar   *progressbar.ProgressBar // nil without a terminal
	last  time.Time                // of the last plain line
	done  int
}

// startProgress begins a step of total parts, "render pictures" for example.
func (s *streams) startProgress(what string, total int) *progress {
	p := &progress{what: what, total: total, err: s.err, last: time.Now()}
	if s.terminal {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(s.err),
			progressbar.OptionSetDescription(what),
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// set says how many parts are done.
func (p *progress) set(done int) {
	p.done = done
	if p.bar != nil {
		_ = p.bar.Set(done) // a terminal that is gone must not fail the work
		return
	}
	if now := time.Now(); now.Sub(p.last) >= plainEvery {
		p.last = now
		fmt.Fprintf(p.err, "%s: %d of %d\n", p.what, done, p.total)
	}
}

// finish ends the step and leaves one line that says how much was done.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
	fmt.Fprintf(p.err, "%s: %d of %d\n", p.what, p.done, p.total)
}

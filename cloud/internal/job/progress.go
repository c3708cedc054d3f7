package job

import (
	"fmt"
	"sync"
	"time"

	"gourdian/internal/wire"
)

// Bounds of a job's log.
const (
	maxLine  = 500  // bytes of a line
	maxLines = 1000 // the newest ones that are kept
)

// Progress is where a running job says how far it is. Any number of goroutines
// may use it; what it says is written down about once a second.
type Progress struct {
	job Job

	mu     sync.Mutex // guards what follows
	now    standing
	dirty  bool
	lines  []Line
	unsaid int // lines that found no room
}

// standing is how far a job is.
type standing struct {
	step        string
	since       time.Time
	done, total int
}

func newProgress(j Job) *Progress {
	return &Progress{job: j, now: standing{step: j.Step, since: time.Now(), done: j.Done, total: j.Total}}
}

// Job is the job as it was when this try began.
func (p *Progress) Job() Job { return p.job }

// Step says what is being done and how much of it: done of total pieces, total 0
// where nobody knows.
func (p *Progress) Step(step string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if step != p.now.step || done < p.now.done {
		p.now.since = time.Now()
	}
	p.now.step, p.now.done, p.now.total, p.dirty = step, done, total, true
}

// Log adds a line to the job's log.
func (p *Progress) Log(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines) >= maxLines {
		p.unsaid++
		return
	}
	p.lines = append(p.lines, Line{At: time.Now().UnixMicro(), Text: wire.Text(fmt.Sprintf(format, args...), maxLine)})
}

// take returns what is to be written down.
func (p *Progress) take() (now standing, dirty bool, lines []Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines, dirty, now = p.lines, p.dirty, p.now
	if p.unsaid > 0 {
		lines = append(lines, Line{At: time.Now().UnixMicro(), Text: fmt.Sprintf("… and %d lines more", p.unsaid)})
	}
	p.lines, p.dirty, p.unsaid = nil, false, 0
	return now, dirty, lines
}

// untake puts back what could not be written down.
func (p *Progress) untake(lines []Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines, p.dirty = append(lines, p.lines...), true
}

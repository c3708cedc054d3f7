package capture

import (
	"context"
	"sync"
	"time"
)

// Shot is one picture of a Feed. Its memory is valid until the next Take.
type Shot struct {
	Picture
	Seq        uint64    // pictures read from the source, this one included
	Dropped    uint64    // pictures overwritten unseen, since the start
	Unreadable uint64    // files left out, since the start
	WallAt     time.Time // when the picture was read
}

// hold copies a picture into the shot's own memory.
func (s *Shot) hold(p Picture) {
	image, file := s.Image, s.File
	Reuse(&image, p.Image.W, p.Image.H)
	copy(image.Pix, p.Image.Pix)
	s.Picture = p
	s.Image, s.File = image, append(file[:0], p.File...)
}

// mailbox hands pictures from the goroutine that reads a source to the one
// that answers requests. It has one slot: of a live source the newest picture
// wins, a finite source waits until it is asked. Three buffers go round, so
// that neither side ever waits for the other's copying.
type mailbox struct {
	mu      sync.Mutex
	changed chan struct{} // guarded by mu: closed and replaced at every change
	writing *Shot         // the reader's
	ready   *Shot         // guarded by mu
	full    bool          // guarded by mu: ready holds a picture nobody has taken
	wanted  bool          // guarded by mu: somebody waits, for finite sources
	ended   error         // guarded by mu: io.EOF once the source is over
	trouble string        // guarded by mu: why there is no picture
	mark    Mark          // guarded by mu: where a finite source goes on
	seq     uint64        // guarded by mu
	dropped uint64        // guarded by mu
	taken   *Shot         // the taker's
}

func newMailbox() *mailbox {
	return &mailbox{
		changed: make(chan struct{}),
		writing: new(Shot), ready: new(Shot), taken: new(Shot),
		trouble: "the source is being opened",
	}
}

// announceLocked wakes everybody who waits.
func (m *mailbox) announceLocked() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// wait blocks until condition, which runs under mu, is true or ctx is done.
func (m *mailbox) wait(ctx context.Context, condition func() bool) error {
	for {
		m.mu.Lock()
		met, changed := condition(), m.changed
		m.mu.Unlock()
		if met {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// put stores a picture. Of a live source it replaces one that nobody took.
func (m *mailbox) put(p Picture, unreadable uint64) {
	m.writing.hold(p)
	m.writing.WallAt = time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		m.dropped++
	}
	m.seq++
	m.writing.Seq, m.writing.Unreadable = m.seq, unreadable
	m.writing, m.ready = m.ready, m.writing
	m.full, m.wanted = true, false
	m.trouble = "no newer picture yet"
	m.mark = Mark{After: p.Name}
	m.announceLocked()
}

// take returns the picture in the slot, waiting for one.
func (m *mailbox) take(ctx context.Context, mark Mark) (*Shot, error) {
	m.mu.Lock()
	if m.seq == 0 {
		m.mark = mark
	}
	m.wanted = true
	m.announceLocked()
	m.mu.Unlock()
	var err error
	waited := m.wait(ctx, func() bool {
		switch {
		case m.full:
			m.ready, m.taken = m.taken, m.ready
			m.taken.Dropped = m.dropped
			m.full = false
			m.announceLocked()
			return true
		case m.ended != nil:
			err = m.ended
			return true
		}
		return false
	})
	if waited != nil {
		return nil, waited
	}
	return m.taken, err
}

// asked blocks until a finite source has to yield its next picture.
func (m *mailbox) asked(ctx context.Context) error {
	return m.wait(ctx, func() bool { return m.wanted && !m.full })
}

func (m *mailbox) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = err
	m.announceLocked()
}

// empty throws away a picture that nobody took and says why there is none: what
// a source showed before it failed is no longer what it shows.
func (m *mailbox) empty(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		m.full = false
		m.dropped++
	}
	m.trouble = why
}

func (m *mailbox) whyEmpty() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trouble
}

// goOn is where a finite source has to be opened.
func (m *mailbox) goOn() Mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mark
}

// count is how many pictures have come.
func (m *mailbox) count() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seq
}

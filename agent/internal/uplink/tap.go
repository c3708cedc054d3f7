package uplink

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"gourdian/internal/wire"
)

// Tap is a handler of logs that passes everything on and keeps the newest
// warnings and errors for the hub.
type Tap struct {
	next slog.Handler
	text slog.Handler // writes into ring.line
	ring *ring
}

// ring is shared by a Tap and those made of it.
type ring struct {
	mu      sync.Mutex
	line    bytes.Buffer   // guarded by mu
	lines   []wire.LogLine // guarded by mu, oldest first
	first   uint64         // number of lines[0], guarded by mu
	dropped uint64         // guarded by mu
}

// NewTap returns a Tap before another handler.
func NewTap(next slog.Handler) *Tap {
	r := &ring{}
	bare := func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}
	return &Tap{next: next, ring: r, text: slog.NewTextHandler(&r.line, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: bare})}
}

// Enabled implements slog.Handler.
func (t *Tap) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || t.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (t *Tap) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelWarn {
		t.keep(ctx, record)
	}
	if !t.next.Enabled(ctx, record.Level) {
		return nil
	}
	return t.next.Handle(ctx, record)
}

func (t *Tap) keep(ctx context.Context, record slog.Record) {
	r := t.ring
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Reset()
	if t.text.Handle(ctx, record) != nil {
		return // writing into memory
	}
	level := "WARN"
	if record.Level >= slog.LevelError {
		level = "ERROR"
	}
	r.lines = append(r.lines, wire.LogLine{
		At: record.Time.UTC(), Level: level, Text: wire.Text(strings.TrimSpace(r.line.String()), wire.MaxText),
	})
	if over := len(r.lines) - wire.MaxLogLines; over > 0 {
		r.lines = append(r.lines[:0], r.lines[over:]...)
		r.first += uint64(over)
		r.dropped += uint64(over)
	}
}

// WithAttrs implements slog.Handler.
func (t *Tap) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Tap{next: t.next.WithAttrs(attrs), text: t.text.WithAttrs(attrs), ring: t.ring}
}

// WithGroup implements slog.Handler.
func (t *Tap) WithGroup(name string) slog.Handler {
	return &Tap{next: t.next.WithGroup(name), text: t.text.WithGroup(name), ring: t.ring}
}

// maxLogBytes keeps log lines within a packet, whatever their letters cost.
const maxLogBytes = wire.MaxPacket / 8

// lines returns the oldest lines that fit into a message, with the number
// behind the last one.
func (t *Tap) lines() (lines []wire.LogLine, end, dropped uint64) {
	r := t.ring
	r.mu.Lock()
	defer r.mu.Unlock()
	size := 0
	for _, line := range r.lines {
		if size += len(line.Text); size > maxLogBytes {
			break
		}
		lines = append(lines, line)
	}
	return lines, r.first + uint64(len(lines)), r.dropped
}

// forget lets go of the lines before a number.
func (t *Tap) forget(end uint64) {
	r := t.ring
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.lines), int(end-min(end, r.first)))
	r.lines = append(r.lines[:0], r.lines[n:]...)
	r.first += uint64(n)
}

// logPass sends log lines now and then.
type logPass struct {
	end  uint64
	next time.Time
	onWay
}

func (p *logPass) step(s *session) error {
	if p.token != nil {
		if there, err := p.there(s.u.timing.ackTimeout); !there {
			return err
		}
		s.u.config.Logs.forget(p.end)
	}
	now := time.Now()
	if now.Before(p.next) {
		return nil
	}
	lines, end, dropped := s.u.config.Logs.lines()
	if len(lines) == 0 {
		return nil
	}
	p.end, p.since, p.next = end, now, now.Add(s.u.timing.logs)
	var err error
	p.token, err = s.publish(wire.TopicLog, 1, wire.LogLines{Contract: wire.Contract, Lines: lines, Dropped: dropped})
	return err
}

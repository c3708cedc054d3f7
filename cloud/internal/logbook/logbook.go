// Package logbook keeps the newest lines of the hub's own log for its page.
package logbook

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of what is kept.
const (
	maxLines = 2000
	maxText  = 2000 // bytes of a line
)

// Line is one line of the log.
type Line struct {
	Seq   uint64 // rises by one with each line since the start
	At    time.Time
	Level slog.Level
	Text  string // the message and its attributes as key=value
}

// Book holds lines. Any number of goroutines may use it.
type Book struct {
	mu    sync.Mutex // guards what follows
	lines []Line     // a ring once it is full
	next  uint64     // number of the next line
}

// New returns an empty book.
func New() *Book { return &Book{} }

// Lines returns up to limit lines of at least a level below the number before
// (0 = the newest), newest first.
func (b *Book) Lines(least slog.Level, before uint64, limit int) []Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []Line
	for n := b.next; n > 0 && b.next-n < uint64(len(b.lines)) && len(found) < limit; n-- {
		line := b.lines[(n-1)%maxLines]
		if line.Level >= least && (before == 0 || line.Seq < before) {
			found = append(found, line)
		}
	}
	return found
}

func (b *Book) add(line Line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := b.next % maxLines
	b.next++
	line.Seq = b.next
	if len(b.lines) < maxLines {
		b.lines = append(b.lines, line)
		return
	}
	b.lines[at] = line
}

// Handler returns a handler that keeps lines in the book and gives them on to
// next.
func (b *Book) Handler(next slog.Handler) slog.Handler { return &handler{book: b, next: next} }

type handler struct {
	book   *Book
	next   slog.Handler
	attrs  []string // as text, of With
	prefix string   // of WithGroup
}

// Enabled asks next: what isn't logged isn't kept.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle keeps a line and gives it on.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	parts := append([]string{r.Message}, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		parts = append(parts, h.prefix+a.Key+"="+a.Value.Resolve().String())
		return true
	})
	text := strings.ToValidUTF8(strings.Join(parts, " "), "\uFFFD")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	h.book.add(Line{At: r.Time, Level: r.Level, Text: text})
	return h.next.Handle(ctx, r)
}

// WithAttrs returns a handler that adds attributes to each line.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	more.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		more.attrs = append(more.attrs, h.prefix+a.Key+"="+a.Value.Resolve().String())
	}
	more.next = h.next.WithAttrs(attrs)
	return &more
}

// WithGroup returns a handler that puts a name before the keys to come.
func (h *handler) WithGroup(name string) slog.Handler {
	more := *h
	more.prefix = h.prefix + name + "."
	more.next = h.next.WithGroup(name)
	return &more
}

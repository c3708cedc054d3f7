// Package capturetest holds the conformance suite of capture.Source, which
// every source has to pass, and a codec without native code.
package capturetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"gourdian/internal/capture"
)

// Suite says how to get the source under test.
type Suite struct {
	// Open returns a fresh source on the same pictures each time. It is closed
	// by the suite.
	Open func(t *testing.T, from capture.Mark) capture.Source
	Kind capture.Kind
	// Pictures is how many there are before io.EOF; 0 = it never ends.
	Pictures int
}

// patience is far longer than any call that does what it promises.
const patience = 20 * time.Second

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Run("pictures are whole, in order, and last until the next one", s.pictures)
	t.Run("next returns when it is cancelled", s.cancelled)
	t.Run("close without next", s.closed)
	if s.Pictures > 0 {
		t.Run("the end stays the end", s.end)
	}
	if s.Kind == capture.Finite {
		t.Run("goes on where a worker ended", s.resume)
	}
}

func (s Suite) open(t *testing.T, from capture.Mark) capture.Source {
	t.Helper()
	source := s.Open(t, from)
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if source.Kind() != s.Kind {
		t.Errorf("kind %q, want %q", source.Kind(), s.Kind)
	}
	return source
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (s Suite) pictures(t *testing.T) {
	ctx, source := within(t), s.open(t, capture.Mark{})
	n := s.Pictures
	if n == 0 {
		n = 5
	}
	var last capture.Picture
	for i := range n {
		p, err := source.Next(ctx)
		if err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		if err := p.Image.Check(); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		if p.CapturedAt.IsZero() || p.CapturedAt.Before(last.CapturedAt) {
			t.Errorf("picture %d was taken at %v, the one before at %v", i, p.CapturedAt, last.CapturedAt)
		}
		if s.Kind == capture.Finite && p.Name <= last.Name {
			t.Errorf("picture %d is called %q, the one before %q", i, p.Name, last.Name)
		}
		pix, file := bytes.Clone(p.Image.Pix), bytes.Clone(p.File)
		if !bytes.Equal(pix, p.Image.Pix) || !bytes.Equal(file, p.File) {
			t.Errorf("picture %d changed while it was held", i)
		}
		last = p
	}
}

func (s Suite) cancelled(t *testing.T) {
	source := s.open(t, capture.Mark{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	if _, err := source.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if took := time.Since(began); took > patience {
		t.Errorf("it took %v to notice", took)
	}
	if _, err := source.Next(within(t)); err != nil {
		t.Errorf("after a cancelled call: %v", err)
	}
}

func (s Suite) closed(t *testing.T) { s.open(t, capture.Mark{}) }

func (s Suite) end(t *testing.T) {
	ctx, source := within(t), s.open(t, capture.Mark{})
	for i := range s.Pictures {
		if _, err := source.Next(ctx); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
	}
	for range 2 {
		if _, err := source.Next(ctx); !errors.Is(err, io.EOF) {
			t.Errorf("behind the last picture: %v", err)
		}
	}
}

// resume ends a source after each of its pictures and goes on with a new one:
// together they show what one would, in the same order.
func (s Suite) resume(t *testing.T) {
	ctx := within(t)
	var names []string
	whole := s.open(t, capture.Mark{})
	for range s.Pictures {
		p, err := whole.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, p.Name)
	}
	for i := 1; i < len(names); i++ {
		p, err := s.open(t, capture.Mark{After: names[i-1]}).Next(ctx)
		if err != nil || p.Name != names[i] {
			t.Errorf("behind %q comes %q, want %q: %v", names[i-1], p.Name, names[i], err)
		}
	}
	if len(names) > 2 {
		p, err := s.open(t, capture.Mark{After: names[0], Skip: 1}).Next(ctx)
		if err != nil || p.Name != names[2] {
			t.Errorf("behind %q and one left out comes %q, want %q: %v", names[0], p.Name, names[2], err)
		}
	}
	if _, err := s.open(t, capture.Mark{After: names[len(names)-1]}).Next(ctx); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last one: %v", err)
	}
}

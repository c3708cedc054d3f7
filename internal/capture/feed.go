package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// Limits of a source's silence.
const (
	// DefaultStuckAfter is how long a source may take for a picture before it is
	// closed and opened again.
	DefaultStuckAfter = 10 * time.Second
	// DefaultHungAfter is how long a driver may keep a call. Native code can't be
	// interrupted, so the worker process ends itself then and its parent starts
	// a new one.
	DefaultHungAfter = 40 * time.Second

	watchEvery  = 500 * time.Millisecond
	closeGrace  = time.Second // for a reader to end when the worker does
	firstPause  = 500 * time.Millisecond
	longestWait = 30 * time.Second // between two attempts to open a source
)

// ErrHung says that a driver did not come back: the process has to end.
var ErrHung = errors.New("the camera's driver hangs")

// errStuck ends a session whose source went silent.
var errStuck = errors.New("the source went silent")

// FeedConfig says what a Feed reads. The zero durations mean the defaults.
type FeedConfig struct {
	Kind       Kind
	Open       func(ctx context.Context, from Mark) (Source, error)
	StuckAfter time.Duration
	HungAfter  time.Duration
	Log        *slog.Logger
}

// unreadables is what a source of files adds to Source.
type unreadables interface {
	Unreadable() uint64 // files left out since it was opened
}

// Feed keeps a source open and its pictures fresh. Run reads it; Take hands out
// the pictures to one goroutine.
type Feed struct {
	config FeedConfig
	box    *mailbox
	// busySince is when the source was last called, in Unix nanoseconds; 0 while
	// it is not being called. Reader and watchdog share it.
	busySince atomic.Int64
	// notOpen says that the newest session could not open the source.
	notOpen atomic.Bool
	// unreadable counts what former sessions left out. The reader owns it.
	unreadable uint64
}

// notOpen is an error of opening a source: ErrNotOpen in its driver's words.
type notOpen struct{ cause error }

func (e *notOpen) Error() string   { return e.cause.Error() }
func (e *notOpen) Unwrap() []error { return []error{ErrNotOpen, e.cause} }

// NewFeed returns a Feed that Run will keep open.
func NewFeed(config FeedConfig) *Feed {
	config.StuckAfter = cmp.Or(config.StuckAfter, DefaultStuckAfter)
	config.HungAfter = cmp.Or(config.HungAfter, DefaultHungAfter)
	return &Feed{config: config, box: newMailbox()}
}

// Run reads the source, reopening it with growing pauses when it fails or goes
// silent, until ctx is done (nil) or its driver hangs (ErrHung: the process has
// to end). At the end of a source that ends it waits for ctx.
func (f *Feed) Run(ctx context.Context) error {
	pause := firstPause
	for {
		before := f.box.count()
		err := f.session(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrHung):
			f.config.Log.Error("camera hangs", "after", f.config.HungAfter)
			return err
		case errors.Is(err, io.EOF):
			f.box.end(io.EOF)
			<-ctx.Done()
			return nil
		}
		if f.box.count() > before {
			pause = firstPause
		}
		f.notOpen.Store(errors.Is(err, ErrNotOpen))
		f.box.empty(err.Error())
		f.config.Log.Warn("camera will be opened again", "err", err, "in", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, longestWait)
	}
}

// session opens the source and reads it until it fails, watching over the time
// that each call takes.
func (f *Feed) session(ctx context.Context) error {
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- f.read(reading) }()
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	for {
		select {
		case err := <-done:
			if cause := context.Cause(reading); cause != nil {
				return cause
			}
			return err
		case <-watch.C:
			switch busy := f.busy(); {
			case busy >= f.config.HungAfter:
				return ErrHung
			case busy >= f.config.StuckAfter:
				stuck := fmt.Errorf("%w for %v", errStuck, f.config.StuckAfter)
				f.box.empty(stuck.Error())
				cancel(stuck)
			}
		case <-ctx.Done():
			select {
			case <-done:
			case <-time.After(closeGrace): // the process ends around it
			}
			return ctx.Err()
		}
	}
}

// read is the one goroutine that touches the source.
func (f *Feed) read(ctx context.Context) (err error) {
	if f.config.Kind == Finite { // its first request says where to begin
		if err := f.box.asked(ctx); err != nil {
			return err
		}
	}
	f.enter()
	defer f.leave()
	source, err := f.config.Open(ctx, f.box.goOn())
	if err != nil {
		return &notOpen{err}
	}
	defer func() {
		f.enter()
		err = errors.Join(err, source.Close())
	}()
	f.leave()
	f.notOpen.Store(false)
	before := f.unreadable
	for {
		if f.config.Kind == Finite {
			if err := f.box.asked(ctx); err != nil {
				return err
			}
		}
		f.enter()
		picture, err := source.Next(ctx)
		f.leave()
		if files, ok := source.(unreadables); ok {
			f.unreadable = before + files.Unreadable()
		}
		if err != nil {
			return fmt.Errorf("read camera: %w", err)
		}
		if err := picture.Image.Check(); err != nil {
			return fmt.Errorf("read camera: %w", err)
		}
		f.box.put(picture, f.unreadable)
	}
}

// enter notes that a call of the source begins, leave that it is over.
func (f *Feed) enter() { f.busySince.Store(time.Now().UnixNano()) }
func (f *Feed) leave() { f.busySince.Store(0) }

// busy is how long the present call of the source has taken.
func (f *Feed) busy() time.Duration {
	since := f.busySince.Load()
	if since == 0 {
		return 0
	}
	return time.Since(time.Unix(0, since))
}

// Trouble says in words why there is no picture.
func (f *Feed) Trouble() string { return f.box.whyEmpty() }

// Take returns the newest picture of a live source that was not taken yet, or
// the next one of a finite source, waiting for it until ctx is done: then its
// error wraps ErrNoPicture and says why there is none. It is io.EOF when the
// source is over. from only matters for the first call of a finite source.
func (f *Feed) Take(ctx context.Context, from Mark) (*Shot, error) {
	shot, err := f.box.take(ctx, from)
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil && f.notOpen.Load():
		return nil, fmt.Errorf("%w: %w: %s", ErrNoPicture, ErrNotOpen, f.box.whyEmpty())
	case err != nil:
		return nil, fmt.Errorf("%w: %s", ErrNoPicture, f.box.whyEmpty())
	}
	return shot, nil
}

package capture_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/capture/capturetest"
)

// script is a source that a test leads by the hand: each step is what one call
// of Next does.
type script struct {
	kind   capture.Kind
	step   func(ctx context.Context, n int) (capture.Picture, error)
	n      int
	closed *atomic.Int32
}

func (s *script) Kind() capture.Kind { return s.kind }

func (s *script) Next(ctx context.Context) (capture.Picture, error) {
	s.n++
	return s.step(ctx, s.n)
}

func (s *script) Close() error {
	s.closed.Add(1)
	return nil
}

// numbered is a picture that shows its number.
func numbered(n int) capture.Picture {
	return capture.Picture{Image: capturetest.Plain(16, 12, uint8(n), 0, 0), CapturedAt: time.Now(), Name: fmt.Sprintf("%03d", n)}
}

func every(pause time.Duration) func(context.Context, int) (capture.Picture, error) {
	return func(ctx context.Context, n int) (capture.Picture, error) {
		select {
		case <-time.After(pause):
			return numbered(n), nil
		case <-ctx.Done():
			return capture.Picture{}, ctx.Err()
		}
	}
}

// rig is a running Feed over scripts, one for each time it is opened.
type rig struct {
	feed   *capture.Feed
	opened atomic.Int32
	closed atomic.Int32
	marks  chan capture.Mark
	stop   func() error
}

func start(t *testing.T, kind capture.Kind, sessions ...func(context.Context, int) (capture.Picture, error)) *rig {
	t.Helper()
	r := &rig{marks: make(chan capture.Mark, 100)}
	r.feed = capture.NewFeed(capture.FeedConfig{
		Kind: kind,
		Log:  slog.New(slog.DiscardHandler),
		Open: func(_ context.Context, from capture.Mark) (capture.Source, error) {
			n := int(r.opened.Add(1))
			r.marks <- from
			step := sessions[min(n, len(sessions))-1]
			if step == nil {
				return nil, errors.New("it is not plugged in")
			}
			return &script{kind: kind, step: step, closed: &r.closed}, nil
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.feed.Run(ctx) }()
	r.stop = func() error {
		cancel()
		return <-done
	}
	return r
}

func (r *rig) end(t *testing.T) {
	t.Helper()
	if err := r.stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	if r.opened.Load() != r.closed.Load() {
		t.Errorf("opened %d times, closed %d times", r.opened.Load(), r.closed.Load())
	}
}

func (r *rig) take(t *testing.T, patience time.Duration) (*capture.Shot, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return r.feed.Take(ctx, capture.Mark{})
}

func TestNewestFrameWinsAndDroppedOnesAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Live, every(100*time.Millisecond))
		defer r.end(t)
		<-time.After(1050 * time.Millisecond)
		shot, err := r.take(t, 0)
		if err != nil {
			t.Fatal(err)
		}
		if shot.Image.Pix[0] != 10 || shot.Seq != 10 || shot.Dropped != 9 {
			t.Errorf("picture %d, seq %d, dropped %d", shot.Image.Pix[0], shot.Seq, shot.Dropped)
		}
		if age := time.Since(shot.WallAt); age != 50*time.Millisecond {
			t.Errorf("age %v", age)
		}
		next, err := r.take(t, time.Second)
		if err != nil || next.Seq != 11 {
			t.Errorf("then %+v: %v", next, err)
		}
	})
}

func TestAShotLastsUntilTheNextTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Live, every(10*time.Millisecond))
		defer r.end(t)
		shot, err := r.take(t, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		was := shot.Image.Pix[0]
		<-time.After(time.Second) // a hundred pictures later
		if shot.Image.Pix[0] != was || shot.Seq != uint64(was) {
			t.Errorf("picture %d became %d", was, shot.Image.Pix[0])
		}
	})
}

func TestAFiniteSourceWaitsForItsReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Finite, func(_ context.Context, n int) (capture.Picture, error) {
			if n > 5 {
				return capture.Picture{}, io.EOF
			}
			return numbered(n), nil
		})
		defer r.end(t)
		for n := 1; n <= 5; n++ {
			<-time.After(time.Minute) // a slow reader; nothing counts as stuck meanwhile
			shot, err := r.take(t, time.Second)
			if err != nil || shot.Seq != uint64(n) || shot.Dropped != 0 {
				t.Fatalf("picture %d: %+v, %v", n, shot, err)
			}
		}
		for range 2 {
			if _, err := r.take(t, time.Second); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		}
	})
}

func TestAFiniteSourceSlowerThanItsReaderLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Finite, every(3*time.Second))
		defer r.end(t)
		for want := uint64(1); want <= 4; {
			shot, err := r.take(t, time.Second)
			if errors.Is(err, capture.ErrNoPicture) {
				continue
			}
			if err != nil || shot.Seq != want || shot.Dropped != 0 {
				t.Fatalf("picture %d: %+v, %v", want, shot, err)
			}
			want++
		}
	})
}

func TestAStuckSourceIsOpenedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Live, func(ctx context.Context, n int) (capture.Picture, error) {
			if n == 1 {
				return numbered(1), nil
			}
			<-ctx.Done()
			return capture.Picture{}, ctx.Err()
		}, every(time.Second))
		defer r.end(t)
		<-time.After(9 * time.Second)
		if r.opened.Load() != 1 {
			t.Error("reopened too early")
		}
		<-time.After(1200 * time.Millisecond)
		// The picture from before it got stuck is no longer what is to be seen.
		if _, err := r.take(t, 0); !errors.Is(err, capture.ErrNoPicture) || !strings.Contains(err.Error(), "silent") {
			t.Errorf("while stuck: %v", err)
		}
		shot, err := r.take(t, 5*time.Second)
		if err != nil || shot.Seq != 2 {
			t.Errorf("after it was opened again: %+v, %v", shot, err)
		}
	})
}

func TestAnUnpluggedCameraComesBackWithGrowingPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		unplugged := func(_ context.Context, n int) (capture.Picture, error) {
			if n == 3 {
				return capture.Picture{}, errors.New("gone")
			}
			return numbered(n), nil
		}
		r := start(t, capture.Live, unplugged, nil, nil, nil, every(time.Second))
		defer func() {
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		}()
		began := time.Now()
		<-time.After(100 * time.Millisecond)
		if _, err := r.take(t, 0); !errors.Is(err, capture.ErrNoPicture) || !strings.Contains(err.Error(), "gone") {
			t.Errorf("unplugged: %v", err)
		}
		shot, err := r.take(t, time.Minute)
		if err != nil || shot.Seq != 3 {
			t.Fatalf("%+v, %v", shot, err)
		}
		// 0.5 s, then after three failed attempts 1, 2 and 4 s, then the picture.
		if took := time.Since(began); took < 8*time.Second || took > 9*time.Second {
			t.Errorf("back after %v", took)
		}
	})
}

func TestADriverThatHangsEndsTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		r := start(t, capture.Live, func(context.Context, int) (capture.Picture, error) {
			<-free // native code hears no context
			return capture.Picture{}, errors.New("late")
		})
		began := time.Now()
		<-time.After(time.Minute)
		if err := r.stop(); !errors.Is(err, capture.ErrHung) {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		close(free)
	})
}

func TestASourceThatLiesAboutItsSizeIsOpenedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Live, func(context.Context, int) (capture.Picture, error) {
			p := numbered(1)
			p.Image.W++
			return p, nil
		}, every(time.Second))
		defer r.end(t)
		shot, err := r.take(t, time.Minute)
		if err != nil || shot.Image.Check() != nil {
			t.Errorf("%+v, %v", shot, err)
		}
	})
}

func TestAFiniteSourceGoesOnWhereItFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Finite, func(_ context.Context, n int) (capture.Picture, error) {
			if n == 2 {
				return capture.Picture{}, errors.New("the stick was pulled out")
			}
			return numbered(n), nil
		})
		defer r.end(t)
		for range 2 {
			if _, err := r.take(t, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if first, second := <-r.marks, <-r.marks; first != (capture.Mark{}) || second != (capture.Mark{After: "001"}) {
			t.Errorf("opened at %+v, then at %+v", first, second)
		}
	})
}

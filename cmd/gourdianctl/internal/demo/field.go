package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"gourdian/internal/field"
)

const (
	// warmUp is field time that passes before things are counted: a new board
	// learns what the empty place looks like by seeing it come back.
	warmUp = 8 * time.Minute
	// closing is field time after the last thing that counts, for the board to
	// see that it is gone.
	closing = time.Minute
	// stretchLength is how much of the field is watched, longestWatch how long
	// that may take where the field's clock has to run slowly.
	stretchLength = time.Hour
	longestWatch  = 12 * time.Minute
	// speedPerFrame is how fast the field's clock may run, for each frame a
	// second that reaches the board: things stay for 40 s of the field's time or
	// more, the place is empty between them for 12 s or more, and two frames of
	// an empty place have to be seen.
	speedPerFrame = 6.0
	// rateOver is how long the rate of frames is measured.
	rateOver = 6 * time.Second
)

// speeds are how fast the field's clock may run in a demo that goes through
// once, fastest first.
func speeds() []float64 { return []float64{30, 15, 6, 3} }

// errTooFast says that too few frames reach the board for the speed of the
// field's clock; frames is how many a second.
type errTooFast struct{ frames, speed float64 }

func (e *errTooFast) Error() string {
	return fmt.Sprintf("this machine is slow or busy: %.1f frames a second reach the board, too few for a field on which an hour takes %s",
		e.frames, wallOf(time.Hour, e.speed))
}

// wallOf is how long a time of the field takes.
func wallOf(d time.Duration, speed float64) time.Duration {
	return time.Duration(float64(d) / speed).Round(time.Second)
}

// watchField lets a board watch a stretch of the field and judges it. Where the
// machine is too slow for the speed of the field's clock, it begins again with
// a slower one.
func (o *Options) watchField(ctx context.Context, s *scenario, others []*board, start time.Time) error {
	speed := speeds()[0]
	for {
		again := *s
		again.source = fieldCamera(sceneQuery(speed), cameraFPS, 640, 480)
		err := o.watchAt(ctx, &again, others, speed, start)
		var fast *errTooFast
		if !errors.As(err, &fast) {
			return err
		}
		slower, ok := slowerThan(fast)
		if !ok {
			return fmt.Errorf("%w: nothing can be judged on it, try again when it has less to do", err)
		}
		o.Say("%s. Beginning again with a slower one.", capital(err.Error()))
		speed = slower
	}
}

// slowerThan is the fastest speed that such a rate of frames allows, always
// slower than the one that failed.
func slowerThan(e *errTooFast) (speed float64, ok bool) {
	for _, s := range speeds() {
		if s < e.speed {
			speed, ok = s, true
			if s <= e.frames*speedPerFrame {
				break
			}
		}
	}
	return speed, ok
}

// watchAt watches one stretch at one speed.
func (o *Options) watchAt(ctx context.Context, s *scenario, others []*board, speed float64, start time.Time) error {
	scene, err := field.ParseScene(sceneQuery(speed))
	if err != nil {
		return err
	}
	b, err := o.open(ctx, s, start)
	if err != nil {
		return err
	}
	defer b.stop()
	if err := b.page(ctx); err != nil {
		return err
	}
	first, err := b.status(ctx)
	if err != nil {
		return err
	}
	length := min(stretchLength, time.Duration(float64(longestWatch)*speed))
	st := stretchAfter(scene, first.FieldNow.Add(warmUp), length)
	o.Say("Watching %s of the field, until its clock says %s; that takes %s.\n",
		st.to.Sub(st.from).Round(time.Minute), st.to.Add(closing).Format("15:04"), wallOf(st.to.Add(closing).Sub(first.FieldNow), speed))
	slowest, last, err := o.watch(ctx, b, st, speed)
	if err != nil {
		return err
	}
	records, err := b.recordsAfter(ctx, 0)
	if err != nil {
		return err
	}
	if err := o.judge(st, records, last, slowest, speed); err != nil {
		return err
	}
	return o.proveHub(ctx, b, others, scene)
}

// judge prints what came of a stretch and says whether the board did well. A
// board that fell short while too few frames reached it is not to blame.
func (o *Options) judge(st stretch, records []record, last *status, slowest, speed float64) error {
	m := match(st, records)
	if err := os.WriteFile(filepath.Join(o.Dir, "watched.txt"), []byte(m.listing()), 0o644); err != nil {
		return fmt.Errorf("keep what was watched: %w", err)
	}
	err := m.verdict()
	if err != nil && slowest*speedPerFrame < speed {
		return &errTooFast{slowest, speed}
	}
	o.Say("%s", m.listing())
	o.Say("%s", m.summary())
	o.Say("  inference    %s%s", last.engine(), last.complaints())
	o.Say("The list above is kept in %s.\n", filepath.Join(o.Dir, "watched.txt"))
	if err == nil {
		o.Say("Passed: things counted within %.0f %%, at least %.0f %% of each class named rightly, at most %.0f %% wrongly.",
			100*countTolerance, 100*leastRecall, 100*mostWrong)
	}
	return err
}

// watch waits until the field's clock is past the stretch. It returns the least
// rate of frames that reached the board, over rateOver, and the board's last
// status; errTooFast at once where the rate is far too low.
func (o *Options) watch(ctx context.Context, b *board, st stretch, speed float64) (slowest float64, last *status, err error) {
	begin, end := st.from.Add(-warmUp), st.to.Add(closing)
	set, finish := o.Progress("watching the field, minutes", int(end.Sub(begin).Minutes()))
	defer finish()
	var r rate
	var tooFast error
	within := wallOf(end.Sub(begin), speed) + 3*time.Minute
	last, err = b.until(ctx, within, func(s *status) bool {
		set(int(s.FieldNow.Sub(begin).Minutes()))
		r.add(time.Now(), s.frames())
		if r.mean()*speedPerFrame < speed/2 { // far too few: no use in going on
			tooFast = &errTooFast{r.mean(), speed}
		}
		return tooFast != nil || s.FieldNow.After(end)
	})
	return r.least(), last, errors.Join(err, tooFast)
}

// rate is the rate of frames over the last rateOver, and the least so far.
type rate struct {
	at      []time.Time
	frames  []uint64
	slowest float64 // frames a second
	known   bool

	began time.Time
	first uint64 // frames then
}

// least is the least rate so far; a watch too short for one blames nobody but
// the board.
func (r *rate) least() float64 {
	if !r.known {
		return math.Inf(1)
	}
	return r.slowest
}

// mean is the rate since the beginning, as soon as it says something.
func (r *rate) mean() float64 {
	n := len(r.at) - 1
	if span := r.at[n].Sub(r.began); span >= 2*rateOver {
		return float64(r.frames[n]-min(r.first, r.frames[n])) / span.Seconds()
	}
	return math.Inf(1)
}

func (r *rate) add(at time.Time, frames uint64) {
	if r.at == nil {
		r.began, r.first = at, frames
	}
	r.at, r.frames = append(r.at, at), append(r.frames, frames)
	for len(r.at) > 2 && at.Sub(r.at[1]) >= rateOver {
		r.at, r.frames = r.at[1:], r.frames[1:]
	}
	span := at.Sub(r.at[0])
	if span < rateOver {
		return
	}
	now := float64(frames-min(r.frames[0], frames)) / span.Seconds()
	if !r.known || now < r.slowest {
		r.slowest = now
	}
	r.known = true
}

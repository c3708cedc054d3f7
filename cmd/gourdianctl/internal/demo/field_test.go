package demo

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestSlowMachineSlowsTheFieldsClock(t *testing.T) {
	t.Parallel()
	cases := []struct {
		frames, speed, want float64
		ok                  bool
	}{
		{4, 30, 15, true},
		{1.2, 30, 6, true},
		{0, 30, 3, true},
		{10, 30, 15, true}, // it fell short at 30 for another reason: still slower
		{0.1, 6, 3, true},
		{0.1, 3, 0, false},
	}
	for _, c := range cases {
		if got, ok := slowerThan(&errTooFast{c.frames, c.speed}); got != c.want || ok != c.ok {
			t.Errorf("%v frames at %v: %v, %v, want %v, %v", c.frames, c.speed, got, ok, c.want, c.ok)
		}
	}
}

func TestRateForgetsTheStartAndKeepsTheLeast(t *testing.T) {
	t.Parallel()
	var r rate
	at, frames := nine(), uint64(100)
	for second := range 40 {
		r.add(at, frames)
		if second == 11 && !math.IsInf(r.mean(), 1) {
			t.Error("a mean is known after a moment")
		}
		if second == 3 && r.known {
			t.Error("a rate is known before it was measured")
		}
		at = at.Add(time.Second)
		frames += 10
		if second >= 20 && second < 30 {
			frames -= 8
		}
	}
	if r.least() != 2 {
		t.Errorf("least %v frames a second, want 2", r.least())
	}
	if mean := r.mean(); mean < 7.5 || mean > 8.5 { // 31 of 39 seconds at 10, the others at 2
		t.Errorf("mean %v frames a second, want about 8", mean)
	}
}

func TestBoardThatWasShownTooLittleIsNotBlamed(t *testing.T) {
	t.Parallel()
	o := never(t)
	st := visitsOf(5, "good", "regular", "bad", "not_pumpkin")
	var fast *errTooFast
	if err := o.judge(st, nil, new(status), 4, 30); !errors.As(err, &fast) || fast.frames != 4 {
		t.Errorf("with 4 frames a second: %v", err)
	}
	if err := o.judge(st, nil, new(status), 6, 30); !errors.Is(err, ErrResult) {
		t.Errorf("with 6 frames a second: %v", err)
	}
	if err := o.judge(st, perfect(st), new(status), 4, 30); err != nil {
		t.Errorf("a board that does well with 4 frames a second: %v", err)
	}
}

package pipeline

import (
	"math"
	"testing"
	"time"
)

func TestAFirstPictureThatWaitedIsNoRate(t *testing.T) {
	t.Parallel()
	var r rate
	at := time.Date(2026, 10, 4, 6, 0, 0, 0, time.UTC)
	r.add(at) // it lay ready; the next one comes when it is due
	at = at.Add(7 * time.Millisecond)
	for i := range 20 {
		r.add(at)
		if got := r.perSecond(); got > 1 || i > 9 && math.Abs(got-0.5) > 0.01 {
			t.Errorf("a camera of 0.5 pictures a second has %.2f after %d more", got, i)
		}
		at = at.Add(2 * time.Second)
	}
}

func TestRateFollowsACameraThatSlowsDown(t *testing.T) {
	t.Parallel()
	var r rate
	at := time.Date(2026, 10, 4, 6, 0, 0, 0, time.UTC)
	for range 300 {
		at = at.Add(time.Second / 30)
		r.add(at)
	}
	if got := r.perSecond(); math.Abs(got-30) > 0.5 {
		t.Errorf("30 pictures a second are %.2f", got)
	}
	for range 12 {
		at = at.Add(time.Second)
		r.add(at)
	}
	if got := r.perSecond(); math.Abs(got-1) > 0.01 {
		t.Errorf("1 picture a second is %.2f", got)
	}
	if n := len(r.frames); n > 200 {
		t.Errorf("%d frames are remembered", n)
	}
}

package pipeline

import "time"

const (
	// rateWindow is how far back frames count, and leastCounted how many do
	// however old they are: cameras of a picture in five seconds have a rate too.
	rateWindow   = 4 * time.Second
	leastCounted = 9
	// leastWatched is how long frames are watched before there is a rate: the
	// first picture of a camera has waited for the board, so the second may
	// follow within milliseconds.
	leastWatched = time.Second
)

// rate measures frames per second over the last few seconds.
type rate struct{ frames []time.Time }

func (r *rate) add(at time.Time) {
	r.frames = append(r.frames, at)
	for len(r.frames) > leastCounted && at.Sub(r.frames[0]) > rateWindow {
		r.frames = r.frames[1:]
	}
}

// perSecond is 0 while it is not known.
func (r *rate) perSecond() float64 {
	if len(r.frames) < 2 {
		return 0
	}
	watched := r.frames[len(r.frames)-1].Sub(r.frames[0])
	if watched < leastWatched {
		return 0
	}
	return float64(len(r.frames)-1) / watched.Seconds()
}

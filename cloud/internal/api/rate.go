package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxAddresses bounds what a flood of addresses takes in memory; then those
// that were quiet longest are forgotten.
const maxAddresses = 10_000

// addressRate bounds requests by address. A nil one bounds nothing.
type addressRate struct {
	perMinute func() int

	mu   sync.Mutex // guards seen
	seen map[string]*caller
}

type caller struct {
	limiter *rate.Limiter
	at      time.Time
}

func newRate(perMinute int) *addressRate {
	if perMinute <= 0 {
		return nil
	}
	return &addressRate{perMinute: func() int { return perMinute }, seen: map[string]*caller{}}
}

// allow reports whether a request may go on, and else how long to wait.
func (r *addressRate) allow(ip string, now time.Time) (wait time.Duration, ok bool) {
	if r == nil {
		return 0, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key, most := addressOf(ip), max(1, r.perMinute())
	v := r.seen[key]
	if v == nil {
		if len(r.seen) >= maxAddresses {
			r.forgetLocked(now)
		}
		v = &caller{limiter: rate.NewLimiter(every(most), most)}
		r.seen[key] = v
	}
	if v.limiter.Burst() != most { // it was changed
		v.limiter.SetLimitAt(now, every(most))
		v.limiter.SetBurstAt(now, most)
	}
	v.at = now
	reservation := v.limiter.ReserveN(now, 1)
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return wait, false
	}
	return 0, true
}

func every(perMinute int) rate.Limit { return rate.Every(time.Minute / time.Duration(perMinute)) }

// forgetLocked drops whoever was quiet for a minute, whose allowance is whole
// again; under a flood of fresh addresses, everyone.
func (r *addressRate) forgetLocked(now time.Time) {
	for key, v := range r.seen {
		if now.Sub(v.at) > time.Minute {
			delete(r.seen, key)
		}
	}
	if len(r.seen) >= maxAddresses {
		clear(r.seen)
	}
}

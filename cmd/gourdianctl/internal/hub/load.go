package hub

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Load says how hard to ask.
type Load struct {
	Clients  int // that ask at the same time, each one picture after the other
	Duration time.Duration
	Timeout  time.Duration // after which a request counts as hung
	Pictures [][]byte
}

// LoadReport says how the hub did.
type LoadReport struct {
	Clients  int            `json:"clients"`
	Seconds  float64        `json:"seconds"`
	Sent     int            `json:"sent"`
	Answered int            `json:"answered"`
	Shed     int            `json:"shed"` // refused at once for lack of room: 429, or 503 with Retry-After
	Failed   int            `json:"failed"`
	Hung     int            `json:"hung"` // no answer of any kind in time
	Goodput  float64        `json:"goodput_per_s"`
	P50      float64        `json:"ms_p50"` // of answered requests
	P99      float64        `json:"ms_p99"`
	ShedP99  float64        `json:"shed_ms_p99"` // how quickly the hub said no
	Faults   map[string]int `json:"faults"`      // what failed, by message
}

// tally is what one client counted.
type tally struct {
	answered, shed []time.Duration
	sent           int
	hung           int
	faults         map[string]int
}

// Measure lets many clients ask for some time. A client that is refused waits
// as long as the hub says before it asks again, and one that fails a second.
func (c *Client) Measure(ctx context.Context, l Load) (LoadReport, error) {
	forms := make([]form, len(l.Pictures))
	for i, picture := range l.Pictures {
		var err error
		if forms[i], err = newForm(picture); err != nil {
			return LoadReport{}, err
		}
	}
	if len(forms) == 0 {
		return LoadReport{}, errors.New("no pictures to ask with")
	}
	until, stop := context.WithTimeout(ctx, l.Duration)
	defer stop()
	began := time.Now()
	tallies := make([]tally, l.Clients)
	var all sync.WaitGroup
	for i := range tallies {
		all.Go(func() { tallies[i] = c.ask(ctx, until, l, forms, i) })
	}
	all.Wait()
	return summed(tallies, time.Since(began)), ctx.Err()
}

// ask is one client: its last request, begun before the end, may finish.
func (c *Client) ask(ctx, until context.Context, l Load, forms []form, seed int) tally {
	t := tally{faults: map[string]int{}}
	for n := seed; until.Err() == nil; n++ {
		began := time.Now()
		one, cancel := context.WithTimeout(ctx, l.Timeout)
		_, err := c.predict(one, forms[n%len(forms)])
		late := one.Err() != nil && ctx.Err() == nil
		cancel()
		took := time.Since(began)
		t.sent++
		pause := time.Duration(0)
		var refusal *Error
		switch {
		case err == nil:
			t.answered = append(t.answered, took)
		case late:
			t.hung++
		case errors.As(err, &refusal) && (refusal.Status == http.StatusTooManyRequests || refusal.RetryAfter > 0):
			t.shed = append(t.shed, took)
			pause = jitter(max(refusal.RetryAfter, time.Second))
		default:
			t.faults[err.Error()]++
			pause = jitter(time.Second)
		}
		select {
		case <-time.After(pause):
		case <-until.Done():
		}
	}
	return t
}

// jitter spreads those that were refused together.
func jitter(pause time.Duration) time.Duration {
	return pause/2 + rand.N(pause)
}

func summed(tallies []tally, took time.Duration) LoadReport {
	r := LoadReport{Clients: len(tallies), Seconds: took.Seconds(), Faults: map[string]int{}}
	var answered, shed []time.Duration
	for _, t := range tallies {
		r.Sent += t.sent
		r.Hung += t.hung
		answered, shed = append(answered, t.answered...), append(shed, t.shed...)
		for fault, n := range t.faults {
			r.Failed += n
			r.Faults[fault] += n
		}
	}
	r.Answered, r.Shed = len(answered), len(shed)
	r.Goodput = float64(r.Answered) / r.Seconds
	r.P50, r.P99, r.ShedP99 = percentile(answered, 0.5), percentile(answered, 0.99), percentile(shed, 0.99)
	return r
}

// percentile in milliseconds; 0 of nothing.
func percentile(times []time.Duration, share float64) float64 {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return float64(times[min(len(times)-1, int(share*float64(len(times))))]) / float64(time.Millisecond)
}

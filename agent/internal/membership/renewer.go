package membership

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	// lookEvery is how often the certificate's age is looked at.
	lookEvery = time.Minute
	// renewAt is the share of its life after which a certificate is renewed: a
	// third is left for hubs and networks that are down.
	renewAt = 2.0 / 3
	// longestPause bounds the pauses between attempts.
	longestPause = time.Hour
)

// Renewer renews the certificate of a board, if there is one, when its time
// has come. The link takes up the new one by itself.
type Renewer struct {
	data    string
	version string
	clock   Clock
	log     *slog.Logger
	early   chan struct{}
}

// NewRenewer returns the Renewer of a board with a data folder.
func NewRenewer(data, version string, clock Clock, log *slog.Logger) *Renewer {
	return &Renewer{data: data, version: version, clock: clock, log: log, early: make(chan struct{}, 1)}
}

// Early asks for a renewal now: the hub says that the certificate has ended,
// though the board's clock doesn't. It never blocks.
func (r *Renewer) Early() {
	select {
	case r.early <- struct{}{}:
	default: // is asked for already
	}
}

// Run renews until ctx is done.
func (r *Renewer) Run(ctx context.Context) error {
	failures, wanted := 0, false
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.early:
			wanted = true
			if failures > 0 {
				continue // the pause goes on
			}
		case <-timer.C:
		}
		if err := r.look(ctx, wanted); err != nil && ctx.Err() == nil {
			failures++
			r.log.Warn("the certificate could not be renewed", "error", err, "attempt", failures)
		} else {
			failures, wanted = 0, false
		}
		timer.Reset(pause(failures))
	}
}

// pause grows with failures and is drawn at random: boards whose hub was away
// must not all come at once.
func pause(failures int) time.Duration {
	if failures == 0 {
		return lookEvery
	}
	most := min(longestPause, lookEvery<<min(failures, 10))
	return lookEvery + rand.N(most)
}

// look renews if it is time, or early.
func (r *Renewer) look(ctx context.Context, early bool) error {
	m, err := Load(r.data)
	if errors.Is(err, ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if !early && r.clock.at(time.Time{}).Before(m.renewal()) {
		return nil
	}
	fresh, err := m.Renew(ctx, r.data, r.version, r.clock)
	if err != nil {
		return err
	}
	_, until := fresh.Validity()
	r.log.Info("the certificate is renewed", "until", until)
	return nil
}

// renewal is from when a certificate should be renewed.
func (m *Membership) renewal() time.Time {
	from, until := m.Validity()
	return from.Add(time.Duration(renewAt * float64(until.Sub(from))))
}

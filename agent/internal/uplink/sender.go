package uplink

import (
	"time"

	"gourdian/internal/wire"
)

const (
	// window is how many batches may be on their way.
	window = 4
	// Batches begin small, so that a link of a few KB/s is no timeout, and grow
	// while acknowledgements come soon.
	smallestBatch = 16 << 10
	largestBatch  = wire.MaxBatchBytes - 1<<10 // with what a Batch has around its records
	soon          = 5 * time.Second
	// mostTimeouts is after how many of them in a row the connection is given up.
	mostTimeouts = 3
)

// sender decides what is sent when; it sends nothing itself.
type sender struct {
	acked    uint64 // the hub has the records up to here, as it said last
	sent     uint64 // up to here they are on their way
	flights  []flight
	size     int // bytes of the next batch
	timeout  time.Duration
	timeouts int       // in a row
	progress time.Time // when an acknowledgement moved something last
	hold     time.Time // nothing is sent before
}

// flight is one batch on its way.
type flight struct {
	last uint64
	at   time.Time
}

func newSender(acked uint64, timeout time.Duration) sender {
	return sender{acked: acked, sent: acked, size: smallestBatch, timeout: timeout}
}

// restart forgets what was on its way: another connection begins.
func (s *sender) restart() {
	s.sent, s.flights, s.hold, s.timeouts = s.acked, nil, time.Time{}, 0
}

// next reports whether the records above after should be sent now; newest is
// the number of the newest one.
func (s *sender) next(now time.Time, newest uint64) (after uint64, ok bool) {
	return s.sent, s.sent < newest && len(s.flights) < window && !now.Before(s.hold)
}

// took notes a batch that is on its way.
func (s *sender) took(last uint64, now time.Time) {
	if len(s.flights) == 0 {
		s.progress = now
	}
	s.sent = last
	s.flights = append(s.flights, flight{last, now})
}

// ack takes over what the hub said. What it does not have is sent again, also
// what it had once: it was restored from a backup.
func (s *sender) ack(through uint64, retry bool, now time.Time) {
	if through < s.acked || retry {
		s.acked, s.sent, s.flights = through, through, nil
		if retry {
			s.timeouts++
			s.hold = now.Add(s.patience())
		}
		return
	}
	if through > s.acked {
		s.timeouts, s.progress = 0, now
	}
	for len(s.flights) > 0 && s.flights[0].last <= through {
		if now.Sub(s.flights[0].at) <= soon {
			s.size = min(largestBatch, 2*s.size)
		}
		s.flights = s.flights[1:]
	}
	s.acked, s.sent = through, max(s.sent, through)
}

// expired reports whether the hub owes an acknowledgement for too long. Then
// everything that is not acknowledged is sent again, after a pause and in
// smaller batches; giveUp says that a new connection may help.
func (s *sender) expired(now time.Time) (expired, giveUp bool) {
	if len(s.flights) == 0 || now.Sub(s.progress) < s.timeout {
		return false, false
	}
	s.timeouts++
	s.sent, s.flights, s.size = s.acked, nil, smallestBatch
	s.hold = now.Add(s.patience())
	return true, s.timeouts >= mostTimeouts
}

// patience is the pause after timeouts or wishes to retry, up to 8 times the
// time allowed for an acknowledgement.
func (s *sender) patience() time.Duration {
	return s.timeout / 2 << min(s.timeouts-1, 4)
}

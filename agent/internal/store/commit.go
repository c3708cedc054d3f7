package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/service"
)

const (
	// gatherFor is how long the first request of a batch waits for others: a
	// sync costs about as much, and nobody notices it.
	gatherFor = 10 * time.Millisecond
	// maxBatch keeps a transaction far below Badger's limit of 15 % of a
	// memory table, of which a record takes about 1 KB.
	maxBatch = 64
	// maxBatchBytes does so for large records.
	maxBatchBytes = 256 << 10
	// tickEvery is how often room on the disk is looked at.
	tickEvery = time.Second
	// collectEvery is how often Badger's value log is cleared of garbage.
	collectEvery = 10 * time.Minute
	// collectAt is the share of garbage from which a value log file is rewritten.
	collectAt = 0.5
)

// request is one change, made by Run: an arrival or an edit.
type request struct {
	arrival *arrival
	edit    func(*batch) error // checks before it writes: an error must leave nothing
	done    chan error
	err     error
}

// batch is one transaction with what the state becomes when it is committed.
type batch struct {
	txn   *badger.Txn
	state state
	was   state // before
	days  map[string]*storedDay
	hours map[string]*storedHour
	// from is where to look for the oldest picture of each worth. It may be too
	// low, never too high.
	from *[worths]uint64
}

// Run makes all changes until ctx is done, then commits what it had taken and
// returns nil. It may be started again.
func (s *Store) Run(ctx context.Context) error {
	s.running.Lock()
	defer s.running.Unlock()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	collect := time.NewTicker(collectEvery)
	defer collect.Stop()
	for {
		service.Beat(ctx)
		select {
		case r := <-s.requests:
			s.commit(s.gather(ctx, r))
		case <-tick.C:
			s.tidy()
		case <-collect.C:
			s.collect()
		case <-ctx.Done():
			return nil
		case <-s.closed:
			return nil
		}
	}
}

// gather takes the requests that come within gatherFor of the first one.
func (s *Store) gather(ctx context.Context, first *request) []*request {
	taken := []*request{first}
	bytes := first.size()
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	for len(taken) < maxBatch && bytes < maxBatchBytes {
		select {
		case r := <-s.requests:
			taken = append(taken, r)
			bytes += r.size()
		case <-timer.C:
			return taken
		case <-ctx.Done():
			return taken
		}
	}
	return taken
}

func (r *request) size() int {
	if r.arrival == nil {
		return 0
	}
	return len(r.arrival.value)
}

// commit stores a batch and answers its callers.
func (s *Store) commit(requests []*request) {
	room := s.makeFree()
	err := s.transact(func(b *batch) error {
		for _, r := range requests {
			r.err = s.apply(b, r, room)
			if errors.Is(r.err, badger.ErrTxnTooBig) {
				return r.err
			}
		}
		return s.makeRoom(b)
	}, len(requests))
	s.answer(requests, err)
}

// apply puts one request into the batch, when there is room for its kind.
func (s *Store) apply(b *batch, r *request, room room) error {
	if r.arrival == nil {
		if room.edits != nil {
			return room.edits
		}
		return r.edit(b)
	}
	if room.arrivals != nil {
		return room.arrivals
	}
	return s.stage(b, r.arrival)
}

// transact runs fill on a transaction, commits it and takes over its state.
func (s *Store) transact(fill func(*batch) error, requests int) error {
	now := s.snapshot()
	b := &batch{txn: s.db.NewTransaction(true), state: now, was: now, days: map[string]*storedDay{}, hours: map[string]*storedHour{}, from: &s.from}
	defer b.txn.Discard()
	err := fill(b)
	if err == nil {
		err = b.writeTotals()
	}
	if err == nil {
		s.tell(false, requests)
		err = b.txn.Commit()
	}
	if err != nil {
		s.failed(err)
		return fmt.Errorf("commit: %w", err)
	}
	s.mu.Lock()
	b.state.failed = false
	b.state.pictureQuota = s.state.pictureQuota // SetPictureQuota may have been faster
	b.state.picturesNotKept = s.state.picturesNotKept
	s.state = b.state
	s.mu.Unlock()
	s.tell(true, requests)
	return nil
}

// writeTotals writes what many requests of one batch change.
func (b *batch) writeTotals() error {
	for date, day := range b.days {
		if err := setJSON(b.txn, dayKey(date), day); err != nil {
			return err
		}
	}
	for hour, counts := range b.hours {
		if err := setJSON(b.txn, hourKey(hour), counts); err != nil {
			return err
		}
	}
	return errors.Join(
		b.writeNumber(metaRecordBytes, uint64(b.was.recordBytes), uint64(b.state.recordBytes)),
		b.writeNumber(metaFirst, b.was.first, b.state.first),
		b.writeNumber(metaAcked, b.was.acked, b.state.acked),
		b.writeNumber(metaSampled, b.was.sampled, b.state.sampled))
}

func (b *batch) writeNumber(name string, was, is uint64) error {
	if was == is {
		return nil
	}
	return b.txn.Set(metaKey(name), binary.BigEndian.AppendUint64(nil, is))
}

// failed reads the truth back: a commit whose sync failed may still be there.
func (s *Store) failed(cause error) {
	s.log.Error("a commit failed", "error", cause)
	if err := s.count(); err != nil {
		s.log.Error("counting after a failed commit", "error", err)
	}
	s.mu.Lock()
	s.state.failed = true
	s.mu.Unlock()
}

// answer tells every caller what came of its request.
func (s *Store) answer(requests []*request, err error) {
	for _, r := range requests {
		if r.err == nil {
			r.err = err
		}
		if r.arrival != nil {
			s.settle(r.arrival, r.err == nil)
		}
		r.done <- r.err
	}
}

func (s *Store) snapshot() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *Store) tell(committed bool, requests int) {
	if s.watch != nil {
		s.watch(committed, requests)
	}
}

// tidy keeps quota and room while nothing is stored.
func (s *Store) tidy() {
	if room := s.makeFree(); room.edits != nil || !s.overQuota() {
		return
	}
	err := s.transact(func(b *batch) error { return s.makeRoom(b) }, 0)
	if err != nil {
		s.log.Warn("taking pictures away", "error", err)
	}
}

// collect clears one value log file of garbage.
func (s *Store) collect() {
	err := s.db.RunValueLogGC(collectAt)
	if err != nil && !errors.Is(err, badger.ErrNoRewrite) {
		s.log.Warn("clearing the value log", "error", err)
	}
}

package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/wire"
)

// The outbox is no queue of its own: it is the records above the number up to
// which the hub has them. So nothing can be in one and not in the other.

// Letters are records on their way to the hub, in the order of their numbers
// and without gaps: the n-th one has the number First+n. There may be none.
type Letters struct {
	First   uint64
	Oldest  uint64 // what is missing below it is gone for ever
	Records []json.RawMessage
}

// unreadable takes the place of a record that is damaged on this board: the
// hub puts it away like any other that it can't read, and it blocks nothing.
const unreadable = `"unreadable on the board"`

// Outbox returns the records above after, at most limit of them and as many as
// fit into size bytes, but one at least.
func (s *Store) Outbox(ctx context.Context, after uint64, limit, size int) (Letters, error) {
	now := s.snapshot()
	out := Letters{First: max(after+1, now.first), Oldest: now.first}
	if err := ctx.Err(); err != nil {
		return Letters{}, err
	}
	err := s.db.View(func(txn *badger.Txn) error {
		prefix := append([]byte{kindRecord}, s.epoch...)
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix, PrefetchValues: true, PrefetchSize: 20})
		defer it.Close()
		for it.Seek(numbered(kindRecord, s.epoch, out.First)); it.Valid() && len(out.Records) < limit; it.Next() {
			seq := binary.BigEndian.Uint64(it.Item().Key()[len(prefix):])
			if len(out.Records) == 0 && seq > out.First {
				out.First, out.Oldest = seq, seq // a hole: nobody will ever fill it
			}
			raw, err := letter(it.Item())
			if err != nil {
				return err
			}
			size -= len(raw) + 1
			if seq != out.First+uint64(len(out.Records)) || size < 0 && len(out.Records) > 0 {
				return nil
			}
			out.Records = append(out.Records, raw)
		}
		return nil
	})
	if err != nil {
		return Letters{}, fmt.Errorf("read outbox: %w", err)
	}
	return out, nil
}

func letter(item *badger.Item) (json.RawMessage, error) {
	raw := json.RawMessage(unreadable)
	err := item.Value(func(b []byte) error {
		if len(b) > 0 && b[0] == valueVersion && json.Valid(b[1:]) {
			raw = append(json.RawMessage(nil), b[1:]...)
		}
		return nil
	})
	return raw, err
}

// Quarantine lists the records that the hub put away.
type Quarantine struct {
	Count  uint64        `json:"count"`
	Newest []Quarantined `json:"newest"` // at most maxQuarantine, oldest first
}

// Quarantined is a record that the hub can't use. It stays on the board.
type Quarantined struct {
	Seq    uint64    `json:"seq"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"` // wall clock
}

// maxQuarantine bounds the list, not the count.
const maxQuarantine = 100

// Acknowledge keeps up to where the hub has the records: what is above is never
// taken away. It may go back, when the hub did. Rejected ones that the hub put
// away are noted; those to retry are above through by themselves.
func (s *Store) Acknowledge(ctx context.Context, through uint64, rejected []wire.Rejection) error {
	err := s.change(ctx, &request{edit: func(b *batch) error {
		count, err := noteQuarantined(b.txn, rejected)
		if err != nil {
			return err
		}
		if count > 0 {
			b.state.quarantined = count
		}
		b.state.acked = min(through, b.state.seq)
		return nil
	}})
	if err != nil {
		return fmt.Errorf("acknowledge through %d: %w", through, err)
	}
	return nil
}

// noteQuarantined adds to the list and returns its count, 0 when nothing was
// added. A record that the hub was sent twice is noted once.
func noteQuarantined(txn *badger.Txn, rejected []wire.Rejection) (uint64, error) {
	var q Quarantine
	if _, err := getJSON(txn, metaKey(metaQuarantine), &q); err != nil {
		return 0, err
	}
	known := map[uint64]bool{}
	for _, old := range q.Newest {
		known[old.Seq] = true
	}
	added := false
	for _, r := range rejected {
		if r.Do != wire.Quarantine || known[r.Seq] {
			continue
		}
		known[r.Seq], added = true, true
		q.Count++
		q.Newest = append(q.Newest, Quarantined{Seq: r.Seq, Reason: wire.Text(r.Reason, wire.MaxText), At: time.Now().UTC()})
	}
	if !added {
		return 0, nil
	}
	q.Newest = q.Newest[max(0, len(q.Newest)-maxQuarantine):]
	return q.Count, setJSON(txn, metaKey(metaQuarantine), q)
}

// Quarantine returns the records that the hub put away.
func (s *Store) Quarantine(ctx context.Context) (Quarantine, error) {
	var q Quarantine
	if err := ctx.Err(); err != nil {
		return q, err
	}
	err := s.db.View(func(txn *badger.Txn) error {
		_, err := getJSON(txn, metaKey(metaQuarantine), &q)
		return err
	})
	if err != nil {
		return Quarantine{}, fmt.Errorf("read quarantine: %w", err)
	}
	return q, nil
}

// countOutbox fills the outbox's part of the state. The caller holds mu.
func (s *Store) countOutbox(txn *badger.Txn) error {
	first, err := getNumber(txn, metaFirst)
	if err != nil {
		return err
	}
	acked, err := getNumber(txn, metaAcked)
	if err != nil {
		return err
	}
	var q Quarantine
	if _, err := getJSON(txn, metaKey(metaQuarantine), &q); err != nil {
		return err
	}
	sampled, err := getNumber(txn, metaSampled)
	if err != nil {
		return err
	}
	s.state.first, s.state.acked, s.state.quarantined = max(first, 1), min(acked, s.state.seq), q.Count
	s.state.sampled = min(sampled, s.state.seq)
	return nil
}

// makeRecordRoom takes the oldest records away until one of size bytes finds
// room in their quota. Those that the hub does not have stay, and so does the
// newest one: from it the next number is known.
func (s *Store) makeRecordRoom(b *batch, size int64) error {
	for b.state.recordBytes+size > int64(s.opts.RecordQuotaMB)*megabyte {
		if b.state.first > b.state.acked || b.state.first >= b.state.seq {
			return fmt.Errorf("%w: the records' quota of %d MB is used up", ErrFull, s.opts.RecordQuotaMB)
		}
		if err := s.forget(b, b.state.first); err != nil {
			return fmt.Errorf("take record %d away: %w", b.state.first, err)
		}
		b.state.first++
	}
	return nil
}

// forget takes a record away with its correction, what the hub is to be told and, where no later record
// shows it, its picture. Counters of days and hours stay.
func (s *Store) forget(b *batch, seq uint64) error {
	key := numbered(kindRecord, s.epoch, seq)
	value, err := get(b.txn, key)
	if err != nil || value == nil {
		return err
	}
	var r wire.Record
	if decodeValue(value, &r) == nil && r.Image != "" {
		if h, err := parseHash(r.Image); err == nil {
			if p, ok, err := b.shelved(h); err != nil {
				return err
			} else if ok && p.seq == seq {
				if err := s.takeAway(b, h, p); err != nil {
					return err
				}
			}
		}
	}
	if err := b.txn.Delete(key); err != nil {
		return err
	}
	for _, kind := range []byte{kindCorrection, kindSample, kindErrand} {
		if err := b.txn.Delete(numbered(kind, s.epoch, seq)); err != nil {
			return err
		}
	}
	b.state.recordBytes -= int64(len(value))
	return nil
}

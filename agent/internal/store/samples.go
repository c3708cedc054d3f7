package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/quality"
	"gourdian/internal/wire"
)

// Which pictures the hub is offered, and what it said. Who chooses and who
// offers is not the store's matter: it keeps what they decided, and keeps the
// pictures that the hub waits for as long as the quota allows.

// SampleState is where a chosen picture stands.
type SampleState string

// States of chosen pictures. The last four are final until the farmer changes
// what he said of the picture.
const (
	SampleChosen  SampleState = "chosen"
	SampleWanted  SampleState = "wanted"  // the hub said from which byte
	SampleSent    SampleState = "sent"    // the hub has it
	SampleRefused SampleState = "refused" // the hub doesn't want it
	SampleGone    SampleState = "gone"    // it went for room before it was sent
	SampleDropped SampleState = "dropped" // better ones took its place
)

// Final reports a state in which nothing is left to do.
func (s SampleState) Final() bool { return s != SampleChosen && s != SampleWanted }

// Sample is a picture that was chosen for the hub. Its Correction is the one
// that the hub was told, or is to be told.
type Sample struct {
	wire.Sample
	Print  quality.Fingerprint `json:"print"`
	State  SampleState         `json:"state"`
	Reason string              `json:"reason,omitempty"` // of a refusal
}

// Candidate is a record whose picture is still here.
type Candidate struct {
	Entry
	Bytes int64
	Print quality.Fingerprint // 0 = unknown
}

// Errand is a picture of which the hub is to be told.
type Errand struct {
	Seq        uint64
	Sample     *Sample      // nil = not chosen yet
	Correction wire.Verdict // what the farmer says now, "" = nothing
}

// Candidates returns records that nobody has chosen from yet and whose pictures
// are here, oldest first, out of the next limit records; through is the number
// of the last one that was looked at.
func (s *Store) Candidates(ctx context.Context, limit int) (found []Candidate, through uint64, err error) {
	now := s.snapshot()
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	through = now.sampled
	err = s.db.View(func(txn *badger.Txn) error {
		for seq := max(now.sampled+1, now.first); seq <= now.seq && limit > 0; seq++ {
			limit--
			through = seq
			c, err := s.candidate(txn, seq)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				s.log.Warn("a record is passed over", "seq", seq, "error", err) // damaged: it must not hold up the others
				continue
			}
			found = append(found, c)
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("look for pictures: %w", err)
	}
	return found, through, nil
}

// Candidate returns one of them, or ErrNotFound where record or picture is gone.
func (s *Store) Candidate(ctx context.Context, seq uint64) (c Candidate, err error) {
	if err := ctx.Err(); err != nil {
		return c, err
	}
	err = s.db.View(func(txn *badger.Txn) error {
		c, err = s.candidate(txn, seq)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("look for picture of record %d: %w", seq, err)
	}
	return c, nil
}

func (s *Store) candidate(txn *badger.Txn, seq uint64) (c Candidate, err error) {
	r, err := s.record(txn, seq)
	if err != nil {
		return c, err
	}
	if c.Entry, err = s.entry(txn, r); err != nil || r.Image == "" {
		return c, errors.Join(err, ErrNotFound)
	}
	h, err := parseHash(r.Image)
	if err != nil {
		return c, err
	}
	data, err := get(txn, pictureKey(h))
	if err != nil {
		return c, err
	}
	if data == nil {
		return c, ErrNotFound
	}
	p, err := decodeShelved(data)
	c.Bytes, c.Print = p.size, p.print
	return c, err
}

// Choose keeps what was chosen of the records through a number; 0 leaves that
// number where it is.
func (s *Store) Choose(ctx context.Context, through uint64, chosen []Sample) error {
	err := s.change(ctx, &request{edit: func(b *batch) error {
		for i := range chosen {
			if err := s.writeSample(b, &chosen[i]); err != nil {
				return err
			}
		}
		if through > 0 {
			b.state.sampled = min(through, b.state.seq)
		}
		return nil
	}})
	if err != nil {
		return fmt.Errorf("choose pictures: %w", err)
	}
	return nil
}

// writeSample keeps a sample and that the hub is to be told.
func (s *Store) writeSample(b *batch, sample *Sample) error {
	b.state.errands++
	if err := setJSON(b.txn, numbered(kindSample, s.epoch, sample.Seq), sample); err != nil {
		return err
	}
	return b.txn.Set(numbered(kindErrand, s.epoch, sample.Seq), nil)
}

// ChooseAgain begins at the oldest record: another hub has nothing of what the
// last one had.
func (s *Store) ChooseAgain(ctx context.Context) error {
	err := s.change(ctx, &request{edit: func(b *batch) error {
		b.state.sampled = 0
		return nil
	}})
	if err != nil {
		return fmt.Errorf("choose pictures again: %w", err)
	}
	return nil
}

// Errands returns the pictures of which the hub is to be told, oldest first.
func (s *Store) Errands(ctx context.Context) ([]Errand, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var found []Errand
	err := s.db.View(func(txn *badger.Txn) error {
		prefix := append([]byte{kindErrand}, s.epoch...)
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			key := it.Item().Key()
			if len(key) != len(prefix)+8 {
				continue // nobody's
			}
			e, err := s.errand(txn, binary.BigEndian.Uint64(key[len(prefix):]))
			if err != nil {
				return err
			}
			found = append(found, e)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read errands: %w", err)
	}
	return found, nil
}

func (s *Store) errand(txn *badger.Txn, seq uint64) (Errand, error) {
	e := Errand{Seq: seq}
	var sample Sample
	ok, err := getJSON(txn, numbered(kindSample, s.epoch, seq), &sample)
	if err != nil {
		return e, fmt.Errorf("sample %d: %w", seq, err)
	}
	if ok {
		e.Sample = &sample
	}
	e.Correction, err = s.corrected(txn, seq)
	return e, err
}

func (s *Store) corrected(txn *badger.Txn, seq uint64) (wire.Verdict, error) {
	var c Correction
	if _, err := getJSON(txn, numbered(kindCorrection, s.epoch, seq), &c); err != nil {
		return "", fmt.Errorf("correction of %d: %w", seq, err)
	}
	return c.Verdict, nil
}

// LatestSamples returns the newest chosen pictures, newest first, at most limit,
// of the records that were looked at: after ChooseAgain none.
func (s *Store) LatestSamples(ctx context.Context, limit int) ([]Sample, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sampled := s.snapshot().sampled
	var found []Sample
	err := s.db.View(func(txn *badger.Txn) error {
		prefix := append([]byte{kindSample}, s.epoch...)
		it := txn.NewIterator(badger.IteratorOptions{Reverse: true, Prefix: prefix, PrefetchValues: true, PrefetchSize: 20})
		defer it.Close()
		for it.Seek(numbered(kindSample, s.epoch, sampled)); it.Valid() && len(found) < limit; it.Next() {
			var one Sample
			if err := it.Item().Value(func(b []byte) error { return decodeValue(b, &one) }); err != nil {
				return err
			}
			found = append(found, one)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	return found, nil
}

// Settle keeps where a picture stands. A wanted one is kept in preference to
// all others; with a final state the errand is done, unless the farmer has said
// something else of it meanwhile.
func (s *Store) Settle(ctx context.Context, sample Sample) error {
	err := s.change(ctx, &request{edit: func(b *batch) error { return s.settleSample(b, &sample) }})
	if err != nil {
		return fmt.Errorf("settle picture of record %d: %w", sample.Seq, err)
	}
	return nil
}

func (s *Store) settleSample(b *batch, sample *Sample) error {
	r, err := s.record(b.txn, sample.Seq)
	if errors.Is(err, ErrNotFound) {
		return nil // forgotten, and all this with it
	}
	if err != nil {
		return err
	}
	said, err := s.corrected(b.txn, sample.Seq)
	if err != nil {
		return err
	}
	h, err := parseHash(sample.Hash)
	if err != nil {
		return err
	}
	grade := worthOf(r.Verdict)
	if said != "" {
		grade = worthCorrected
	}
	if sample.State == SampleWanted {
		err = b.revalue(h, worthWanted)
	} else {
		err = b.release(h, grade)
	}
	if err != nil {
		return err
	}
	if err := s.writeSample(b, sample); err != nil || !sample.State.Final() || said != sample.Correction {
		return err
	}
	return b.txn.Delete(numbered(kindErrand, s.epoch, sample.Seq))
}

// Forgo says that there is nothing to tell of a record's picture after all.
func (s *Store) Forgo(ctx context.Context, e Errand) error {
	err := s.change(ctx, &request{edit: func(b *batch) error {
		now, err := s.errand(b.txn, e.Seq)
		if err != nil || now.Correction != e.Correction {
			return err
		}
		b.state.errands++
		return errors.Join(b.txn.Delete(numbered(kindSample, s.epoch, e.Seq)), b.txn.Delete(numbered(kindErrand, s.epoch, e.Seq)))
	}})
	if err != nil {
		return fmt.Errorf("forgo picture of record %d: %w", e.Seq, err)
	}
	return nil
}

// tellOf notes that the farmer has changed what he says of a record that was
// already looked at for the hub.
func (s *Store) tellOf(b *batch, seq uint64) error {
	if seq > b.state.sampled {
		return nil // who chooses will see it
	}
	b.state.errands++
	return b.txn.Set(numbered(kindErrand, s.epoch, seq), nil)
}

// byWorth puts what matters most first, and of equals the oldest.
func byWorth(a, b Errand) int {
	worth := func(e Errand) float64 {
		if e.Sample == nil || e.Correction != "" {
			return 1
		}
		return e.Sample.Worth
	}
	if d := worth(b) - worth(a); d != 0 {
		if d > 0 {
			return 1
		}
		return -1
	}
	return int(min(a.Seq, 1<<62)) - int(min(b.Seq, 1<<62))
}

// SortErrands puts errands in the order in which they are done.
func SortErrands(all []Errand) { slices.SortFunc(all, byWorth) }

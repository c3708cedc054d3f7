package store

import (
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/wire"
)

// worth orders pictures by what a farmer would miss.
type worth byte

const (
	worthLeast     worth = iota // good ones: there are many, and nobody asks why
	worthSome                   // regular, not a pumpkin, classes of a custom task
	worthMuch                   // bad and unsure: the ones to look at
	worthCorrected              // the farmer took the trouble: the hub will learn from them
	worthWanted                 // the hub waits for them: until they are sent
	worths
)

func worthOf(v wire.Verdict) worth {
	switch v {
	case wire.Good:
		return worthLeast
	case wire.Bad, wire.Unsure:
		return worthMuch
	default:
		return worthSome
	}
}

// share is the part of the quota, one in share, that each worth may use before
// it gives way to a higher one. Without it a year of bad pumpkins would leave
// no room to show today's good ones.
const share = 10

// shelf counts the pictures that are kept.
type shelf struct {
	pictures uint64
	bytes    [worths]int64
}

func (s *shelf) total() int64 {
	var sum int64
	for _, n := range s.bytes {
		sum += n
	}
	return sum
}

func (s *shelf) add(p shelved) {
	s.pictures++
	s.bytes[p.worth] += p.size
}

func (s *shelf) take(p shelved) {
	s.pictures--
	s.bytes[p.worth] -= p.size
}

// order lists the worths in the order in which they must give up pictures: the
// least one that uses more than its share first, then simply the least.
func (s *shelf) order(quota int64) []worth {
	var over, under []worth
	for w := range worths {
		if s.bytes[w] > quota/share {
			over = append(over, w)
		} else {
			under = append(under, w)
		}
	}
	return append(over, under...)
}

// countShelf reads the shelf from Badger.
func countShelf(txn *badger.Txn) (shelf, error) {
	var s shelf
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{kindShelf}, PrefetchValues: true, PrefetchSize: 100})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		p, err := shelvedAt(it.Item())
		if err != nil {
			return shelf{}, err
		}
		s.add(p)
	}
	return s, nil
}

func shelvedAt(item *badger.Item) (p shelved, err error) {
	err = item.Value(func(b []byte) error {
		p, err = decodeShelved(b)
		return err
	})
	return p, err
}

// shelve puts a picture where p says. One that is there already keeps the
// higher worth.
func (b *batch) shelve(h hash, p shelved) error {
	old, ok, err := b.shelved(h)
	if err != nil {
		return err
	}
	if ok {
		p.worth = max(p.worth, old.worth)
		return b.move(h, old, p)
	}
	return b.put(h, p)
}

func (b *batch) shelved(h hash) (shelved, bool, error) {
	data, err := get(b.txn, pictureKey(h))
	if err != nil || data == nil {
		return shelved{}, false, err
	}
	p, err := decodeShelved(data)
	return p, err == nil, err
}

// revalue gives a picture, if it is still kept, another worth. One that the hub
// waits for keeps its worth until release.
func (b *batch) revalue(h hash, w worth) error {
	old, ok, err := b.shelved(h)
	if err != nil || !ok || old.worth == w || old.worth == worthWanted {
		return err
	}
	return b.regrade(h, old, w)
}

// release gives a picture that the hub waited for the worth that it has without.
func (b *batch) release(h hash, w worth) error {
	old, ok, err := b.shelved(h)
	if err != nil || !ok || old.worth != worthWanted {
		return err
	}
	return b.regrade(h, old, w)
}

func (b *batch) regrade(h hash, old shelved, w worth) error {
	p := old
	p.worth = w
	return b.move(h, old, p)
}

func (b *batch) move(h hash, from, to shelved) error {
	if err := b.txn.Delete(from.key(h)); err != nil {
		return err
	}
	b.state.shelf.take(from)
	return b.put(h, to)
}

func (b *batch) put(h hash, p shelved) error {
	if err := b.txn.Set(pictureKey(h), p.encode()); err != nil {
		return err
	}
	if err := b.txn.Set(p.key(h), p.encode()); err != nil {
		return err
	}
	b.state.shelf.add(p)
	b.from[p.worth] = min(b.from[p.worth], p.seq)
	return nil
}

// maxGoing bounds the pictures that one transaction takes away.
const maxGoing = 500

// makeRoom takes away pictures of least value until the shelf is within the
// quota. Those of this batch stay: what was just seen can always be shown.
func (s *Store) makeRoom(b *batch) error {
	for n := 0; n < maxGoing && b.state.shelf.total() > b.state.pictureQuota; n++ {
		if went, err := s.takeLeast(b); err != nil || !went {
			return err
		}
	}
	return nil
}

// takeLeast takes the picture of least value away and reports whether there was
// one. The file goes first: an entry without a file is tolerated and goes when
// its turn comes, a file without an entry would never go.
func (s *Store) takeLeast(b *batch) (bool, error) {
	for _, w := range b.state.shelf.order(b.state.pictureQuota) {
		h, p, ok, err := b.oldest(w, s.snapshot().seq)
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		if err := s.takeAway(b, h, p); err != nil {
			return false, err
		}
		b.from[w] = p.seq
		return true, nil
	}
	return false, nil
}

// takeAway takes one picture away.
func (s *Store) takeAway(b *batch, h hash, p shelved) error {
	if err := s.disk.remove(s.place(h)); err != nil {
		return fmt.Errorf("take a picture away: %w", err)
	}
	if err := b.txn.Delete(p.key(h)); err != nil {
		return err
	}
	if err := b.txn.Delete(pictureKey(h)); err != nil {
		return err
	}
	b.state.shelf.take(p)
	return nil
}

// oldest returns the oldest picture of a worth up to the record newest.
func (b *batch) oldest(w worth, newest uint64) (h hash, p shelved, ok bool, err error) {
	it := b.txn.NewIterator(badger.IteratorOptions{Prefix: []byte{kindShelf, byte(w)}})
	defer it.Close()
	// Skip the graves of those that went before: Badger would visit each.
	start := shelved{worth: w, seq: b.from[w]}
	it.Seek(start.key(hash{}))
	if !it.Valid() {
		return h, p, false, nil
	}
	if h, err = decodeShelfKey(it.Item().Key()); err != nil {
		return h, p, false, err
	}
	p, err = shelvedAt(it.Item())
	return h, p, err == nil && p.seq <= newest, err
}

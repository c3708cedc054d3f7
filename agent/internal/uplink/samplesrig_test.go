package uplink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gourdian/agent/internal/sampling"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
	"gourdian/internal/quality"
	"gourdian/internal/wire"
)

// desk takes pictures as a hub does.
type desk struct {
	mu     sync.Mutex // guards what follows
	parts  map[string][]byte
	whole  map[string][]byte
	offers []wire.Sample
	order  []string // hashes as they became whole
	pieces int
	again  int                      // pieces that came though they were there
	refuse func(wire.Sample) string // "" = it is wanted
	damage int                      // so many pieces arrive damaged
	mute   bool                     // nothing is answered
	onWant func(wire.Sample)        // before a picture is wanted
	faults []error
	erased []string // hashes that the board says are gone
}

func newDesk() *desk {
	return &desk{parts: map[string][]byte{}, whole: map[string][]byte{}, refuse: func(wire.Sample) string { return "" }}
}

func (d *desk) look(see func(*desk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	see(d)
}

// take takes a frame and returns the answer, nil for none.
func (d *desk) take(frame []byte) *wire.Want {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, body, err := wire.DecodeSample(frame)
	if err != nil {
		d.faults = append(d.faults, err)
		return nil
	}
	want := &wire.Want{Contract: wire.Contract}
	if h.Erased {
		d.erased = append(d.erased, h.Hash)
		return nil
	}
	if h.Offer != nil {
		d.offered(*h.Offer, want)
	} else {
		d.piece(h, body, want)
	}
	if d.mute {
		return nil
	}
	return want
}

func (d *desk) offered(s wire.Sample, want *wire.Want) {
	d.offers = append(d.offers, s)
	want.Hash, want.Offset = s.Hash, int64(len(d.parts[s.Hash]))
	if d.whole[s.Hash] != nil {
		want.Offset = s.Bytes
		return
	}
	if want.Refuse = d.refuse(s); want.Refuse == "" && d.onWant != nil {
		d.onWant(s)
	}
}

func (d *desk) piece(h wire.SampleHeader, body []byte, want *wire.Want) {
	d.pieces++
	want.Hash = h.Hash
	part := d.parts[h.Hash]
	if d.whole[h.Hash] != nil || h.Offset != int64(len(part)) {
		d.again++
	} else {
		part = append(part, body...)
		if d.damage > 0 {
			d.damage--
			part[h.Offset] ^= 1
		}
	}
	want.Offset = int64(len(part))
	if want.Offset == h.Total {
		if sum := sha256.Sum256(part); hex.EncodeToString(sum[:]) != h.Hash {
			part, want.Offset = nil, 0
		} else {
			d.whole[h.Hash] = part
			d.order = append(d.order, h.Hash)
			part = nil
		}
	}
	if d.whole[h.Hash] != nil {
		want.Offset = h.Total
	}
	d.parts[h.Hash] = part
}

// offersOf are those of one record.
func (d *desk) offersOf(seq uint64) (all []wire.Sample) {
	d.look(func(d *desk) {
		for _, o := range d.offers {
			if o.Seq == seq {
				all = append(all, o)
			}
		}
	})
	return all
}

func (d *desk) arrived() (n int) {
	d.look(func(d *desk) { n = len(d.whole) })
	return n
}

func (d *desk) check(t *testing.T) {
	t.Helper()
	d.look(func(d *desk) {
		for _, err := range d.faults {
			t.Error(err)
		}
	})
}

// pictured stores a record of a verdict with a picture of so many bytes; it is
// none of the random share.
func (b *board) pictured(v wire.Verdict, reason wire.Reason, size int, print quality.Fingerprint) store.Entry {
	b.t.Helper()
	for {
		next := wire.Record{Device: b.store.Device(), Epoch: b.store.Epoch(), Seq: b.store.Usage().LastSeq + 1}
		if _, _, drawn := sampling.Choose(&next, ""); !drawn {
			return b.anyPictured(v, reason, size, print)
		}
		b.keep(1) // without a picture
	}
}

func (b *board) anyPictured(v wire.Verdict, reason wire.Reason, size int, print quality.Fingerprint) store.Entry {
	b.t.Helper()
	b.kept++
	r := sighting(time.Now().UTC().Add(time.Duration(b.kept) * time.Millisecond))
	r.Verdict, r.Reason = v, reason
	seq, err := b.store.Append(context.Background(), r, noise(size), print, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	e, err := b.store.Record(b.t.Context(), seq)
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

// noise is a picture that is like no other.
func noise(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	return data
}

// different is a fingerprint far from that of any other n.
func different(n int) quality.Fingerprint {
	sum := sha256.Sum256([]byte(fmt.Sprint(n)))
	return quality.Fingerprint(uint64(sum[0])<<56 | uint64(sum[1])<<48 | uint64(sum[2])<<40 | uint64(sum[3])<<32 | uint64(sum[4])<<24 | uint64(sum[5])<<16 | uint64(sum[6])<<8 | uint64(sum[7]))
}

// novel stores n records whose pictures teach something.
func (b *board) novel(n, size int) {
	b.t.Helper()
	for range n {
		b.pictured(wire.Unsure, wire.ReasonNovel, size, different(b.kept))
	}
}

// allow puts limits for pictures into force.
func (b *board) allow(s settings.Samples) {
	all := b.live.State().Settings.Clone()
	all.Samples = s
	b.live.SetSettings(all)
}

// state is where a record's picture stands, "" where it was not chosen.
func (b *board) state(seq uint64) store.SampleState {
	b.t.Helper()
	all, err := b.store.LatestSamples(b.t.Context(), 10_000)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range all {
		if s.Seq == seq {
			return s.State
		}
	}
	return ""
}

// waiting is how many pictures there are errands for.
func (b *board) waiting() int {
	b.t.Helper()
	all, err := b.store.Errands(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return len(all)
}

// looked waits until all records were looked at.
func (b *board) looked() {
	b.t.Helper()
	until(b.t, "a look at all records", func() bool { u := b.store.Usage(); return u.Sampled == u.LastSeq })
}

package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"gourdian/agent/internal/sampling"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

// Shelf is where pictures for the hub are chosen from; *store.Store is one.
type Shelf interface {
	Candidates(ctx context.Context, limit int) (found []store.Candidate, through uint64, err error)
	Candidate(ctx context.Context, seq uint64) (store.Candidate, error)
	Choose(ctx context.Context, through uint64, chosen []store.Sample) error
	ChooseAgain(ctx context.Context) error
}

// Errands are the pictures of which the hub is to be told; *store.Store has
// them. Picture's bytes are those of the hash; the caller closes it. Erase returns
// when the picture is gone for good, also where it was not here.
type Errands interface {
	Errands(ctx context.Context) ([]store.Errand, error)
	Settle(ctx context.Context, sample store.Sample) error
	Forgo(ctx context.Context, e store.Errand) error
	Picture(hash string) (io.ReadSeekCloser, error)
	Erase(ctx context.Context, hash string) (found bool, err error)
}

const (
	// mostCandidates are looked at in one go.
	mostCandidates = 100
	// mostWaiting is how many pictures may wait to be sent: more than a person
	// labels. The least useful ones give way.
	mostWaiting = 300
	// mostTurns is how often a picture may begin anew because it arrived damaged.
	mostTurns = 3
)

// samples are the pictures for the hub. Like Uplink's other fields it belongs
// to Run; it outlives connections, but for flight and hold.
type samples struct {
	recent  sampling.Recent
	looked  time.Time // when pictures were chosen last
	queue   []store.Errand
	version uint64 // of the store's errands in queue
	known   bool   // queue and recent were read

	flight   *pictureFlight
	hold     time.Time // nothing is offered before
	failures int       // in a row
}

// pictureFlight is the one picture that is offered or sent now.
type pictureFlight struct {
	sample store.Sample
	data   []byte // nil until the hub wants it
	offset int64  // from here the hub wants it
	due    bool   // a piece may be sent
	paid   bool   // a piece was sent
	turns  int    // how often the hub wanted the beginning again
	since  time.Time
}

// restart begins anew on another connection.
func (p *samples) restart() { p.flight, p.hold = nil, time.Time{} }

// limits are what the farmer allows; ok is false where pictures stay here.
func (u *Uplink) limits() (l sampling.Limits, ok bool) {
	s := u.config.Board.State().Settings.Samples
	return sampling.Limits{Pictures: s.PerDay, Bytes: int64(s.MBPerDay) * 1_000_000}, s.Send
}

// tellPictures goes on with the pictures for the hub as far as it can without
// waiting. Records go first: it does nothing while some wait to be sent.
//
// What fails here is told in the log and tried again later: it must not end a
// connection on which records travel.
func (s *session) tellPictures(ctx context.Context) {
	if err := s.goOn(ctx); err != nil && ctx.Err() == nil {
		s.u.samples.fail(time.Now(), s.u.timing.ackTimeout)
		s.u.config.Log.Warn("pictures for the hub", "error", err)
	}
}

func (s *session) goOn(ctx context.Context) error {
	u, p := s.u, &s.u.samples
	limits, on := u.limits()
	if !on {
		p.flight, p.queue, p.known = nil, nil, false
		return nil
	}
	now := time.Now()
	if now.Before(p.hold) {
		return nil
	}
	if err := u.choose(ctx, now); err != nil {
		return err
	}
	if err := u.readErrands(ctx); err != nil {
		return err
	}
	if f := p.flight; f != nil && now.Sub(f.since) >= u.timing.ackTimeout {
		return fmt.Errorf("no answer about %s", f.sample.Hash)
	}
	if u.outbox.sent < u.config.Outbox.Usage().LastSeq {
		return nil
	}
	if p.flight == nil {
		return s.offerNext(ctx, now, limits)
	}
	if p.flight.due {
		return s.sendPiece(now)
	}
	return nil
}

// fail gives a picture up for a while.
func (p *samples) fail(now time.Time, timeout time.Duration) {
	p.flight = nil
	p.failures++
	p.hold = now.Add(timeout / 2 << min(p.failures-1, 4))
}

// choose looks at records that nobody has chosen from yet.
func (u *Uplink) choose(ctx context.Context, now time.Time) error {
	p, usage := &u.samples, u.config.Outbox.Usage()
	if usage.Sampled >= usage.LastSeq || now.Sub(p.looked) < u.timing.choose {
		return nil
	}
	if err := u.readErrands(ctx); err != nil {
		return err
	}
	found, through, err := u.config.Shelf.Candidates(ctx, mostCandidates)
	if err != nil {
		return err
	}
	var chosen []store.Sample
	for i := range found {
		sample, ok := sampleOf(&found[i])
		if ok && !p.recent.Repeats(sample.Sample, sample.Print) {
			p.recent.Add(sample.Sample, sample.Print)
			chosen = append(chosen, sample)
		}
	}
	if through >= usage.LastSeq {
		p.looked = now // else there is more to look at
	}
	if err := u.config.Shelf.Choose(ctx, through, chosen); err != nil {
		return err
	}
	return u.dropLeast(ctx, len(chosen))
}

// sampleOf makes a sample of a record, if it is worth it.
func sampleOf(c *store.Candidate) (store.Sample, bool) {
	var said wire.Verdict
	if c.Correction != nil {
		said = c.Correction.Verdict
	}
	why, worth, ok := sampling.Choose(&c.Record, said)
	if !ok || c.Bytes < 1 || c.Bytes > wire.MaxSampleBytes {
		return store.Sample{}, false
	}
	return store.Sample{
		Sample: wire.Sample{
			Hash: c.Image, Bytes: c.Bytes, Epoch: c.Epoch, Seq: c.Seq, CapturedAt: c.CapturedAt, Camera: c.Camera, Zone: c.Zone,
			Why: why, Worth: worth, Verdict: c.Verdict, Correction: said,
		},
		Print: c.Print, State: store.SampleChosen,
	}, true
}

// dropLeast lets the least useful pictures go where too many wait.
func (u *Uplink) dropLeast(ctx context.Context, added int) error {
	if added == 0 {
		return nil
	}
	if err := u.readErrands(ctx); err != nil {
		return err
	}
	queue := u.samples.queue
	for n := len(queue) - 1; n >= mostWaiting; n-- {
		sample := queue[n].Sample
		if sample == nil || sample.State != store.SampleChosen || queue[n].Correction != "" {
			continue
		}
		dropped := *sample
		dropped.State = store.SampleDropped
		if err := u.config.Errands.Settle(ctx, dropped); err != nil {
			return err
		}
	}
	return nil
}

// readErrands reads what there is to tell, if it has changed.
func (u *Uplink) readErrands(ctx context.Context) error {
	p, version := &u.samples, u.config.Outbox.Usage().Errands
	if p.known && p.version == version {
		return nil
	}
	if !p.known {
		latest, err := u.config.Latest(ctx, sampling.Remembered)
		if err != nil {
			return err
		}
		p.recent = sampling.Recent{}
		for i := len(latest) - 1; i >= 0; i-- {
			p.recent.Add(latest[i].Sample, latest[i].Print)
		}
	}
	queue, err := u.config.Errands.Errands(ctx)
	if err != nil {
		return err
	}
	store.SortErrands(queue)
	p.queue, p.version, p.known = queue, version, true
	return nil
}

// offerNext offers the picture that matters most of those that may be sent today.
func (s *session) offerNext(ctx context.Context, now time.Time, limits sampling.Limits) error {
	u := s.u
	spent := u.memory.Photos.On(now)
	for i := range u.samples.queue {
		e := &u.samples.queue[i]
		sample, ok, err := u.freshen(ctx, e)
		if err != nil {
			return err
		}
		if !ok {
			return u.config.Errands.Forgo(ctx, *e) // and the queue is read again
		}
		if told := e.Sample != nil && e.Sample.State == store.SampleSent; !told && !spent.Allows(limits, sample.Bytes) {
			continue // a smaller one may be within the limits
		}
		u.samples.flight = &pictureFlight{sample: sample, since: now}
		return s.publishFrame(wire.SampleHeader{Contract: wire.Contract, Offer: &sample.Sample}, nil)
	}
	return nil
}

// freshen brings an errand's sample in line with what the farmer says now; ok
// is false where there is nothing to tell any more.
func (u *Uplink) freshen(ctx context.Context, e *store.Errand) (sample store.Sample, ok bool, err error) {
	if e.Sample != nil && e.Sample.Correction == e.Correction {
		return *e.Sample, true, nil
	}
	c, err := u.config.Shelf.Candidate(ctx, e.Seq)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return sample, false, err
	}
	here := err == nil
	if e.Sample == nil { // not chosen before: for what the farmer says alone
		if !here || e.Correction == "" {
			return sample, false, nil
		}
		sample, ok = sampleOf(&c)
		return sample, ok, nil
	}
	sample = *e.Sample
	sample.Correction, sample.Reason = e.Correction, ""
	if e.Correction != "" {
		sample.Why, sample.Worth = wire.WhyCorrection, 1
		return sample, true, nil
	}
	if here {
		if why, worth, chosen := sampling.Choose(&c.Record, ""); chosen {
			sample.Why, sample.Worth = why, worth
			return sample, true, nil
		}
	}
	// The hub, if it was told, learns that the farmer took his word back.
	return sample, sample.State != store.SampleChosen, nil
}

// heardWant takes the hub's answer. What it fails of is offered again later.
func (s *session) heardWant(ctx context.Context, payload []byte) error {
	want, err := wire.DecodeWant(payload)
	if err != nil {
		return err
	}
	if want.Erase {
		if err := s.erase(ctx, want.Hash); err != nil {
			return err // the hub says it again
		}
	}
	if err := s.answered(ctx, want); err != nil {
		s.u.samples.fail(time.Now(), s.u.timing.ackTimeout)
		return err
	}
	return nil
}

func (s *session) answered(ctx context.Context, want wire.Want) error {
	p := &s.u.samples
	f := p.flight
	if f == nil || f.sample.Hash != want.Hash {
		return nil // of another time
	}
	p.failures = 0
	f.since = time.Now()
	switch {
	case want.Refuse != "":
		s.u.config.Log.Info("the hub does not want a picture", "hash", want.Hash, "reason", want.Refuse)
		return s.u.settle(ctx, store.SampleRefused, want.Refuse)
	case want.Offset > f.sample.Bytes:
		return fmt.Errorf("the hub wants a picture of %d bytes from byte %d", f.sample.Bytes, want.Offset)
	case want.Offset == f.sample.Bytes:
		return s.u.settle(ctx, store.SampleSent, "")
	case f.data == nil:
		return s.u.fetch(ctx, want.Offset)
	}
	if want.Offset <= f.offset {
		if f.turns++; f.turns > mostTurns {
			s.u.config.Log.Warn("a picture does not arrive whole", "hash", want.Hash)
			return s.u.settle(ctx, store.SampleRefused, "it does not arrive whole")
		}
	}
	f.offset, f.due = want.Offset, true
	return nil
}

// erase takes away a picture that somebody deleted on the hub, and says so once
// it is gone from the disk. Its record stays.
func (s *session) erase(ctx context.Context, hash string) error {
	found, err := s.u.config.Errands.Erase(ctx, hash)
	if err != nil {
		return err
	}
	s.u.config.Log.Info("a picture was deleted on the hub", "hash", hash, "was_here", found)
	return s.publishFrame(wire.SampleHeader{Contract: wire.Contract, Hash: hash, Erased: true}, nil)
}

// fetch reads a picture that the hub wants, and notes that it does.
func (u *Uplink) fetch(ctx context.Context, from int64) error {
	f := u.samples.flight
	data, err := u.readPicture(f.sample.Hash)
	if errors.Is(err, store.ErrNotFound) || err == nil && int64(len(data)) != f.sample.Bytes {
		u.config.Log.Info("a picture went before it was sent", "hash", f.sample.Hash)
		return u.settle(ctx, store.SampleGone, "")
	}
	if err != nil {
		return err
	}
	if f.sample.State != store.SampleWanted {
		f.sample.State = store.SampleWanted
		if err := u.config.Errands.Settle(ctx, f.sample); err != nil {
			return err
		}
	}
	f.data, f.offset, f.due = data, from, true
	return nil
}

func (u *Uplink) readPicture(hash string) (data []byte, err error) {
	f, err := u.config.Errands.Picture(hash)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, wire.MaxSampleBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	return data, nil
}

// sendPiece sends the piece that the hub wants next.
func (s *session) sendPiece(now time.Time) error {
	f := s.u.samples.flight
	piece := f.data[f.offset:min(f.offset+wire.MaxChunk, int64(len(f.data)))]
	f.due, f.paid, f.since = false, true, now
	s.u.memory.Photos = s.u.memory.Photos.On(now)
	s.u.memory.Photos.Bytes += int64(len(piece))
	return s.publishFrame(wire.SampleHeader{Contract: wire.Contract, Hash: f.sample.Hash, Offset: f.offset, Total: f.sample.Bytes}, piece)
}

// settle ends the flight.
func (u *Uplink) settle(ctx context.Context, state store.SampleState, reason string) error {
	f := u.samples.flight
	u.samples.flight = nil
	f.sample.State, f.sample.Reason = state, reason
	if err := u.config.Errands.Settle(ctx, f.sample); err != nil || !f.paid {
		return err
	}
	u.memory.Photos = u.memory.Photos.On(time.Now())
	u.memory.Photos.Pictures++
	return u.remember(ctx)
}

// showPhotos puts the pictures into the link's state for the page.
func (u *Uplink) showPhotos(now time.Time) {
	u.status.PhotosWaiting, u.status.PhotosToday, u.status.PhotosMost = 0, 0, 0
	if limits, on := u.limits(); on && u.status.Joined {
		u.status.PhotosWaiting, u.status.PhotosToday, u.status.PhotosMost = len(u.samples.queue), u.memory.Photos.On(now).Pictures, limits.Pictures
	}
}

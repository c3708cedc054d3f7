package deliver

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/internal/wire"
)

const (
	// maxWaiting bounds the names that wait for one board: a board that asks for
	// more asks again.
	maxWaiting = 2 * wire.MaxAsk
	// keepCount is the pause between two times that the counts are written.
	keepCount = 30 * time.Second
)

// Speaker says something to a board and never waits; package broker has one.
type Speaker interface {
	Publish(device, name string, payload []byte) error
}

// Metadata returns a published file of package trust by its name.
type Metadata func(name string) ([]byte, error)

// Limits bound what is sent. 0 = no limit.
type Limits struct {
	Rate   int64 // bytes a second to one board
	PerDay int64 // bytes a day (UTC) to one board
}

// Config is what a Deliver needs.
type Config struct {
	Library  *Library
	Metadata Metadata
	Limits   Limits
	Now      func() time.Time
	Log      *slog.Logger
}

// Deliver answers boards. Run does the sending.
type Deliver struct {
	config Config
	count  *counter
	wake   chan struct{} // holds one

	mu      sync.Mutex // guards what follows
	speaker Speaker
	boards  map[string]*queue
	turn    []string // devices with something in their queue, the next one first
	stats   Stats
}

// queue is what one board waits for.
type queue struct {
	names  []name
	served bool      // one of its names is being answered
	notYet time.Time // the rate allows nothing before
}

// name is one thing that was asked for.
type name struct{ metadata, chunk string }

// Stats are counters since the start and what is now.
type Stats struct {
	Waiting int    // names
	Sent    uint64 // messages
	Bytes   uint64
	Missing uint64 // names that nothing has
	Dropped uint64 // names that found no room
	Held    uint64 // names of boards that have used up their day
}

// New returns a Deliver that sends nothing before Attach.
func New(c Config) *Deliver {
	return &Deliver{config: c, count: newCounter(c.Library.db, c.Now), wake: make(chan struct{}, 1), boards: map[string]*queue{}}
}

// Attach says how boards are spoken to.
func (d *Deliver) Attach(s Speaker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.speaker = s
}

// Stats tells what is counted.
func (d *Deliver) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stats
	for _, q := range d.boards {
		s.Waiting += len(q.names)
	}
	return s
}

// Ask takes down what a board asks for. It never waits.
func (d *Deliver) Ask(device string, ask wire.Ask) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.boards[device]
	if q == nil {
		q = &queue{}
		d.boards[device] = q
	}
	was := len(q.names)
	add := func(n name) {
		if len(q.names) >= maxWaiting {
			d.stats.Dropped++
			return
		}
		for _, known := range q.names {
			if known == n {
				return // asked for again before it was its turn
			}
		}
		q.names = append(q.names, n)
	}
	for _, one := range ask.Metadata {
		add(name{metadata: one})
	}
	for _, one := range ask.Chunks {
		add(name{chunk: one})
	}
	if was == 0 && !q.served && len(q.names) > 0 {
		d.turn = append(d.turn, device)
	}
	select {
	case d.wake <- struct{}{}:
	default: // Run has not looked since the last one
	}
}

// Run sends until ctx is done.
func (d *Deliver) Run(ctx context.Context) error {
	if err := d.count.load(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(keepCount)
	defer ticker.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return d.count.keep(context.WithoutCancel(ctx))
		case <-d.wake:
		case <-timer.C:
		case <-ticker.C:
			if err := d.count.keep(ctx); err != nil {
				d.config.Log.Warn("bytes to boards can't be counted", "error", err)
			}
		}
		for ctx.Err() == nil {
			more, pause := d.one(ctx)
			if pause > 0 {
				timer.Reset(pause)
			}
			if !more {
				break
			}
		}
	}
}

// one serves the next board that may be served with one name. more says that
// there may be another; pause is how long nobody may be served, 0 = nobody waits.
func (d *Deliver) one(ctx context.Context) (more bool, pause time.Duration) {
	device, n, ok, pause := d.next()
	if !ok {
		return false, pause
	}
	sent, err := d.answer(ctx, device, n)
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.boards[device]
	q.served = false
	if d.config.Limits.Rate > 0 {
		q.notYet = d.config.Now().Add(time.Duration(float64(sent) / float64(d.config.Limits.Rate) * float64(time.Second)))
	}
	if err != nil { // it has gone; it asks again when it is back
		q.names = nil
	}
	if len(q.names) > 0 {
		d.turn = append(d.turn, device)
	} else if !q.notYet.After(d.config.Now()) {
		delete(d.boards, device)
	}
	return true, 0
}

// next takes the next name whose board may be served now.
func (d *Deliver) next() (device string, n name, ok bool, pause time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.config.Now()
	for i, device := range d.turn {
		q := d.boards[device]
		if wait := q.notYet.Sub(now); wait > 0 {
			if pause == 0 || wait < pause {
				pause = wait
			}
			continue
		}
		d.turn = append(d.turn[:i:i], d.turn[i+1:]...)
		n, q.names, q.served = q.names[0], q.names[1:], true
		return device, n, true, 0
	}
	return "", name{}, false, pause
}

// answer sends what has a name, or that nothing has.
func (d *Deliver) answer(ctx context.Context, device string, n name) (sent int64, err error) {
	if most := d.config.Limits.PerDay; most > 0 && d.count.today(device) >= most {
		d.mu.Lock()
		d.stats.Held++
		d.mu.Unlock()
		return 0, nil
	}
	h := wire.ChunkHeader{Contract: wire.Contract, Metadata: n.metadata, Chunk: n.chunk}
	data, purpose, err := d.find(ctx, n)
	if err != nil {
		d.mu.Lock()
		d.stats.Missing++
		d.mu.Unlock()
		h.Missing = true
		return d.say(device, h, nil, PurposeMetadata)
	}
	h.Total = int64(len(data))
	for h.Offset < h.Total {
		end := min(h.Offset+wire.MaxChunk, h.Total)
		n, err := d.say(device, h, data[h.Offset:end], purpose)
		sent += n
		if err != nil {
			return sent, err
		}
		h.Offset = end
	}
	return sent, nil
}

func (d *Deliver) find(ctx context.Context, n name) (data []byte, purpose Purpose, err error) {
	if n.metadata != "" {
		data, err = d.config.Metadata(n.metadata)
		return data, PurposeMetadata, err
	}
	data, list, err := d.config.Library.Piece(ctx, n.chunk)
	if errors.Is(err, blob.ErrDamaged) {
		d.config.Log.Error("a model on the hub's disk is damaged", "piece", n.chunk, "error", err)
	}
	if list {
		return data, PurposeList, err
	}
	return data, PurposePieces, err
}

// say sends one message and counts it.
func (d *Deliver) say(device string, h wire.ChunkHeader, body []byte, purpose Purpose) (int64, error) {
	frame, err := wire.EncodeFrame(h, body)
	if err != nil {
		return 0, err
	}
	d.mu.Lock()
	speaker := d.speaker
	d.mu.Unlock()
	if speaker == nil {
		return 0, errors.New("nobody speaks to boards yet")
	}
	if err := speaker.Publish(device, wire.TopicChunk, frame); err != nil {
		return 0, err
	}
	n := int64(len(frame))
	d.count.add(device, purpose, n)
	d.mu.Lock()
	d.stats.Sent++
	d.stats.Bytes += uint64(n)
	d.mu.Unlock()
	return n, nil
}

// UsedUp reports whether a board is given nothing more today.
func (d *Deliver) UsedUp(device string) bool {
	return d.config.Limits.PerDay > 0 && d.count.today(device) >= d.config.Limits.PerDay
}

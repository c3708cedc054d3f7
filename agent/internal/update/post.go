package update

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"gourdian/internal/wire"
)

const (
	// inFlight is how many names are asked for at a time. The link's inbox must
	// bear their answers, and a slow line the last of them in askAgain.
	inFlight = 8
	// askAgain is how long a name may be without an answer, and patience how
	// often it is asked for again while nothing at all comes.
	askAgain = 30 * time.Second
	patience = 4
)

// Errors of asking the hub.
var (
	errSilent  = errors.New("the hub does not answer")
	errMissing = errors.New("the hub does not have it")
	errCut     = errors.New("the connection to the hub is cut")
)

// post asks the hub for things by name. One goroutine asks; the link brings the
// answers.
type post struct {
	asks  chan wire.Ask
	moved chan struct{} // holds one: something came, or the connection changed

	mu        sync.Mutex // guards what follows
	connected bool
	calls     int // connections so far
	parcels   map[string]*parcel
}

// parcel is one thing that was asked for. Its name is that of a list, or a hash.
type parcel struct {
	name    string
	list    bool
	most    int64 // bytes that it may have
	got     []byte
	whole   bool
	missing bool
}

func newPost() *post {
	return &post{asks: make(chan wire.Ask, 1), moved: make(chan struct{}, 1), parcels: map[string]*parcel{}}
}

// Asks is what the link says to the hub while it is connected.
func (p *post) Asks() <-chan wire.Ask { return p.asks }

// Connected hears of the link. What is on its way is asked for again.
func (p *post) Connected(yes bool) {
	p.mu.Lock()
	p.connected = yes
	p.calls++
	for _, one := range p.parcels {
		if !one.whole {
			one.got = nil
		}
	}
	p.mu.Unlock()
	p.move()
}

func (p *post) move() {
	select {
	case p.moved <- struct{}{}:
	default:
	}
}

func (p *post) online() (yes bool, call int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connected, p.calls
}

// Heard takes a message of wire.TopicChunk and never waits. What nobody asked
// for, or what comes out of order, is left: it is asked for again.
func (p *post) Heard(frame []byte) error {
	h, body, err := wire.DecodeChunk(frame)
	if err != nil {
		return err
	}
	name := h.Chunk
	if name == "" {
		name = h.Metadata
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.parcels[name]
	if one == nil || one.whole {
		return nil
	}
	switch {
	case h.Missing:
		one.missing, one.whole = true, true
	case h.Total > one.most:
		return fmt.Errorf("%s has %d bytes, at most %d were expected", name, h.Total, one.most)
	case h.Offset == 0:
		one.got = append(one.got[:0], body...)
	case h.Offset == int64(len(one.got)):
		one.got = append(one.got, body...)
	default:
		return nil
	}
	one.whole = one.whole || int64(len(one.got)) == h.Total
	p.move()
	return nil
}

// metadata asks for a signed list.
func (p *post) metadata(ctx context.Context, name string, most int64) (data []byte, err error) {
	err = p.fetch(ctx, []*parcel{{name: name, list: true, most: most}}, func(_ *parcel, got []byte) error {
		data = got
		return nil
	})
	return data, err
}

// piece asks for something by its hash.
func (p *post) piece(ctx context.Context, sum string, bytes int64) (data []byte, err error) {
	err = p.fetch(ctx, []*parcel{{name: sum, most: bytes}}, func(_ *parcel, got []byte) error {
		data = got
		return nil
	})
	return data, err
}

// fetch asks for all of that, some at a time, and hands over what came. What has
// the wrong hash is errHash. It ends with the connection.
func (p *post) fetch(ctx context.Context, all []*parcel, take func(*parcel, []byte) error) error {
	online, call := p.online()
	if !online {
		return errCut
	}
	defer p.forget()
	timer := time.NewTimer(askAgain)
	defer timer.Stop()
	silent := 0
	for waiting := 0; len(all) > 0 || waiting > 0; {
		next := all[:min(len(all), inFlight-waiting)]
		all, waiting = all[len(next):], waiting+len(next)
		if err := p.ask(ctx, next); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			if silent++; silent > patience {
				return errSilent
			}
			if err := p.ask(ctx, p.waiting()); err != nil {
				return err
			}
			timer.Reset(askAgain)
			continue
		case <-p.moved:
		}
		if online, now := p.online(); !online || now != call {
			return errCut
		}
		for _, one := range p.arrived() {
			waiting--
			silent = 0
			timer.Reset(askAgain)
			if err := one.hand(take); err != nil {
				return err
			}
		}
	}
	return nil
}

// hand checks what came and hands it over.
func (one *parcel) hand(take func(*parcel, []byte) error) error {
	if one.missing {
		return fmt.Errorf("%.80s: %w", one.name, errMissing)
	}
	if !one.list {
		if sum := sha256.Sum256(one.got); hex.EncodeToString(sum[:]) != one.name {
			return fmt.Errorf("%w: a piece came as another one", errHash)
		}
	}
	return take(one, one.got)
}

// ask puts names on their way.
func (p *post) ask(ctx context.Context, names []*parcel) error {
	if len(names) == 0 {
		return nil
	}
	a := wire.Ask{Contract: wire.Contract}
	p.mu.Lock()
	for _, one := range names {
		one.got = nil
		p.parcels[one.name] = one
		if one.list {
			a.Metadata = append(a.Metadata, one.name)
		} else {
			a.Chunks = append(a.Chunks, one.name)
		}
	}
	p.mu.Unlock()
	late := time.NewTimer(askAgain)
	defer late.Stop()
	select {
	case p.asks <- a:
		return nil
	case <-late.C: // the link is gone, or stuck
		return errSilent
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *post) waiting() (out []*parcel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.parcels {
		if !one.whole {
			out = append(out, one)
		}
	}
	return out
}

// arrived takes out what is whole.
func (p *post) arrived() (out []*parcel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, one := range p.parcels {
		if one.whole {
			out = append(out, one)
			delete(p.parcels, name)
		}
	}
	return out
}

// forget gives up what was asked for, and words that nobody has taken yet.
func (p *post) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.parcels)
	select {
	case <-p.asks:
	default:
	}
}

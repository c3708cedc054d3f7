package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/service"
	"gourdian/internal/wire"
)

const (
	// gather is how long the writer waits for more after a first message.
	gather = 4 * time.Millisecond
	// maxGroup bounds the messages of one transaction.
	maxGroup = 64
	// beatEvery is how often the writer shows that it lives while nobody says
	// anything.
	beatEvery = 10 * time.Second
	// patience bounds how long a message waits for its commit; the board asks
	// again after that.
	patience = 20 * time.Second
)

// Store runs transactions; *db.DB is one.
type Store interface {
	Tx(ctx context.Context, do func(ctx context.Context, tx bun.Tx) error) error
}

// Speaker says something to a board.
type Speaker interface {
	Publish(device, name string, payload []byte) error
}

// Samples takes what boards say about pictures; what it returns is said to the
// board. An error means that nothing is kept. *sample.Store is one.
type Samples interface {
	Offer(ctx context.Context, from sample.Board, offer wire.Sample) (wire.Want, error)
	Piece(ctx context.Context, from sample.Board, h wire.SampleHeader, body []byte) (wire.Want, error)
	Erasures(ctx context.Context, tx bun.IDB, device string) ([]wire.Want, error)
	Erased(ctx context.Context, device, hash string) ([]wire.Want, error)
}

// Sketches takes what boards sum up of their hours, in the transaction that
// keeps their counts; *monitor.Monitor is one.
type Sketches interface {
	Take(ctx context.Context, tx bun.Tx, device string, s wire.Summary) error
}

// Models deals with the models of boards.
type Models interface {
	// Ask takes down what a board asks for, and never waits.
	Ask(device string, ask wire.Ask)
	// Report takes down what a board says of its model, in the transaction that
	// keeps its state; changed says that Kick is worth it once that is committed.
	Report(ctx context.Context, tx bun.Tx, device string, state wire.State) (changed bool, err error)
	Kick()
}

// Config is what an Ingest needs.
type Config struct {
	Store   Store
	Fleet   *fleet.Fleet
	Samples Samples // nil = pictures are not wanted
	Models  Models  // nil = boards are given none
	// Sketches is nil where nobody watches for changes in the field.
	Sketches Sketches
	Log      *slog.Logger
}

// Ingest is the broker's Receiver.
type Ingest struct {
	config  Config
	queue   chan *job
	speaker atomic.Pointer[Speaker]
	stats   stats

	mu  sync.Mutex // guards bad
	bad error      // of the newest commit, nil when it succeeded
}

type stats struct {
	messages, records, repeated, early, quarantined, lost, unreadable, commits, failed atomic.Uint64
}

// Stats are counters since the start.
type Stats struct {
	Messages    uint64 // kept
	Records     uint64 // committed
	Repeated    uint64 // records that were there already
	Early       uint64 // batches that came before what must come first
	Quarantined uint64 // records put away
	Lost        uint64 // records that boards say they no longer have
	Unreadable  uint64 // messages that make no sense
	Commits     uint64
	Failed      uint64 // transactions that could not be committed
}

// Stats tells what is counted.
func (i *Ingest) Stats() Stats {
	s := &i.stats
	return Stats{
		Messages: s.messages.Load(), Records: s.records.Load(), Repeated: s.repeated.Load(), Early: s.early.Load(),
		Quarantined: s.quarantined.Load(), Lost: s.lost.Load(), Unreadable: s.unreadable.Load(),
		Commits: s.commits.Load(), Failed: s.failed.Load(),
	}
}

// Health is nil when the newest transaction was committed, and why it was not
// otherwise: then no board is acknowledged.
func (i *Ingest) Health() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.bad
}

// job is a message on its way into the database. apply may run several times
// and sets after anew each time; after runs once, when all is committed.
type job struct {
	apply func(ctx context.Context, tx bun.Tx) error
	after func()
	done  chan error // holds one
}

// New returns an Ingest. Run writes.
func New(c Config) *Ingest { return &Ingest{config: c, queue: make(chan *job, maxGroup)} }

// Attach says how boards are spoken to. Before, none is acknowledged.
func (i *Ingest) Attach(s Speaker) { i.speaker.Store(&s) }

// say publishes a message as JSON to a board that may have gone meanwhile: it
// will hear it when it is back.
func (i *Ingest) say(device, name string, value any) {
	s := i.speaker.Load()
	if s == nil {
		return
	}
	data, err := json.Marshal(value)
	if err == nil {
		err = (*s).Publish(device, name, data)
	}
	if err != nil && !errors.Is(err, broker.ErrAbsent) {
		i.config.Log.Warn("a board could not be told", "device", device, "topic", name, "error", err)
	}
}

// Receive takes a message of a board and returns when it is kept.
func (i *Ingest) Receive(ctx context.Context, m broker.Message) error {
	j, err := i.read(m)
	switch {
	case errors.Is(err, errSample):
		return i.sample(ctx, m)
	case errors.Is(err, errAsk):
		return i.ask(m)
	}
	if err != nil {
		// It would be as unreadable the next time. Nothing is lost: what is not
		// acknowledged stays on the board.
		i.unfit(ctx, m)
		i.stats.unreadable.Add(1)
		i.config.Log.Warn("a message makes no sense", "device", m.Device, "topic", m.Name, "bytes", len(m.Payload), "error", err)
		return nil
	}
	if err := i.submit(ctx, j); err != nil {
		return err
	}
	i.stats.messages.Add(1)
	return nil
}

// errSample says that a message is about a picture, errAsk that it asks for a
// model.
var (
	errSample = errors.New("not for the database")
	errAsk    = errors.New("not for the database either")
)

// read makes a job of a message.
func (i *Ingest) read(m broker.Message) (*job, error) {
	switch m.Name {
	case wire.TopicRecords:
		batch, err := wire.DecodeBatch(m.Payload)
		return i.records(m, batch), err
	case wire.TopicState:
		state, err := wire.DecodeState(m.Payload)
		return i.state(m, state), err
	case wire.TopicSummary:
		summary, err := wire.DecodeSummary(m.Payload)
		return i.summary(m, summary), err
	case wire.TopicLog:
		lines, err := wire.DecodeLogLines(m.Payload)
		return &job{apply: func(ctx context.Context, tx bun.Tx) error {
			return i.config.Fleet.Lines(ctx, tx, m.Device, lines)
		}}, err
	case wire.TopicSamples:
		return nil, errSample
	case wire.TopicAsk:
		return nil, errAsk
	default:
		return nil, fmt.Errorf("the topic %q is nothing that boards say", m.Name)
	}
}

// submit waits until a job is committed.
func (i *Ingest) submit(ctx context.Context, j *job) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	j.done = make(chan error, 1)
	select {
	case i.queue <- j:
	case <-ctx.Done():
		return fmt.Errorf("wait for the writer: %w", ctx.Err())
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done(): // it may be committed all the same: then it comes twice
		return fmt.Errorf("wait for the commit: %w", ctx.Err())
	}
}

// Present says that a connection begins.
func (i *Ingest) Present(device string, session uint64) { i.config.Fleet.Present(device, session) }

// Absent says that a connection has ended.
func (i *Ingest) Absent(device string, session uint64) {
	if !i.config.Fleet.Absent(device, session) {
		return
	}
	at := time.Now()
	j := &job{done: make(chan error, 1), apply: func(ctx context.Context, tx bun.Tx) error {
		return i.config.Fleet.Left(ctx, tx, device, at)
	}}
	select {
	case i.queue <- j:
	default: // when it was last here is known from its states, a little less exactly
	}
}

// Run writes until ctx is done. It is the only one that does.
func (i *Ingest) Run(ctx context.Context) error {
	timer := time.NewTimer(gather)
	defer timer.Stop()
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		service.Beat(ctx)
		var group []*job
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			continue
		case j := <-i.queue:
			group = append(group, j)
		}
		timer.Reset(gather)
	more:
		for len(group) < maxGroup {
			select {
			case j := <-i.queue:
				group = append(group, j)
			case <-timer.C:
				break more
			case <-ctx.Done():
				break more
			}
		}
		i.write(ctx, group)
	}
}

// write commits a group and tells everybody. Where a group can't be committed,
// each of its messages is tried alone: one must not hold up the others.
func (i *Ingest) write(ctx context.Context, group []*job) {
	service.Beat(ctx) // a database that is slow for each of them is no stall
	err := i.commit(ctx, group)
	if err != nil && len(group) > 1 && ctx.Err() == nil {
		for _, j := range group {
			i.write(ctx, []*job{j})
		}
		return
	}
	i.mu.Lock()
	was := i.bad
	i.bad = err
	i.mu.Unlock()
	if err != nil {
		i.stats.failed.Add(1)
		if was == nil && ctx.Err() == nil {
			i.config.Log.Error("what boards say can't be kept, none is acknowledged", "error", err)
		}
	} else {
		i.stats.commits.Add(1)
		if was != nil {
			i.config.Log.Info("what boards say is kept again")
		}
	}
	for _, j := range group {
		if err == nil && j.after != nil {
			j.after()
		}
		j.done <- err
	}
}

func (i *Ingest) commit(ctx context.Context, group []*job) error {
	err := i.config.Store.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, j := range group {
			if err := j.apply(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit what boards say: %w", err)
	}
	return nil
}

var _ broker.Receiver = (*Ingest)(nil)
var _ Store = (*db.DB)(nil)
var _ Samples = (*sample.Store)(nil)

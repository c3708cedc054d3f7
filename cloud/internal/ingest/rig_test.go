package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/broker/brokertest"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/fleet"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) {
	// The driver's own keeper of pools ends with the database, a little later.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
}

const epoch = "e1"

// at is a moment of the field.
var at = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

// faultyStore fails as a test wants: before the commit, or after it and before
// anybody is told, which is what a hub that dies there looks like to a board.
type faultyStore struct {
	*db.DB
	mu     sync.Mutex // guards before and after
	before func() error
	after  func() error
}

func (f *faultyStore) Tx(ctx context.Context, do func(ctx context.Context, tx bun.Tx) error) error {
	f.mu.Lock()
	before, after := f.before, f.after
	f.mu.Unlock()
	err := f.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := do(ctx, tx); err != nil || before == nil {
			return err
		}
		return before()
	})
	if err == nil && after != nil {
		err = after()
	}
	return err
}

func (f *faultyStore) fail(before, after func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

var errDead = errors.New("the hub died")

func dead() error { return errDead }

// ear hears what boards are told.
type ear struct {
	mu   sync.Mutex // guards said
	said []spoken
}

type spoken struct {
	device, name string
	payload      []byte
}

func (e *ear) Publish(device, name string, payload []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, spoken{device, name, payload})
	return nil
}

func (e *ear) Disconnect(string) {}

// take returns what was said since, of one name.
func (e *ear) take(t *testing.T, name string) [][]byte {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	var found [][]byte
	for _, s := range e.said {
		if s.name == name {
			found = append(found, s.payload)
		}
	}
	e.said = nil
	return found
}

// rig is an ingest with boards b1 and b2.
type rig struct {
	*Ingest
	db    *db.DB
	store *faultyStore
	fleet *fleet.Fleet
	ear   *ear
	heard *heard
}

// heard counts what is handed on to who watches for changes in the field.
type heard struct{ summaries atomic.Int64 }

func (h *heard) Take(_ context.Context, _ bun.Tx, device string, s wire.Summary) error {
	if device == "b1" && s.Epoch == epoch {
		h.summaries.Add(1)
	}
	return nil
}

func setup(t *testing.T, d *db.DB) *rig {
	t.Helper()
	ca, err := authority.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{db: d, store: &faultyStore{DB: d}, ear: &ear{}, heard: &heard{}}
	r.fleet, err = fleet.Open(t.Context(), fleet.Config{Hub: func() string { return "https://hub:8443" }, Broker: func() string { return "hub:8883" }, Version: "test", Now: time.Now}, d, ca)
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := r.fleet.NewToken(t.Context(), "admin", fleet.TokenRequest{Site: "north", Uses: 10, Valid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := wire.ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{"b1", "b2"} {
		_, csr := brokertest.Request(t, device)
		if _, err := r.fleet.Join(t.Context(), wire.JoinRequest{Contract: wire.Contract, Secret: token.Secret, Device: device, CSR: csr, Version: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	r.Ingest = New(Config{Store: r.store, Fleet: r.fleet, Sketches: r.heard, Log: slog.New(slog.DiscardHandler)})
	r.Attach(r.ear)
	r.fleet.Attach(r.ear)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

func record(device string, seq uint64) wire.Record {
	return wire.Record{
		Device: device, Epoch: epoch, Seq: seq, Boot: "boot", CapturedAt: at.Add(time.Duration(seq) * time.Second), WallAt: at, Clock: wire.ClockSynced,
		Camera: "c1", Frames: 3, Seconds: 1, Model: strings.Repeat("ab", 32), Preprocess: "p", Variant: "fp32",
		Probabilities: map[string]float64{"good": 1}, Verdict: wire.Good,
	}
}

func raw(t testing.TB, r wire.Record) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// batch is of the records first..last.
func batch(t testing.TB, device string, first, last uint64) wire.Batch {
	t.Helper()
	b := wire.Batch{Contract: wire.Contract, Epoch: epoch, First: first, Oldest: 1}
	for seq := first; seq <= last; seq++ {
		b.Records = append(b.Records, raw(t, record(device, seq)))
	}
	return b
}

func message(t testing.TB, device, name string, value any) broker.Message {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return broker.Message{Device: device, Session: 1, Name: name, Payload: data, At: at}
}

// send hands in a batch and returns the acknowledgement, nil where none came.
func (r *rig) send(t *testing.T, device string, b wire.Batch) (*wire.Ack, error) {
	t.Helper()
	err := r.Receive(t.Context(), message(t, device, wire.TopicRecords, b))
	said := r.ear.take(t, wire.TopicAck)
	if len(said) == 0 {
		return nil, err
	}
	ack, decodeErr := wire.DecodeAck(said[len(said)-1])
	if decodeErr != nil {
		t.Fatal(decodeErr)
	}
	return &ack, err
}

// seqs returns the numbers of the records of a board, in order.
func (r *rig) seqs(t *testing.T, device string) []int64 {
	t.Helper()
	var seqs []int64
	if err := r.db.Read().NewSelect().Model((*Record)(nil)).Column("seq").Where("device = ?", device).Order("seq").Scan(t.Context(), &seqs); err != nil {
		t.Fatal(err)
	}
	return seqs
}

// holds compares the records of a board with from..to, and the counts with them.
func (r *rig) holds(t *testing.T, device string, to int64) {
	t.Helper()
	seqs := r.seqs(t, device)
	if int64(len(seqs)) != to {
		t.Fatalf("%s: %d records, expected are %d", device, len(seqs), to)
	}
	for n, seq := range seqs {
		if seq != int64(n)+1 {
			t.Fatalf("%s: record %d in place %d", device, seq, n+1)
		}
	}
	days, err := Counts(t.Context(), r.db, Which{Device: device, From: at.AddDate(0, 0, -1), Until: at.AddDate(0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for _, day := range days {
		sum += day.Counts[wire.Good]
	}
	if sum != uint64(to) {
		t.Errorf("%s: the counts say %d, expected are %d", device, sum, to)
	}
}

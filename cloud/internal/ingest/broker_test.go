package ingest

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/broker/brokertest"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// hub is fleet, broker and ingest on a database, as the hub wires them.
type hub struct {
	*broker.Embedded
	db      *db.DB
	store   *faultyStore
	fleet   *fleet.Fleet
	ingest  *Ingest
	samples *sample.Store
	secret  string
}

func startHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	ca, err := authority.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.Server([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{db: d, store: &faultyStore{DB: d}}
	h.fleet, err = fleet.Open(t.Context(), fleet.Config{Hub: func() string { return "https://hub:8443" }, Broker: func() string { return "hub:8883" }, Now: time.Now}, d, ca)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// Nobody looks at what arrives: the store is not run.
	h.samples, err = sample.Open(sample.Config{Dir: t.TempDir(), Limits: sample.Limits{Quota: 1 << 20, PerBoard: 2}.Always(), Log: log}, d, blobs, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.ingest = New(Config{Store: h.store, Fleet: h.fleet, Samples: h.samples, Log: log})
	h.Embedded, err = broker.New(broker.Config{Listen: "127.0.0.1:0", Certificate: server.Certificate, Boards: ca.Pool(), Guard: h.fleet, Receiver: h.ingest, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	h.fleet.Attach(h)
	h.ingest.Attach(h)
	_, text, err := h.fleet.NewToken(t.Context(), "admin", fleet.TokenRequest{Site: "north", Uses: 1000, Valid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := wire.ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	h.secret = token.Secret
	for _, run := range []func(context.Context) error{h.ingest.Run, h.Run} {
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- run(ctx) }()
		t.Cleanup(func() { // the broker first: ingest answers it to the end
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	<-h.Ready()
	return h
}

// board joins and connects one, and returns how to speak and to listen.
func (h *hub) board(t testing.TB, device string) (mqtt.Client, <-chan mqtt.Message) {
	t.Helper()
	key, csr := brokertest.Request(t, device)
	answer, err := h.fleet.Join(t.Context(), wire.JoinRequest{Contract: wire.Contract, Secret: h.secret, Device: device, CSR: csr, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	client, err := brokertest.Connect(t, brokertest.Client(h.Addr(), device, brokertest.Pair(t, []byte(answer.Certificate), key)))
	if err != nil {
		t.Fatal(err)
	}
	return client, brokertest.Listen(t, client, device)
}

func encode(t testing.TB, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// awaitAck returns the next acknowledgement.
func awaitAck(t testing.TB, heard <-chan mqtt.Message) wire.Ack {
	t.Helper()
	for {
		select {
		case m := <-heard:
			if _, name, _, _ := wire.ParseTopic(m.Topic()); name != wire.TopicAck {
				continue
			}
			ack, err := wire.DecodeAck(m.Payload())
			if err != nil {
				t.Fatal(err)
			}
			return ack
		case <-time.After(brokertest.Patience):
			t.Fatal("no acknowledgement")
		}
	}
}

func TestRecordsOverTheLink(t *testing.T) {
	t.Parallel()
	h := startHub(t, dbtest.SQLite(t))
	client, heard := h.board(t, "b1")
	topic := wire.Topic("b1", wire.TopicRecords)
	h.store.fail(dead, nil)
	lost := client.Publish(topic, 1, false, encode(t, batch(t, "b1", 1, 5)))
	for late := time.After(brokertest.Patience); h.Stats().Withheld == 0; {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			t.Fatal("the batch never came")
		}
	}
	h.store.fail(nil, nil)
	kept := client.Publish(topic, 1, false, encode(t, batch(t, "b1", 1, 5)))
	if ack := awaitAck(t, heard); ack.Through != 5 {
		t.Errorf("%+v", ack)
	}
	if !kept.WaitTimeout(brokertest.Patience) || kept.Error() != nil {
		t.Errorf("no PUBACK for what is committed: %v", kept.Error())
	}
	select {
	case <-lost.Done():
		t.Error("PUBACK for what was not committed")
	default:
	}
	// The hub is the one that ends it: another board's admin revokes b1.
	if _, err := h.fleet.Revoke(t.Context(), "ana", "b1", ""); err != nil {
		t.Fatal(err)
	}
	for late := time.After(brokertest.Patience); client.IsConnected() || h.fleet.Online("b1"); {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			t.Fatal("a revoked board stays connected")
		}
	}
}

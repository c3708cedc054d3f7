package ingest

import (
	"bytes"
	"encoding/json"
	"testing"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/fleet"
	"gourdian/internal/wire"
)

// speaking is a board's state as a program of another contract writes it.
func speaking(contract int) wire.State {
	return wire.State{
		Contract: contract, Online: true, Boot: "boot", At: at, Started: at, Clock: wire.ClockSynced, Epoch: epoch,
		Versions: wire.Versions{Agent: "other"}, Cameras: []wire.CameraState{}, Conditions: []wire.ConditionState{},
	}
}

func (r *rig) fit(t *testing.T, device string) (wire.Fit, bool) {
	t.Helper()
	b, err := r.fleet.Board(t.Context(), device)
	if err != nil {
		t.Fatal(err)
	}
	list, _, err := r.fleet.List(t.Context(), fleet.Filter{Outdated: true})
	if err != nil {
		t.Fatal(err)
	}
	listed := false
	for _, one := range list {
		listed = listed || one.Device == device
	}
	if listed != b.Outdated() {
		t.Errorf("%s is outdated: %v, listed as such: %v", device, b.Outdated(), listed)
	}
	return b.Fit(), listed
}

func TestBoardOfAnotherContractIsKeptAndNamed(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		for contract, want := range map[int]wire.Fit{wire.Contract - 1: wire.Older, wire.Contract + 1: wire.Newer, wire.Contract: wire.Fits} {
			if err := r.Receive(t.Context(), message(t, "b1", wire.TopicState, speaking(contract))); err != nil {
				t.Fatal(err)
			}
			if fit, outdated := r.fit(t, "b1"); fit != want || outdated != (want == wire.Older) {
				t.Errorf("contract %d: %q, outdated %v", contract, fit, outdated)
			}
			if said := r.ear.take(t, wire.TopicAck); len(said) != 1 {
				t.Errorf("contract %d: %d answers to a state", contract, len(said))
			}
			b := batch(t, "b1", 1, 3)
			b.Contract = contract
			if ack, err := r.send(t, "b1", b); err != nil || ack.Through != 3 || len(ack.Rejected) != 0 {
				t.Errorf("contract %d: %+v, %v", contract, ack, err)
			}
		}
		r.holds(t, "b1", 3)
	})
}

// TestBoardThatIsTooOldIsNotAcknowledgedAndNamed: what can't be read stays on it.
func TestBoardThatIsTooOldIsNotAcknowledgedAndNamed(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	b := batch(t, "b1", 1, 3)
	b.Contract = 1
	if ack, err := r.send(t, "b1", b); err != nil || ack != nil {
		t.Fatalf("%+v, %v", ack, err)
	}
	if fit, outdated := r.fit(t, "b1"); fit != wire.TooOld || !outdated {
		t.Errorf("%q, outdated %v", fit, outdated)
	}
	m, err := r.fleet.Misfits(t.Context())
	if err != nil || m != (fleet.Misfits{Outdated: 1, TooOld: 1}) {
		t.Errorf("%+v, %v", m, err)
	}
	b.Contract = wire.Contract // it was updated
	if ack, err := r.send(t, "b1", b); err != nil || ack.Through != 3 {
		t.Fatalf("%+v, %v", ack, err)
	}
	r.holds(t, "b1", 3)
}

// TestRecordsOfANewerBoardStayThereUntilTheHubIsUpdated: what only a newer hub
// can read is no poison.
func TestRecordsOfANewerBoardStayThereUntilTheHubIsUpdated(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	b := batch(t, "b1", 1, 4)
	readable := b.Records[2]
	b.Contract, b.Records[2] = wire.Contract+1, json.RawMessage(bytes.Replace(readable, []byte(`"synced"`), []byte(`"atomic"`), 1))
	for range 2 {
		ack, err := r.send(t, "b1", b)
		if err != nil || ack.Through != 2 || len(ack.Rejected) != 1 || ack.Rejected[0].Seq != 3 || ack.Rejected[0].Do != wire.Retry {
			t.Fatalf("%+v, %v", ack, err)
		}
	}
	r.holds(t, "b1", 2)
	b.Records[2] = readable // as a newer hub reads it
	if ack, err := r.send(t, "b1", b); err != nil || ack.Through != 4 || len(ack.Rejected) != 0 {
		t.Fatalf("%+v, %v", ack, err)
	}
	r.holds(t, "b1", 4)
	// A newer board's message that can't be read at all says at least so much.
	if err := r.Receive(t.Context(), broker.Message{Device: "b2", Name: wire.TopicState, Payload: []byte(`{"contract":9,"boot":7}`), At: at}); err != nil {
		t.Fatal(err)
	}
	if fit, _ := r.fit(t, "b2"); fit != wire.Newer {
		t.Errorf("%q", fit)
	}
}

// TestPictureDeletedWhileItsBoardIsAwayIsErasedWhenItIsBack: with its state, and
// again until it has said so.
func TestPictureDeletedWhileItsBoardIsAwayIsErasedWhenItIsBack(t *testing.T) {
	t.Parallel()
	h := startHub(t, dbtest.SQLite(t))
	client, heard := h.board(t, "b1")
	data := []byte("a picture")
	offer := wire.Sample{
		Hash: blob.Name(data), Bytes: int64(len(data)), Epoch: epoch, Seq: 7, CapturedAt: at, Camera: "c1", Zone: "all",
		Why: wire.WhyUnsure, Worth: 0.9, Verdict: wire.Unsure,
	}
	sayOfPicture(t, client, heard, "b1", wire.SampleHeader{Offer: &offer}, nil)
	if want := sayOfPicture(t, client, heard, "b1", wire.SampleHeader{Hash: offer.Hash, Total: offer.Bytes}, data); want.Offset != offer.Bytes {
		t.Fatalf("%+v", want)
	}
	if err := h.samples.Delete(t.Context(), offer.Hash); err != nil { // the store speaks to nobody in this rig: as if the board were away
		t.Fatal(err)
	}
	state := func(contract int) (erase []wire.Want) {
		t.Helper()
		r := &rig{Ingest: h.ingest, ear: &ear{}}
		h.ingest.Attach(r.ear)
		if err := h.ingest.Receive(t.Context(), message(t, "b1", wire.TopicState, speaking(contract))); err != nil {
			t.Fatal(err)
		}
		for _, payload := range r.ear.take(t, wire.TopicWant) {
			want, err := wire.DecodeWant(payload)
			if err != nil {
				t.Fatal(err)
			}
			erase = append(erase, want)
		}
		return erase
	}
	if said := state(wire.EraseSince - 1); len(said) != 0 {
		t.Errorf("a board that can't is told %+v", said)
	}
	for range 2 { // killed before it answered, it is told again
		if said := state(wire.Contract); len(said) != 1 || !said[0].Erase || said[0].Hash != offer.Hash {
			t.Fatalf("told %+v", said)
		}
	}
	if n, err := h.samples.Erasing(t.Context(), "b1"); err != nil || n != 1 {
		t.Errorf("%d to erase, %v", n, err)
	}
	frame, err := wire.EncodeFrame(wire.SampleHeader{Contract: wire.Contract, Hash: offer.Hash, Erased: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // said twice
		if err := h.ingest.Receive(t.Context(), broker.Message{Device: "b1", Name: wire.TopicSamples, Payload: frame, At: at}); err != nil {
			t.Fatal(err)
		}
	}
	if said := state(wire.Contract); len(said) != 0 {
		t.Errorf("told again: %+v", said)
	}
}

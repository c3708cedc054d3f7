package ingest

import (
	"bytes"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/broker/brokertest"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// sayOfPicture says something about a picture as a board does, and returns what
// the hub wants then.
func sayOfPicture(t *testing.T, client mqtt.Client, heard <-chan mqtt.Message, device string, h wire.SampleHeader, body []byte) wire.Want {
	t.Helper()
	h.Contract = wire.Contract
	frame, err := wire.EncodeFrame(h, body)
	if err != nil {
		t.Fatal(err)
	}
	client.Publish(wire.Topic(device, wire.TopicSamples), 0, false, frame)
	late := time.NewTimer(brokertest.Patience)
	defer late.Stop()
	for {
		select {
		case m := <-heard:
			if _, name, _, _ := wire.ParseTopic(m.Topic()); name != wire.TopicWant {
				continue
			}
			want, err := wire.DecodeWant(m.Payload())
			if err != nil {
				t.Fatal(err)
			}
			return want
		case <-late.C:
			t.Fatal("no answer about a picture")
		}
	}
}

// TestPictureOverTheLink brings a picture from a board's socket to the hub's
// store, past a cut, a damaged piece and a full hub.
func TestPictureOverTheLink(t *testing.T) {
	t.Parallel()
	h := startHub(t, dbtest.SQLite(t))
	data := bytes.Repeat([]byte("a picture "), 20_000)
	name := blob.Name(data)
	client, heard := h.board(t, "b1")
	say := func(h wire.SampleHeader, body []byte) wire.Want {
		t.Helper()
		return sayOfPicture(t, client, heard, "b1", h, body)
	}
	offer := wire.Sample{
		Hash: name, Bytes: int64(len(data)), Epoch: epoch, Seq: 7, CapturedAt: at, Camera: "c1", Zone: "all",
		Why: wire.WhyUnsure, Worth: 0.9, Verdict: wire.Unsure,
	}
	piece := func(from int64, body []byte) wire.Want {
		t.Helper()
		return say(wire.SampleHeader{Hash: name, Offset: from, Total: offer.Bytes}, body[from:min(from+wire.MaxChunk, offer.Bytes)])
	}
	if want := piece(0, data); want.Refuse == "" {
		t.Error("a piece of what was not offered is taken")
	}
	if want := say(wire.SampleHeader{Offer: &offer}, nil); want.Hash != name || want.Offset != 0 || want.Refuse != "" {
		t.Fatalf("%+v", want)
	}
	damaged := bytes.Clone(data)
	damaged[3] = '?'
	want := piece(0, damaged)
	if want.Offset != wire.MaxChunk {
		t.Fatalf("after a piece: %+v", want)
	}
	if want = say(wire.SampleHeader{Offer: &offer}, nil); want.Offset != wire.MaxChunk {
		t.Fatalf("after a cut: %+v", want)
	}
	turns := 0
	for want.Offset < offer.Bytes {
		if want = piece(want.Offset, data); want.Offset == 0 {
			turns++ // the whole had another hash
		}
		if turns > 1 || want.Refuse != "" {
			t.Fatalf("%d turns, %+v", turns, want)
		}
	}
	if turns != 1 {
		t.Error("damage was not noticed")
	}
	kept, err := h.samples.Picture(t.Context(), name)
	if err != nil || !bytes.Equal(kept, data) {
		t.Fatalf("%d bytes, %v", len(kept), err)
	}
	line, err := h.samples.Get(t.Context(), name)
	if err != nil || line.Device != "b1" || line.Site != "north" || line.Source != sample.FromBoard || line.State != sample.Kept || line.Seq != 7 {
		t.Errorf("%+v, %v", line, err)
	}
	offer.Correction, offer.Why = wire.Bad, wire.WhyCorrection
	if want = say(wire.SampleHeader{Offer: &offer}, nil); want.Offset != offer.Bytes {
		t.Errorf("a correction of what is here: %+v", want)
	}
	if line, err = h.samples.Get(t.Context(), name); err != nil || line.Correction != wire.Bad {
		t.Errorf("%+v, %v", line, err)
	}
	for n, refused := range []bool{false, true} { // two of a board may wait for a label
		other := offer
		other.Hash, other.Bytes, other.Seq = blob.Name([]byte{byte(n)}), 1, uint64(8+n)
		if want = say(wire.SampleHeader{Offer: &other}, nil); (want.Refuse != "") != refused {
			t.Errorf("offer %d: %+v", n, want)
		}
	}
}

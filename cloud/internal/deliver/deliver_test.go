package deliver

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/internal/bundle"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noise is bytes without a pattern, the same for a seed.
func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// fetch asks for a list and then for its pieces that known lacks, as a board
// does, and returns the files.
func (r *rig) fetch(t *testing.T, device string, listing Listing, known map[string][]byte) (files map[string][]byte, asked int) {
	t.Helper()
	r.Ask(device, wire.Ask{Contract: wire.Contract, Chunks: []string{listing.Sum}})
	until(t, "the list", func() bool { _, ok := r.boards.has(device, listing.Sum); return ok })
	body, _ := r.boards.has(device, listing.Sum)
	var index Index
	if err := json.Unmarshal(body, &index); err != nil || int64(len(body)) != listing.Bytes {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
	files = map[string][]byte{}
	for _, f := range index.Files {
		for part := range slices.Chunk(f.Chunks, 8) {
			var lacks []string
			for _, sum := range part {
				if _, ok := known[sum]; !ok {
					lacks = append(lacks, sum)
				}
			}
			if lacks == nil {
				continue
			}
			asked += len(lacks)
			r.Ask(device, wire.Ask{Contract: wire.Contract, Chunks: lacks})
			until(t, "pieces", func() bool {
				return !slices.ContainsFunc(lacks, func(sum string) bool { _, ok := r.boards.has(device, sum); return !ok })
			})
			for _, sum := range lacks {
				known[sum], _ = r.boards.has(device, sum)
			}
		}
		for _, sum := range f.Chunks {
			files[f.Name] = append(files[f.Name], known[sum]...)
		}
	}
	return files, asked
}

// TestNewHeadMovesOnlyTheHead: the second of two models that differ in their
// last bytes costs a board a few pieces.
func TestNewHeadMovesOnlyTheHead(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqlite(t), Limits{})
	r.run(t)
	graph := noise(1, 9<<20)
	head := slices.Clone(graph)
	copy(head[len(head)-5000:], noise(2, 5000))
	_, _, first, packed := r.model(t, graph)
	_, _, second, _ := r.model(t, head)
	known := map[string][]byte{}
	files, all := r.fetch(t, "north", first, known)
	if b, err := bundle.Read(bytes.NewReader(packed), int64(len(packed))); err != nil {
		t.Fatal(err)
	} else if got, err := b.File("graph.onnx"); err != nil || !bytes.Equal(got, files["graph.onnx"]) || !bytes.Equal(files["graph.onnx"], graph) {
		t.Errorf("the graph came as %d bytes, %v", len(files["graph.onnx"]), err)
	}
	files, few := r.fetch(t, "north", second, known)
	if !bytes.Equal(files["graph.onnx"], head) {
		t.Error("the second graph is another one")
	}
	if all < 140 || few > 3 {
		t.Errorf("%d pieces for the first model, %d for a new head", all, few)
	}
}

func TestWhatNothingHasIsSaidToBeMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqlite(t), Limits{})
	r.run(t)
	_, file, listing, packed := r.model(t, noise(3, 200_000))
	r.damage(t, file, bytes.Index(packed, noise(3, 16)))
	nothing := listing.Sum[1:] + listing.Sum[:1]
	r.Ask("north", wire.Ask{Metadata: []string{"timestamp.json", "9.targets.json"}, Chunks: []string{nothing}})
	until(t, "answers", func() bool { return r.boards.count() == 3 })
	if _, ok := r.boards.has("north", "timestamp.json"); !ok {
		t.Error("the metadata that is there did not come")
	}
	body, _, err := r.library.Piece(t.Context(), listing.Sum)
	if err != nil {
		t.Fatal(err)
	}
	var index Index
	if err := json.Unmarshal(body, &index); err != nil {
		t.Fatal(err)
	}
	for _, f := range index.Files {
		if f.Name == "graph.onnx" {
			r.Ask("north", wire.Ask{Chunks: f.Chunks[:1]})
		}
	}
	until(t, "the answer for a damaged file", func() bool { return r.Stats().Missing == 3 })
	r.boards.mu.Lock()
	defer r.boards.mu.Unlock()
	if lacks := r.boards.lacks["north"]; len(lacks) != 3 || lacks[0] != "9.targets.json" || lacks[1] != nothing {
		t.Errorf("missing: %v", lacks)
	}
}

// TestBoardThatAsksForMuchHoldsUpNobody: boards are served in turn, and a queue
// has a bound.
func TestBoardThatAsksForMuchHoldsUpNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqlite(t), Limits{})
	_, _, listing, _ := r.model(t, noise(4, 7<<20))
	body, _, err := r.library.Piece(t.Context(), listing.Sum)
	if err != nil {
		t.Fatal(err)
	}
	var index Index
	if err := json.Unmarshal(body, &index); err != nil {
		t.Fatal(err)
	}
	var sums []string
	for _, f := range index.Files {
		sums = append(sums, f.Chunks...)
	}
	for part := range slices.Chunk(sums[:96], wire.MaxAsk) {
		r.Ask("greedy", wire.Ask{Chunks: part})
		r.Ask("greedy", wire.Ask{Chunks: part[:4]}) // again, before their turn
	}
	r.Ask("modest", wire.Ask{Chunks: sums[:2]})
	if s := r.Stats(); s.Waiting != maxWaiting+2 || s.Dropped == 0 {
		t.Errorf("%+v", s)
	}
	r.run(t)
	until(t, "all of it", func() bool { return r.boards.count() == maxWaiting+2 })
	r.boards.mu.Lock()
	defer r.boards.mu.Unlock()
	if at := slices.Index(r.boards.order, "modest"); at > 1 {
		t.Errorf("the modest board waited for %d messages", at)
	}
}

func TestBoardThatHasGoneIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqlite(t), Limits{})
	_, _, listing, _ := r.model(t, noise(5, 1<<20))
	r.boards.gone["north"] = true
	r.Ask("north", wire.Ask{Metadata: []string{"timestamp.json"}, Chunks: []string{listing.Sum}})
	r.run(t)
	until(t, "an empty queue", func() bool { return r.Stats().Waiting == 0 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Deliver.boards) != 0 || len(r.turn) != 0 {
		t.Errorf("%d queues, %v", len(r.Deliver.boards), r.turn)
	}
}

func TestRateHoldsForEachBoard(t *testing.T) {
	t.Parallel()
	const rate = 1 << 20
	r := newRig(t, sqlite(t), Limits{Rate: rate})
	_, _, listing, _ := r.model(t, noise(6, 512<<10))
	r.run(t)
	begin := time.Now()
	r.fetch(t, "north", listing, map[string][]byte{})
	took := time.Since(begin)
	sent := r.Stats().Bytes
	if least := time.Duration(float64(sent-2*pieceBytes) / rate * float64(time.Second)); took < least {
		t.Errorf("%d bytes took %s, at %d bytes a second at least %s", sent, took, rate, least)
	}
}

func TestBytesAreCountedByBoardDayAndPurpose(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, Limits{PerDay: 1 << 20})
		_, _, listing, _ := r.model(t, noise(7, 400_000))
		stop := r.run(t)
		r.Ask("north", wire.Ask{Metadata: []string{"timestamp.json"}})
		r.fetch(t, "north", listing, map[string][]byte{})
		stop()
		days, err := r.Days(t.Context(), "north", time.Now().AddDate(0, 0, -1))
		if err != nil || len(days) < 3 {
			t.Fatalf("%+v, %v", days, err)
		}
		sum := int64(0)
		for _, one := range days {
			sum += one.N
		}
		if uint64(sum) != r.Stats().Bytes {
			t.Errorf("%d bytes are counted, %d were sent", sum, r.Stats().Bytes)
		}
		if r.UsedUp("north") {
			t.Errorf("%d bytes use up a day's %d", sum, r.config.Limits.PerDay)
		}
		// What a day allows holds through a restart of the hub.
		less := r.config
		less.Limits.PerDay = sum
		again := New(less)
		again.Attach(r.boards)
		if err := again.count.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !again.UsedUp("north") || again.UsedUp("south") {
			t.Error("the bytes before the restart are forgotten")
		}
		before := r.boards.count()
		again.Ask("north", wire.Ask{Metadata: []string{"timestamp.json"}})
		if more, _ := again.one(t.Context()); !more || again.Stats().Held != 1 || r.boards.count() != before {
			t.Errorf("beyond the budget: %+v", again.Stats())
		}
		// The list of pieces was made once, and is the same again.
		other := NewLibrary(d, r.blobs)
		id, file, _, _ := r.model(t, noise(7, 400_000))
		if got, err := other.Add(t.Context(), id, file); err != nil || got != listing {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

package sample

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/internal/capture"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// painter reads files like "noise 7", "dark 1", "tiny 1" and takes all others
// for no pictures. The number is the scene; what follows it changes nothing.
type painter struct{ down bool }

func (p *painter) Prepare(_ context.Context, file []byte) (vision.Tensor, int, int, error) {
	if p.down {
		return nil, 0, 0, errors.New("the worker is down")
	}
	kind, rest, _ := strings.Cut(string(file), " ")
	number, _, _ := strings.Cut(rest, " ")
	seed, err := strconv.Atoi(number)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("prepare: %w", capture.ErrBadImage)
	}
	t := make(vision.Tensor, vision.TensorLen)
	state := uint64(seed)*0x9e3779b97f4a7c15 + 1
	var blocks [16][16]byte
	for y := range blocks {
		for x := range blocks[y] {
			state = state*6364136223846793005 + 1442695040888963407
			blocks[y][x] = byte(state >> 56)
		}
	}
	for i := range t {
		pixel := i / 3
		v := blocks[pixel/vision.Size/14][pixel%vision.Size/14]
		if kind == "dark" {
			v /= 8
		}
		t[i] = v
	}
	if kind == "tiny" {
		return t, 80, 80, nil
	}
	return t, 640, 480, nil
}

// rig is a Store on a new database.
type rig struct {
	*Store
	look *painter
}

func newRig(t testing.TB, d *db.DB, change func(*Limits)) *rig {
	t.Helper()
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	limits := Limits{Quota: 1 << 20, PerBoard: 100}
	if change != nil {
		change(&limits)
	}
	config := Config{Dir: t.TempDir(), Limits: limits.Always(), Log: slog.New(slog.DiscardHandler)}
	r := &rig{look: &painter{}}
	if r.Store, err = Open(config, d, blobs, r.look); err != nil {
		t.Fatal(err)
	}
	return r
}

// both runs a test on both databases.
func both(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Parallel()
	dbtest.Run(t, test)
}

func offerOf(data string) wire.Sample {
	return wire.Sample{Hash: blob.Name([]byte(data)), Bytes: int64(len(data)), Epoch: "e", Seq: 1, CapturedAt: time.Unix(1e9, 0), Camera: "c",
		Why: wire.WhyUnsure, Worth: 0.5, Verdict: wire.Unsure}
}

// bring offers a picture and sends it whole.
func (r *rig) bring(t *testing.T, from Board, data string) wire.Want {
	t.Helper()
	want, err := r.Offer(t.Context(), from, offerOf(data))
	if err != nil || want.Refuse != "" {
		t.Fatalf("offer of %q: %+v, %v", data, want, err)
	}
	return r.piece(t, from, data, 0, len(data))
}

func (r *rig) piece(t *testing.T, from Board, data string, start, end int) wire.Want {
	t.Helper()
	h := wire.SampleHeader{Contract: wire.Contract, Hash: blob.Name([]byte(data)), Offset: int64(start), Total: int64(len(data))}
	want, err := r.Piece(t.Context(), from, h, []byte(data[start:end]))
	if err != nil {
		t.Fatal(err)
	}
	return want
}

func (r *rig) line(t *testing.T, data string) Sample {
	t.Helper()
	one, err := r.Get(t.Context(), blob.Name([]byte(data)))
	if err != nil {
		t.Fatal(err)
	}
	return one
}

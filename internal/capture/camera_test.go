package capture_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/capture/capturetest"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// direct is a worker.Caller that calls a handler without a process between,
// over JSON as a pipe would. With failures it returns those first.
type direct struct {
	handler  worker.Handler
	failures []error
	params   []string // of every call
}

func (d *direct) Call(ctx context.Context, op string, params any, body []byte, result any) ([]byte, error) {
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	d.params = append(d.params, string(raw))
	if len(d.failures) > 0 {
		err := d.failures[0]
		d.failures = d.failures[1:]
		if err != nil {
			return nil, err
		}
	}
	response, err := d.handler.Handle(ctx, &worker.Request{Op: op, Params: raw, Body: body})
	if err != nil {
		return nil, err
	}
	if result != nil {
		if err := json.Unmarshal(response.Result, result); err != nil {
			return nil, err
		}
	}
	return bytes.Join(response.Body, nil), nil
}

func camera(r *rig, kind capture.Kind) (*capture.Client, *direct) {
	caller := &direct{handler: capture.NewCameraHandler(r.feed, capturetest.Codec{})}
	return capture.NewCamera(caller, kind), caller
}

func count(frames int) func(context.Context, int) (capture.Picture, error) {
	return func(_ context.Context, n int) (capture.Picture, error) {
		if n > frames {
			return capture.Picture{}, io.EOF
		}
		return numbered(n), nil
	}
}

func TestAFrameHoldsWhatItsPictureShows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		img := capturetest.Plain(640, 480, 10, 20, 30)
		for y := range 240 { // the upper left quarter is bright
			for x := range 320 {
				copy(img.Pix[3*(y*640+x):], []uint8{200, 210, 220})
			}
		}
		taken := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
		r := start(t, capture.Live, func(ctx context.Context, n int) (capture.Picture, error) {
			if n > 1 {
				<-ctx.Done()
				return capture.Picture{}, ctx.Err()
			}
			return capture.Picture{Image: img, CapturedAt: taken, Name: "a.png"}, nil
		})
		defer r.end(t)
		c, _ := camera(r, capture.Live)
		zones := []vision.Zone{{ID: "bright", Side: 5000}, {ID: "dark", X: 6250, Y: 5000, Side: 5000}, {}}
		f, err := c.Next(t.Context(), capture.Request{Zones: zones})
		if err != nil {
			t.Fatal(err)
		}
		if f.W != 640 || f.H != 480 || f.Seq != 1 || f.Name != "a.png" || !f.CapturedAt.Equal(taken) || !f.WallAt.Equal(time.Now()) {
			t.Errorf("%+v", f)
		}
		for i, zone := range zones {
			want := make(vision.Tensor, vision.TensorLen)
			if err := vision.Prepare(want, img, zone); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(f.Tensors[i], want) || !bytes.Equal(f.ZoneLumas[i].Pix, want.Grey().Half().Pix) {
				t.Errorf("zone %d holds something else", i)
			}
		}
		if f.Sharpness[0] != 0 || f.Sharpness[1] != 0 || f.Sharpness[2] < 10 {
			t.Errorf("sharpness %v", f.Sharpness)
		}
		if want := vision.ToLuma(img, capture.LumaShorter); f.Luma.W != 160 || f.Luma.H != 120 || !bytes.Equal(f.Luma.Pix, want.Pix) {
			t.Errorf("luma %dx%d", f.Luma.W, f.Luma.H)
		}
		if info, err := capture.Inspect(f.JPEG); err != nil || info != (capture.FileInfo{Format: "jpeg", W: 640, H: 480}) {
			t.Errorf("JPEG %+v: %v", info, err)
		}
	})
}

func TestTheOriginalJPEGIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		img := capturetest.Plain(40, 30, 9, 9, 9)
		original, err := capturetest.Codec{}.Encode(img, 33)
		if err != nil {
			t.Fatal(err)
		}
		r := start(t, capture.Finite, func(context.Context, int) (capture.Picture, error) {
			return capture.Picture{Image: img, File: original, Name: "x", CapturedAt: time.Now()}, nil
		})
		defer r.end(t)
		c, _ := camera(r, capture.Finite)
		f, err := c.Next(t.Context(), capture.Request{})
		if err != nil || !bytes.Equal(f.JPEG, original) || len(f.Tensors) != 1 {
			t.Errorf("%d bytes of JPEG, %d tensors: %v", len(f.JPEG), len(f.Tensors), err)
		}
	})
}

func TestAFrameBelongsToItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Finite, count(3))
		defer r.end(t)
		c, _ := camera(r, capture.Finite)
		first, err := c.Next(t.Context(), capture.Request{})
		if err != nil {
			t.Fatal(err)
		}
		tensor := bytes.Clone(first.Tensors[0])
		if _, err := c.Next(t.Context(), capture.Request{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Tensors[0], tensor) {
			t.Error("the next frame changed the one before")
		}
	})
}

func TestEndAndSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Finite, count(1))
		defer r.end(t)
		c, _ := camera(r, capture.Finite)
		if _, err := c.Next(t.Context(), capture.Request{}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := c.Next(t.Context(), capture.Request{}); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Live, nil)
		defer func() { _ = r.stop() }()
		c, _ := camera(r, capture.Live)
		began := time.Now()
		_, err := c.Next(t.Context(), capture.Request{})
		var answer *worker.Error
		if !errors.Is(err, capture.ErrNoPicture) || !errors.Is(err, capture.ErrNotOpen) || !errors.As(err, &answer) || answer.Message != "it is not plugged in" {
			t.Errorf("not plugged in: %v", err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

func TestACameraThatWasOpenIsSilentAndNotUnopened(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		never := func(ctx context.Context, _ int) (capture.Picture, error) {
			<-ctx.Done()
			return capture.Picture{}, ctx.Err()
		}
		r := start(t, capture.Live, nil, never)
		defer func() { _ = r.stop() }()
		c, _ := camera(r, capture.Live)
		if _, err := c.Next(t.Context(), capture.Request{}); !errors.Is(err, capture.ErrNoPicture) || errors.Is(err, capture.ErrNotOpen) {
			t.Errorf("open and silent: %v", err)
		}
	})
}

func crashed() error {
	return fmt.Errorf("call: %w", &worker.Failure{Code: worker.CodeCrashed, Err: errors.New("signal: killed")})
}

func TestSeqRisesOverWorkersAndAFolderGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := start(t, capture.Finite, count(9)), start(t, capture.Finite, count(9))
		defer first.end(t)
		defer second.end(t)
		c, caller := camera(first, capture.Finite)
		var seqs []uint64
		next := func() {
			t.Helper()
			f, err := c.Next(t.Context(), capture.Request{})
			if err != nil {
				t.Fatal(err)
			}
			seqs = append(seqs, f.Seq)
		}
		next()
		next()
		caller.handler = capture.NewCameraHandler(second.feed, capturetest.Codec{})
		again := crashed()
		caller.failures = []error{again, again, again} // one death, seen three times
		for range 3 {
			began := time.Now()
			if _, err := c.Next(t.Context(), capture.Request{}); !errors.Is(err, capture.ErrNoPicture) || !errors.Is(err, worker.ErrDown) {
				t.Errorf("while it is down: %v", err)
			}
			if time.Since(began) == 0 {
				t.Error("a caller that asks again at once would spin")
			}
		}
		next()
		next()
		if !slices.Equal(seqs, []uint64{1, 2, 3, 4}) {
			t.Errorf("seqs %v", seqs)
		}
		<-first.marks
		if from := <-second.marks; from != (capture.Mark{After: "002"}) {
			t.Errorf("the new worker begins at %+v", from)
		}
	})
}

// The first death is anybody's fault, the second is the picture's.
func TestAPictureThatEndsItsWorkerTwiceIsLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, capture.Finite, count(9))
		defer r.end(t)
		c, caller := camera(r, capture.Finite)
		caller.failures = []error{nil, crashed(), crashed()}
		for range 5 {
			_, _ = c.Next(t.Context(), capture.Request{})
		}
		var skips []int
		for _, params := range caller.params {
			var p struct {
				From capture.Mark `json:"from"`
			}
			if err := json.Unmarshal([]byte(params), &p); err != nil {
				t.Fatal(err)
			}
			skips = append(skips, p.From.Skip)
		}
		if !slices.Equal(skips, []int{0, 0, 0, 1, 0}) {
			t.Errorf("left out: %v", skips)
		}
	})
}

func TestHandlersRefuseBadCalls(t *testing.T) {
	t.Parallel()
	decode := capture.NewDecodeHandler(capturetest.Codec{})
	feed := capture.NewFeed(capture.FeedConfig{Kind: capture.Live})
	hold := capture.NewCameraHandler(feed, capturetest.Codec{})
	zones := `{"zones":[` + string(bytes.Repeat([]byte("{},"), 64)) + `{}]}`
	for name, c := range map[string]struct {
		handler worker.Handler
		req     worker.Request
		code    string
	}{
		"camera asked to decode": {hold, worker.Request{Op: capture.OpDecode}, "bad_call"},
		"camera without params":  {hold, worker.Request{Op: capture.OpNext}, "bad_call"},
		"camera with 65 zones":   {hold, worker.Request{Op: capture.OpNext, Params: []byte(zones)}, "bad_call"},
		"decoder asked for next": {decode, worker.Request{Op: capture.OpNext}, "bad_call"},
		"decoder with 65 zones":  {decode, worker.Request{Op: capture.OpPrepare, Params: []byte(zones)}, "bad_call"},
		"encode without size":    {decode, worker.Request{Op: capture.OpEncode, Params: []byte(`{"quality":85}`)}, "bad_call"},
		"encode that overflows":  {decode, worker.Request{Op: capture.OpEncode, Params: []byte(`{"w":6148914691236517206,"h":2,"quality":85}`), Body: make([]byte, 4)}, "bad_call"},
		"encode at quality 101":  {decode, worker.Request{Op: capture.OpEncode, Params: []byte(`{"w":1,"h":1,"quality":101}`), Body: make([]byte, 3)}, "bad_call"},
		"decode nothing":         {decode, worker.Request{Op: capture.OpDecode}, "bad_image"},
		"decode 31 MB":           {decode, worker.Request{Op: capture.OpDecode, Body: make([]byte, 31<<20)}, "too_large"},
	} {
		_, err := c.handler.Handle(t.Context(), &c.req)
		var coded *worker.Error
		if !errors.As(err, &coded) || coded.Code != c.code {
			t.Errorf("%s: %v, want code %s", name, err, c.code)
		}
	}
}

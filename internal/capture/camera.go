package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

const (
	// pictureWait is how long one call waits in the worker. It is far below the
	// call's own deadline, which a hung worker dies of.
	pictureWait = 2 * time.Second
	// downPause keeps a caller that asks again at once from spinning while the
	// worker is down.
	downPause = 200 * time.Millisecond
	// maxSkip bounds how many pictures in a row may be blamed for a worker's end.
	maxSkip = 3
)

// Variables of a worker's environment.
const (
	// SourceVariable hands over the camera's address. The command line of a
	// process can be read by everybody on the machine, and addresses hold passwords.
	SourceVariable = "GOURDIAN_CAMERA_SOURCE"
	// BeganVariable says (RFC 3339) when the camera's first worker was started, so
	// that the clock of a rendered field goes on when a worker is started anew.
	BeganVariable = "GOURDIAN_CAMERA_BEGAN"
)

// CameraSpec says how to start a worker for a camera address, by
// worker.NewSupervised. Its errors wrap ErrBadAddress, or say that the program
// is missing.
func CameraSpec(uri string, o Options) (worker.Spec, error) {
	if _, err := Parse(uri); err != nil {
		return worker.Spec{}, err
	}
	spec, err := o.spec("--source", "env")
	spec.Env = append(spec.Env, SourceVariable+"="+uri, BeganVariable+"="+time.Now().Format(time.RFC3339Nano))
	return spec, err
}

// Client is a Camera whose source lives in a worker process.
type Client struct {
	caller worker.Caller
	kind   Kind

	mu      sync.Mutex // one call at a time; guards what follows
	last    uint64     // Seq of the newest frame
	offset  uint64     // added to a worker's own Seq, so that Seq rises over restarts
	mark    Mark       // where a new worker goes on
	deaths  int        // of workers since the newest frame
	failure *worker.Failure
	ended   bool
}

// NewCamera returns a Camera over a worker that was started by CameraSpec for
// an address of this kind.
func NewCamera(caller worker.Caller, kind Kind) *Client {
	return &Client{caller: caller, kind: kind}
}

// Kind implements Camera.
func (c *Client) Kind() Kind { return c.kind }

// Next implements Camera.
func (c *Client) Next(ctx context.Context, req Request) (*Frame, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, io.EOF
	}
	params := nextParams{Zones: req.Zones, Wait: pictureWait, From: c.from()}
	var result nextResult
	body, err := c.caller.Call(ctx, OpNext, params, nil, &result)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	frame, err := result.frame(bytes.Clone(body), len(orCentred(req.Zones)))
	if err != nil {
		return nil, fmt.Errorf("next frame: %w", err)
	}
	c.came(frame)
	return frame, nil
}

// from is where a worker that starts now goes on. The first death may be
// anybody's fault; from the second one on the picture is left out.
func (c *Client) from() Mark {
	mark := c.mark
	mark.Skip = min(max(c.deaths-1, 0), maxSkip)
	return mark
}

func (c *Client) came(frame *Frame) {
	if frame.Seq+c.offset <= c.last { // a new worker counts from 1
		c.offset = c.last
	}
	frame.Seq += c.offset
	c.last, c.mark, c.deaths = frame.Seq, Mark{After: frame.Name}, 0
}

// failed gives an error its meaning.
func (c *Client) failed(ctx context.Context, err error) error {
	var failure *worker.Failure
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("next frame: %w", ctx.Err())
	case errors.Is(decoded(err), io.EOF):
		c.ended = true
		return io.EOF
	case errors.As(err, &failure):
		died := failure.Code == worker.CodeCrashed || failure.Code == worker.CodeHung
		if died && failure != c.failure {
			c.failure = failure
			c.deaths++
		}
		select {
		case <-time.After(downPause):
		case <-ctx.Done():
		}
		return fmt.Errorf("next frame: %w: %w", ErrNoPicture, err)
	}
	return fmt.Errorf("next frame: %w", decoded(err))
}

// frame cuts a body into the parts of a Frame, which keeps it.
func (r *nextResult) frame(body []byte, zones int) (*Frame, error) {
	const zoneLuma = vision.ZoneLumaSide * vision.ZoneLumaSide
	want := zones*(vision.TensorLen+zoneLuma) + r.LumaW*r.LumaH + r.JPEG
	if r.LumaW < 0 || r.LumaH < 0 || r.JPEG < 0 || len(body) != want || len(r.Sharpness) != zones {
		return nil, fmt.Errorf("the worker answered %d bytes and %d values for %d zones", len(body), len(r.Sharpness), zones)
	}
	f := &Frame{
		Seq: r.Seq, Dropped: r.Dropped, Unreadable: r.Unreadable,
		CapturedAt: r.CapturedAt, WallAt: r.WallAt, W: r.W, H: r.H, Name: r.Name,
		Tensors: splitTensors(body, zones), Sharpness: r.Sharpness,
	}
	body = body[zones*vision.TensorLen:]
	cut := func(n int) []byte {
		part := body[:n:n]
		body = body[n:]
		return part
	}
	for range zones {
		f.ZoneLumas = append(f.ZoneLumas, vision.Luma{W: vision.ZoneLumaSide, H: vision.ZoneLumaSide, Pix: cut(zoneLuma)})
	}
	f.Luma = vision.Luma{W: r.LumaW, H: r.LumaH, Pix: cut(r.LumaW * r.LumaH)}
	f.JPEG = cut(r.JPEG)
	return f, nil
}

var _ Camera = (*Client)(nil)

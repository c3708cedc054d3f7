package capture

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// decodeTimeout bounds one call of a Decoder: the largest picture on the
// slowest board. What takes longer is hostile, and its worker is killed.
const decodeTimeout = 20 * time.Second

// Decoder decodes, encodes and prepares pictures in a worker process that may
// die of them. Any goroutine may use it; the worker serves one call at a time.
type Decoder struct {
	mu     sync.Mutex // guards the body of the newest answer
	caller worker.Caller
}

// NewDecoder returns a Decoder over a worker that was started with --decode.
func NewDecoder(caller worker.Caller) *Decoder {
	return &Decoder{caller: caller}
}

// Options say how a worker is run. The zero value means: the program beside
// the running one, one thread, no cap.
type Options struct {
	Program  string // path of gourdian-camera; empty = beside the running program
	Threads  int    // that OpenCV may use; 0 = 1
	MemoryMB int    // 0 = no cap
	Log      *slog.Logger
}

// DecodeSpec says how to start a worker for a Decoder, by worker.Start or
// worker.NewSupervised.
func DecodeSpec(o Options) (worker.Spec, error) {
	spec, err := o.spec("--decode")
	spec.CallTimeout = decodeTimeout
	return spec, err
}

// StartDecoder starts a worker and returns a Decoder over it, which comes back
// no more once a picture has killed it: long imports supervise their worker
// instead. ctx bounds the start only. stop ends the worker.
func StartDecoder(ctx context.Context, o Options) (d *Decoder, stop func(), err error) {
	spec, err := DecodeSpec(o)
	if err != nil {
		return nil, nil, fmt.Errorf("start decoder: %w", err)
	}
	process, err := worker.Start(ctx, spec)
	if err != nil {
		return nil, nil, fmt.Errorf("start decoder: %w", err)
	}
	return NewDecoder(process), process.Close, nil
}

// fewArenas keeps the C library from giving each of FFmpeg's threads a heap of
// its own, which comes and goes with every opening of a video or stream: a
// worker that looped a video rose by megabytes in minutes and now stays.
const fewArenas = "MALLOC_ARENA_MAX=2"

func (o Options) spec(args ...string) (worker.Spec, error) {
	path, err := worker.Locate(Program, o.Program)
	if err != nil {
		return worker.Spec{}, err
	}
	args = append(args, "--threads", strconv.Itoa(max(o.Threads, 1)))
	return worker.Spec{Path: path, Args: args, Env: []string{fewArenas}, Program: Program, MemoryMB: o.MemoryMB, Log: o.Log}, nil
}

// Decode returns the upright pixels of an encoded picture; they are the
// caller's. Errors: wrapping ErrBadImage or ErrTooLarge for the file's fault,
// worker.ErrDown for the worker's, or ctx.Err().
func (d *Decoder) Decode(ctx context.Context, file []byte) (vision.Image, error) {
	if _, err := Inspect(file); err != nil {
		return vision.Image{}, fmt.Errorf("decode picture: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var size sizeResult
	pix, err := d.caller.Call(ctx, OpDecode, nil, file, &size)
	if err != nil {
		return vision.Image{}, fmt.Errorf("decode picture: %w", decoded(err))
	}
	img := vision.Image{W: size.W, H: size.H, Pix: bytes.Clone(pix)}
	if err := img.Check(); err != nil {
		return vision.Image{}, fmt.Errorf("decode picture: answer of the worker: %w", err)
	}
	return img, nil
}

// Encode returns img as a JPEG of quality 1 to 100.
func (d *Decoder) Encode(ctx context.Context, img vision.Image, quality int) ([]byte, error) {
	if err := img.Check(); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	jpeg, err := d.caller.Call(ctx, OpEncode, encodeParams{img.W, img.H, quality}, img.Pix, nil)
	if err != nil {
		return nil, fmt.Errorf("encode picture: %w", decoded(err))
	}
	return bytes.Clone(jpeg), nil
}

// Prepare returns one tensor for each zone of an encoded picture (the largest
// centred one where none is given) and the size of the upright picture. It
// moves far fewer bytes than Decode. Errors are those of Decode.
func (d *Decoder) Prepare(ctx context.Context, file []byte, zones ...vision.Zone) (tensors []vision.Tensor, w, h int, err error) {
	if _, err := Inspect(file); err != nil {
		return nil, 0, 0, fmt.Errorf("prepare picture: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var size sizeResult
	body, err := d.caller.Call(ctx, OpPrepare, prepareParams{zones}, file, &size)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("prepare picture: %w", decoded(err))
	}
	count := len(orCentred(zones))
	if len(body) != count*vision.TensorLen {
		return nil, 0, 0, fmt.Errorf("prepare picture: the worker answered %d bytes for %d zones", len(body), count)
	}
	return splitTensors(bytes.Clone(body), count), size.W, size.H, nil
}

// splitTensors cuts the first count tensors out of body.
func splitTensors(body []byte, count int) []vision.Tensor {
	tensors := make([]vision.Tensor, count)
	for i := range tensors {
		end := (i + 1) * vision.TensorLen
		tensors[i] = vision.Tensor(body[i*vision.TensorLen : end : end])
	}
	return tensors
}

package predict

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"gourdian/internal/capture"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// process is a worker that comes back when it dies; *worker.Supervised is one.
type process interface {
	Run(ctx context.Context) error
	State() worker.State
	Changed() <-chan struct{}
}

// decoder is one camera worker that decodes; one goroutine at a time uses it.
type decoder struct {
	process process
	client  pictures
}

// pictures is what is asked of a camera worker; *capture.Decoder is one.
type pictures interface {
	Prepare(ctx context.Context, file []byte, zones ...vision.Zone) ([]vision.Tensor, int, int, error)
	Decode(ctx context.Context, file []byte) (vision.Image, error)
	Encode(ctx context.Context, img vision.Image, quality int) ([]byte, error)
}

// Decoders is a pool of camera workers. Any number of goroutines may use it
// while Run runs.
type Decoders struct {
	all  []*decoder
	idle chan *decoder
}

// NewDecoders returns n workers that are down until Run.
func NewDecoders(n int, o capture.Options) (*Decoders, error) {
	spec, err := capture.DecodeSpec(o)
	if err != nil {
		return nil, fmt.Errorf("decode pictures: %w", err)
	}
	d := &Decoders{idle: make(chan *decoder, n)}
	for range n {
		supervised := worker.NewSupervised(spec)
		d.add(&decoder{process: supervised, client: capture.NewDecoder(supervised)})
	}
	return d, nil
}

func (d *Decoders) add(one *decoder) {
	d.all = append(d.all, one)
	d.idle <- one
}

// Run keeps the workers running until ctx is done.
func (d *Decoders) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, one := range d.all {
		all.Go(func() { _ = one.process.Run(ctx) }) // it returns nil, when ctx is done
	}
	all.Wait()
	return nil
}

// attempts is how often a picture is given to a worker: one that two workers
// died of is to blame itself.
const attempts = 2

// with calls do with a worker that is up and nobody else's. Where the worker
// dies of it, another attempt is made.
func (d *Decoders) with(ctx context.Context, do func(pictures) error) error {
	var one *decoder
	select {
	case one = <-d.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { d.idle <- one }()
	err := outlive(ctx, one.process, worker.ErrDown, func() error { return do(one.client) })
	if errors.Is(err, worker.ErrDown) {
		return fmt.Errorf("%w: the decoder did not survive it: %w", capture.ErrBadImage, err)
	}
	return err
}

// outlive does something with a worker that is up, and once more where the
// worker died of it: then do's error is down.
func outlive(ctx context.Context, p process, down error, do func() error) error {
	for attempt := 1; ; attempt++ {
		if err := whileUp(ctx, p); err != nil {
			return err
		}
		changed := p.Changed()
		err := do()
		if attempt == attempts || !errors.Is(err, down) {
			return err
		}
		select { // the worker's end is noticed a moment later
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// whileUp waits until the worker is up; for one that never fits it does not.
func whileUp(ctx context.Context, p process) error {
	for {
		changed := p.Changed()
		switch state := p.State(); {
		case state.Up:
			return nil
		case state.Code == worker.CodeMismatch:
			return fmt.Errorf("%w: %s", ErrMismatch, state.Err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", ctx.Err(), p.State().Err)
		}
	}
}

// Prepare returns the tensor of a picture's largest centred square, and the
// size of the upright picture.
func (d *Decoders) Prepare(ctx context.Context, file []byte) (in vision.Tensor, w, h int, err error) {
	err = d.with(ctx, func(p pictures) error {
		tensors, width, height, err := p.Prepare(ctx, file)
		if err == nil {
			in, w, h = tensors[0], width, height
		}
		return err
	})
	return in, w, h, err
}

// Plain returns a picture as an upright JPEG that holds its pixels and nothing
// else: no place, no time, no maker of the camera.
func (d *Decoders) Plain(ctx context.Context, file []byte) ([]byte, error) {
	var out []byte
	err := d.with(ctx, func(p pictures) error {
		img, err := p.Decode(ctx, file)
		if err != nil {
			return err
		}
		out, err = p.Encode(ctx, img, plainQuality)
		return err
	})
	return out, err
}

// plainQuality of JPEGs that are kept for learning.
const plainQuality = 92

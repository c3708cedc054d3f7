package embed

import (
	"context"
	"errors"
	"fmt"

	"gourdian/internal/capture"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// WorkerDecoder decodes in a camera worker and starts another one where a
// picture has killed it, so that one hostile picture of a thousand costs
// itself only. One goroutine uses it.
type WorkerDecoder struct {
	options capture.Options
	decoder *capture.Decoder
	stop    func()
}

// NewWorkerDecoder starts the worker; ctx bounds the start only.
func NewWorkerDecoder(ctx context.Context, o capture.Options) (*WorkerDecoder, error) {
	d := &WorkerDecoder{options: o}
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// start leaves the decoder as it is where the worker can't be started.
func (d *WorkerDecoder) start(ctx context.Context) error {
	decoder, stop, err := capture.StartDecoder(ctx, d.options)
	if err != nil {
		return err
	}
	d.decoder, d.stop = decoder, stop
	return nil
}

// Decode implements Decoder. A picture that the worker died of is at fault.
func (d *WorkerDecoder) Decode(ctx context.Context, file []byte) (vision.Image, error) {
	img, err := d.decoder.Decode(ctx, file)
	if !errors.Is(err, worker.ErrDown) || ctx.Err() != nil {
		return img, err
	}
	d.Close()
	if again := d.start(ctx); again != nil {
		return img, fmt.Errorf("decode picture: the worker ended (%w) and does not start again: %w", err, again)
	}
	return img, fmt.Errorf("%w: the decoder did not survive it: %w", capture.ErrBadImage, err)
}

// Close stops the worker; calling it again does nothing.
func (d *WorkerDecoder) Close() {
	if d.stop != nil {
		d.stop()
		d.stop = nil
	}
}

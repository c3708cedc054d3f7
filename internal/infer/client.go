package infer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// Program is the name of the worker that serves a model.
const Program = "gourdian-infer"

// Client is a Runner whose network runs in a worker process.
type Client struct {
	caller worker.Caller
	hello  func() (worker.Hello, bool)
	stop   func()

	mu     sync.Mutex // guards detail and info
	detail []byte     // the hello that info was read from
	info   Info
}

// NewClient returns a Runner over caller. hello gives the newest hello of the
// worker and whether there was one: each start may change what is served. stop
// is called by Close and may be nil.
func NewClient(caller worker.Caller, hello func() (worker.Hello, bool), stop func()) *Client {
	return &Client{caller: caller, hello: hello, stop: stop}
}

// Run implements Runner.
func (c *Client) Run(ctx context.Context, in vision.Tensor, out *Scores) error {
	if len(in) != vision.TensorLen {
		return fmt.Errorf("infer: %w: %d bytes", ErrBadTensor, len(in))
	}
	body, err := c.caller.Call(ctx, OpRun, nil, in, nil)
	if err != nil {
		return fmt.Errorf("infer: %w", translate(err))
	}
	// The hello is read after the answer, so it is the one of the worker that
	// gave it, or of a newer one, whose lengths then show.
	info := c.Info()
	out.Fit(&info)
	if err := out.read(body); err != nil {
		return fmt.Errorf("infer: %w: %w", ErrUnavailable, err)
	}
	return nil
}

// translate gives errors of the worker the meaning that Runner promises.
func translate(err error) error {
	var answer *worker.Error
	switch {
	case errors.Is(err, worker.ErrDown):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.As(err, &answer) && answer.Code == codeBadTensor:
		return fmt.Errorf("%w: %w", ErrBadTensor, err)
	}
	return err
}

// Info implements Runner. It is empty before the worker was first up.
func (c *Client) Info() Info {
	hello, ok := c.hello()
	c.mu.Lock()
	defer c.mu.Unlock()
	if ok && !bytes.Equal(hello.Detail, c.detail) {
		var info Info
		if json.Unmarshal(hello.Detail, &info) == nil {
			c.info = info
		}
		c.detail = bytes.Clone(hello.Detail)
	}
	return c.info
}

// Close implements Runner: it stops a worker that the client started.
func (c *Client) Close() error {
	if c.stop != nil {
		c.stop()
	}
	return nil
}

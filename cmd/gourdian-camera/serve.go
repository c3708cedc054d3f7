package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/capture/cv"
	"gourdian/internal/capture/drivers"
	"gourdian/internal/worker"
)

// maxThreads is more than any board here has.
const maxThreads = 64

// fromEnvironment is the --source that stands for $GOURDIAN_CAMERA_SOURCE.
const fromEnvironment = "env"

type options struct {
	decode     bool
	source     string
	threads    int
	stuckAfter time.Duration

	address capture.Address // of source, set by check
}

func (o *options) check() error {
	if o.source == fromEnvironment {
		o.source = os.Getenv(capture.SourceVariable)
	}
	switch {
	case o.decode == (o.source != ""):
		return &usageError{errors.New("say what to do: --source ADDRESS or --decode")}
	case o.threads < 1 || o.threads > maxThreads:
		return &usageError{fmt.Errorf("--threads %d is not 1..%d", o.threads, maxThreads)}
	case o.stuckAfter < time.Second:
		return &usageError{fmt.Errorf("--stuck-after %v is less than a second", o.stuckAfter)}
	case o.decode:
		return nil
	}
	var err error
	if o.address, err = capture.Parse(o.source); err != nil {
		return &usageError{err}
	}
	return nil
}

// run serves until the parent ends. Where that can't be done the parent is
// told why.
func (o *options) run(ctx context.Context) error {
	hello := worker.Hello{Program: capture.Program, Version: version}
	codec, err := cv.NewCodec()
	if err != nil {
		return errors.Join(err, worker.Refuse(hello, &worker.Error{Code: "no_codec", Message: err.Error()}))
	}
	defer codec.Close()
	cv.SetThreads(o.threads)
	if o.decode {
		return worker.Serve(ctx, hello, capture.NewDecodeHandler(codec))
	}
	return o.serveSource(ctx, hello, codec)
}

// serveSource reads the source in one goroutine and serves its frames in this
// one; the first to end takes the other along.
func (o *options) serveSource(ctx context.Context, hello worker.Hello, codec capture.Codec) error {
	// A codec serves one goroutine. This one is freed by the end of the process:
	// a driver that hangs may come back to it at any moment until then.
	reading, err := cv.NewCodec()
	if err != nil {
		return err
	}
	began, err := time.Parse(time.RFC3339Nano, os.Getenv(capture.BeganVariable))
	if err != nil {
		began = time.Now()
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	feed := capture.NewFeed(capture.FeedConfig{
		Kind: o.address.Kind(),
		Open: func(ctx context.Context, from capture.Mark) (capture.Source, error) {
			return drivers.Open(ctx, o.address, drivers.Env{Codec: reading, Log: log, From: from, Began: began})
		},
		StuckAfter: o.stuckAfter,
		HungAfter:  max(capture.DefaultHungAfter, 2*o.stuckAfter),
		Log:        log,
	})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	feedEnd := make(chan error, 1)
	go func() {
		feedEnd <- feed.Run(ctx)
		cancel()
	}()
	err = worker.Serve(ctx, hello, capture.NewCameraHandler(feed, codec))
	cancel()
	return errors.Join(err, <-feedEnd)
}

package main

import (
	"context"
	"errors"
	"fmt"

	"gourdian/internal/capture"
	"gourdian/internal/capture/cv"
	"gourdian/internal/worker"
)

// maxThreads is more than any board here has.
const maxThreads = 64

type options struct {
	decode  bool
	threads int
}

func (o *options) check() error {
	switch {
	case !o.decode:
		return &usageError{errors.New("say what to do: --decode")}
	case o.threads < 1 || o.threads > maxThreads:
		return &usageError{fmt.Errorf("--threads %d is not 1..%d", o.threads, maxThreads)}
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
	return worker.Serve(ctx, hello, capture.NewDecodeHandler(codec))
}
